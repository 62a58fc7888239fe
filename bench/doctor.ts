// Owns the section `doctor`: the judging of a host with 8 PFs of 128 VFs against reading the same files in a plain loop.
// The host is a simulated one whose files are copied to a disk, so that reading them costs what reading files costs;
// netlink is answered from memory, because what the simulation costs is not ours.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { runDoctor } from '../src/doctor/run-doctor.ts';
import { readSnapshot } from '../src/inventory/snapshot.ts';
import type { FileTree, Kernel } from '../src/kernel/kernel.ts';
import { isErrno } from '../src/kernel/kernel.ts';
import { localFiles } from '../src/kernel/local-files.ts';
import { KernelSession } from '../src/kernel/session.ts';
import { createSimKernel } from '../src/sim/sim-kernel.ts';
import { rememberNetlink } from './replayed-netlink.ts';
import { rowOf } from './result.ts';
import type { Row } from './result.ts';
import { alternate, timeMs } from './sample.ts';

const vfsPerPf = 128;
const maxTimesLoop = 4;
const writeTimeoutMs = 600_000;

/** The simulated host `big` with 128 VFs on each of its 8 PFs. */
async function openBigHost(): Promise<Kernel> {
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

type Reading = { readonly does: 'read' | 'list' | 'link'; readonly path: string };

/** The same files, and what was asked of them in order. */
function recording(files: FileTree): { files: FileTree; readings: Reading[] } {
  const readings: Reading[] = [];
  const note = (does: Reading['does'], path: string): void => void readings.push({ does, path });
  return {
    readings,
    files: {
      ...files,
      readBytes(path, maxBytes) {
        note('read', path);
        return files.readBytes(path, maxBytes);
      },
      list(path) {
        note('list', path);
        return files.list(path);
      },
      readLink(path) {
        note('link', path);
        return files.readLink(path);
      },
    },
  };
}

/** What a loop without any thought does with the same files. */
function readAll(root: string, readings: readonly Reading[]): number {
  let sum = 0;
  for (const { does, path } of readings) {
    try {
      if (does === 'read') sum += readFileSync(root + path).length;
      else if (does === 'list') sum += readdirSync(root + path).length;
      else sum += readlinkSync(root + path).length;
    } catch {
      // Files that are not there are asked for as well.
      sum += 0;
    }
  }
  return sum;
}

export async function measureDoctor(): Promise<readonly Row[]> {
  const root = mkdtempSync(join(tmpdir(), 'vfleet-doctor-'));
  try {
    const simulated = rememberNetlink(await openBigHost());
    for (const name of simulated.files.list('/')) {
      mkdirSync(dirname(`${root}/${name}`), { recursive: true });
      copyTree(simulated.files, `/${name}`, root);
    }
    const copied = localFiles({ root });
    const { files, readings } = recording(copied);
    const judge = async (tree: FileTree): Promise<void> => {
      const session = new KernelSession({ ...simulated, files: tree });
      const report = runDoctor(await readSnapshot(session, { detail: 'full', platform: true }));
      session.close();
      if (report.findings.length === 0) throw new Error('the doctor says nothing');
    };
    await judge(files);
    const { ours, loop } = await alternate(
      {
        loop: async () => timeMs(() => readAll(root, readings)),
        ours: async () => timeMs(async () => judge(copied)),
      },
      { rounds: 9, warmUpRounds: 4 },
    );
    return [
      rowOf({
        section: 'doctor',
        where: 'this machine',
        what: `doctor, 8 PFs x ${vfsPerPf} VFs`,
        unit: 'ms',
        ours,
        comparedWith: `plain loop over the same ${readings.length} files`,
        compared: loop,
        bound: maxTimesLoop,
      }),
    ];
  } finally {
    rmSync(root, { recursive: true });
  }
}
