// Owns the prepared kernel of the lab: a folder in the cache with kernel, modules, busybox and, once asked for, netdevsim.
// A folder is complete or not there: it is made elsewhere and moved into place. Nothing is installed on the host.

import { mkdir, readFile, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VfleetError } from '../base/errors.ts';
import { preparing } from './cache.ts';
import type { Report } from './cache.ts';
import { byVersion, findNewestKernel, unpackPackages } from './debian.ts';
import type { KernelChoice } from './debian.ts';
import { buildNetdevsim } from './netdevsim.ts';
import { runProgram } from './program.ts';

export interface LabImage extends KernelChoice {
  readonly folder: string;
  readonly kernelFile: string;
  /** A static busybox. */
  readonly busyboxFile: string;
  /** Folder that the guest sees as /lib/modules. */
  readonly modulesFolder: string;
  /** Where the built netdevsim.ko is; undefined while it is not built. */
  readonly netdevsimFile: string | undefined;
}

/** Rises when the content of an image folder changes, so that folders of an older vfleet are not used. */
const recipe = 1;
const folderPrefix = `kernel-r${recipe}-`;
/** Written last; holds the {@link KernelChoice}. */
const choiceFile = 'kernel.json';

/**
 * The lab's kernel, prepared when it is not in the cache yet: with netdevsim when that is asked for. `refresh` asks apt
 * for a newer kernel; without it a prepared one is used as it is, offline.
 * Errors: `host.unsupported` where apt offers no 6.12 kernel, `lab.failed` when a download or the build fails.
 */
export async function prepareImage(options: {
  readonly cacheFolder: string;
  readonly netdevsim: boolean;
  readonly refresh: boolean;
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}): Promise<LabImage> {
  const { cacheFolder, netdevsim, refresh, report, signal } = options;
  const isEnough = (image: LabImage | undefined): image is LabImage =>
    image !== undefined && (!netdevsim || image.netdevsimFile !== undefined);
  if (!refresh) {
    const image = (await findImages(cacheFolder)).at(-1);
    if (isEnough(image)) return image;
  }
  return await preparing(cacheFolder, report, signal, async (workFolder) => {
    // Another process may have prepared it while we waited.
    const prepared = (await findImages(cacheFolder)).at(-1);
    if (!refresh && isEnough(prepared)) return prepared;
    // Headers and source of an older kernel may have left the archive: only the newest is ever added to.
    const choice = await findNewestKernel(report, signal);
    const folder = join(cacheFolder, folderPrefix + choice.version);
    let image = await readImage(folder);
    if (image === undefined) {
      report(`fetching Debian's Linux ${choice.release} (about 110 MB)`);
      await unpackKernel(choice, join(workFolder, 'kernel'), signal);
      await rm(folder, { recursive: true, force: true });
      await rename(join(workFolder, 'kernel'), folder);
      image = await readImage(folder);
    }
    if (netdevsim && image?.netdevsimFile === undefined) {
      report('fetching headers and source and building netdevsim (about 170 MB, a minute)');
      const file = netdevsimFileIn(folder, choice.release);
      await mkdir(join(file, '..'), { recursive: true });
      await rename(await buildNetdevsim(choice, workFolder, signal), file);
      image = await readImage(folder);
    }
    if (isEnough(image)) return image;
    throw new VfleetError('internal.bug', `${folder} was prepared and is not complete`);
  });
}

/** The complete images in a cache, oldest kernel first. */
async function findImages(cacheFolder: string): Promise<LabImage[]> {
  const names = await readdir(cacheFolder).catch(() => []);
  const images = await Promise.all(
    names
      .filter((name) => name.startsWith(folderPrefix))
      .sort(byVersion)
      .map(async (name) => await readImage(join(cacheFolder, name))),
  );
  return images.filter((image) => image !== undefined);
}

async function readImage(folder: string): Promise<LabImage | undefined> {
  const text = await readFile(join(folder, choiceFile), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const choice = JSON.parse(text) as KernelChoice;
  const netdevsimFile = netdevsimFileIn(folder, choice.release);
  return {
    ...choice,
    folder,
    kernelFile: join(folder, 'vmlinuz'),
    busyboxFile: join(folder, 'busybox'),
    modulesFolder: join(folder, 'lib/modules'),
    netdevsimFile: (await exists(netdevsimFile)) ? netdevsimFile : undefined,
  };
}

function netdevsimFileIn(folder: string, release: string): string {
  return join(folder, 'lib/modules', release, 'extra/netdevsim.ko');
}

async function unpackKernel(
  choice: KernelChoice,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const unpacked = `${folder}-packages`;
  await mkdir(unpacked);
  await unpackPackages(
    [`linux-image-${choice.release}=${choice.version}`, 'busybox-static'],
    unpacked,
    signal,
  );
  await mkdir(join(folder, 'lib'), { recursive: true });
  // kmod looks below lib or below usr/lib, as its distribution built it.
  await mkdir(join(folder, 'usr'));
  await symlink('../lib', join(folder, 'usr/lib'));
  await rename(join(unpacked, 'boot', `vmlinuz-${choice.release}`), join(folder, 'vmlinuz'));
  // Debian 13 packages have moved below usr.
  await renameFirst(
    [join(unpacked, 'lib/modules'), join(unpacked, 'usr/lib/modules')],
    join(folder, 'lib/modules'),
  );
  await renameFirst(
    [join(unpacked, 'bin/busybox'), join(unpacked, 'usr/bin/busybox')],
    join(folder, 'busybox'),
  );
  await runProgram('depmod', ['-b', folder, choice.release], { signal });
  await writeFile(join(folder, choiceFile), JSON.stringify(choice));
}

async function renameFirst(candidates: readonly string[], target: string): Promise<void> {
  for (const candidate of candidates) {
    if (await exists(candidate)) {
      await rename(candidate, target);
      return;
    }
  }
  throw new VfleetError('lab.failed', `a Debian package lacks ${candidates.join(' and ')}`);
}

async function exists(file: string): Promise<boolean> {
  return await stat(file).then(
    () => true,
    () => false,
  );
}
