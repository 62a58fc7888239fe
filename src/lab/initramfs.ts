// Owns the lab's initramfs: busybox, the guest's scripts, and the modules needed before the shared root is there.
// The archive is cached beside the kernel under a name made from its content's recipe, so it is never out of date.

import { createHash, randomUUID } from 'node:crypto';
import { access, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { VfleetError } from '../base/errors.ts';
import { CpioMode, writeCpio } from './cpio.ts';
import type { CpioEntry } from './cpio.ts';
import { bootScript, guestScript } from './guest.ts';
import type { LabImage } from './image.ts';
import { runProgram } from './program.ts';

/** Modules by the moment at which the guest loads them, each list with what it depends on before it. */
const moduleSets = {
  root: ['9pnet_virtio', '9p', 'overlay'],
  igb: ['igb', 'igbvf', 'vfio_pci', 'vfio_iommu_type1'],
  netdevsim: ['psample'],
} as const;

/** The initramfs for an image, built when the cache has none from these scripts. */
export async function prepareInitramfs(image: LabImage, signal: AbortSignal | undefined): Promise<string> {
  const recipe = JSON.stringify([bootScript, guestScript, moduleSets]);
  const hash = createHash('sha256').update(recipe).digest('hex').slice(0, 16);
  const file = join(image.folder, `initramfs-${hash}.cpio`);
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (isThere) return file;
  const unfinished = `${file}-${randomUUID()}`;
  await writeFile(unfinished, writeCpio(await collectEntries(image, signal)));
  await rename(unfinished, file);
  return file;
}

async function collectEntries(image: LabImage, signal: AbortSignal | undefined): Promise<CpioEntry[]> {
  const folders = ['bin', 'dev', 'modules', 'newroot', 'proc', 'ro', 'rw', 'sys'];
  const entries: CpioEntry[] = folders.map((path) => ({ path, mode: CpioMode.folder }));
  entries.push(
    { path: 'bin/busybox', mode: CpioMode.program, content: await readFile(image.busyboxFile) },
    { path: 'init', mode: CpioMode.program, content: Buffer.from(bootScript) },
    { path: 'guest', mode: CpioMode.program, content: Buffer.from(guestScript) },
  );
  const tree = join(image.modulesFolder, image.release);
  const dependencies = parseModulesDep(await readFile(join(tree, 'modules.dep'), 'utf8'));
  const done = new Set<string>();
  for (const [set, names] of Object.entries(moduleSets)) {
    const order: string[] = [];
    for (const path of orderModules(names, dependencies)) {
      if (done.has(path)) continue;
      done.add(path);
      const name = moduleNameOf(path);
      order.push(name);
      const content = path.endsWith('.xz')
        ? await runProgram('xz', ['-dc', join(tree, path)], { signal })
        : await readFile(join(tree, path));
      entries.push({ path: `modules/${name}.ko`, mode: CpioMode.file, content });
    }
    entries.push({
      path: `modules/${set}.order`,
      mode: CpioMode.file,
      content: Buffer.from(order.map((name) => `${name}\n`).join('')),
    });
  }
  return entries;
}

/** Reads modules.dep: path of a module → paths it depends on. */
export function parseModulesDep(text: string): Map<string, string[]> {
  const dependencies = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const paths = line.slice(colon + 1).split(' ');
    dependencies.set(
      line.slice(0, colon),
      paths.filter((path) => path !== ''),
    );
  }
  return dependencies;
}

/** Paths of the named modules with all they depend on, each after what it depends on. */
export function orderModules(
  names: readonly string[],
  dependencies: ReadonlyMap<string, readonly string[]>,
): string[] {
  const pathOf = new Map([...dependencies.keys()].map((path) => [moduleNameOf(path), path]));
  const order = new Set<string>();
  const visit = (path: string): void => {
    for (const dependency of dependencies.get(path) ?? []) visit(dependency);
    order.add(path);
  };
  for (const name of names) {
    const path = pathOf.get(name);
    if (path === undefined) throw new VfleetError('lab.failed', `the kernel has no module ${name}`);
    visit(path);
  }
  return [...order];
}

/** `kernel/drivers/vfio/pci/vfio-pci.ko.xz` → `vfio_pci`: the kernel takes both dashes for one. */
function moduleNameOf(path: string): string {
  return basename(path)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
}
