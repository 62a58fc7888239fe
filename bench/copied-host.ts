// Owns a host to measure on: a simulated one whose files are copied to a disk, so that reading them costs what reading files
// costs; netlink is answered from memory, because what the simulation costs is not ours.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import type { FileTree, Kernel } from '../src/kernel/kernel.ts';
import { isErrno } from '../src/kernel/kernel.ts';
import { localFiles } from '../src/kernel/local-files.ts';
import { createSimKernel } from '../src/sim/sim-kernel.ts';
import { rememberNetlink } from './replayed-netlink.ts';

const writeTimeoutMs = 600_000;

export interface CopiedHost {
  readonly kernel: Kernel;
  /** Folder of its files. */
  readonly root: string;
  remove(): void;
}

/** Copies the host `big` with so many VFs on each PF to a temporary folder, which the caller removes. */
export async function copyBigHost(vfsPerPf: number): Promise<CopiedHost> {
  const root = mkdtempSync(join(tmpdir(), 'vfleet-host-'));
  const simulated = rememberNetlink(await openBigHost(vfsPerPf));
  for (const name of simulated.files.list('/')) {
    mkdirSync(dirname(`${root}/${name}`), { recursive: true });
    copyTree(simulated.files, `/${name}`, root);
  }
  return {
    kernel: { ...simulated, files: localFiles({ root }) },
    root,
    remove: () => rmSync(root, { recursive: true }),
  };
}

/** The simulated host `big` with so many VFs on each of its 8 PFs. */
async function openBigHost(vfsPerPf: number): Promise<Kernel> {
  const kernel = createSimKernel({ profile: 'big' });
  for (const device of kernel.files.list('/sys/bus/pci/devices')) {
    const numVfs = `/sys/bus/pci/devices/${device}/sriov_numvfs`;
    if (kernel.files.identity(numVfs) === undefined) continue;
    for (const count of ['0', String(vfsPerPf)]) {
      const refusal = await kernel.files.write(numVfs, count, writeTimeoutMs);
      if (refusal !== undefined) throw new Error(`${numVfs}: ${refusal.errno}`);
    }
  }
  return kernel;
}

/** Copies a tree with its links, which become relative. */
function copyTree(files: FileTree, path: string, root: string): void {
  const target = files.readLink(path);
  if (target !== undefined) {
    const inside = target.startsWith('/') ? posix.relative(posix.dirname(path), target) : target;
    symlinkSync(inside, root + path);
    return;
  }
  const content = files.readBytes(path, 1 << 20);
  if (!isErrno(content)) {
    writeFileSync(root + path, content);
    return;
  }
  if (content.errno !== 'EISDIR') return;
  mkdirSync(root + path, { recursive: true });
  for (const name of files.list(path)) copyTree(files, posix.join(path, name), root);
}
