// Owns the section `doctor`: the judging of a host with 8 PFs of 128 VFs against reading the same files in a plain loop.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { runDoctor } from '../src/doctor/run-doctor.ts';
import { readSnapshot } from '../src/inventory/snapshot.ts';
import type { FileTree } from '../src/kernel/kernel.ts';
import { KernelSession } from '../src/kernel/session.ts';
import { copyBigHost } from './copied-host.ts';
import { rowOf } from './result.ts';
import type { Row } from './result.ts';
import { alternate, timeMs } from './sample.ts';

const vfsPerPf = 128;
const maxTimesLoop = 4;

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
  const host = await copyBigHost(vfsPerPf);
  const { root, kernel } = host;
  try {
    const copied = kernel.files;
    const { files, readings } = recording(copied);
    const judge = async (tree: FileTree): Promise<void> => {
      const session = new KernelSession({ ...kernel, files: tree });
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
    host.remove();
  }
}
