// Owns the way from a workload file on disk to its sizing: reads the file and the snapshots it names, and sizes.
// Runs in a thread of its own (sizing-worker.ts), because it computes for seconds; writes nothing.

import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { VfleetError, messageOf } from '../base/errors.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { HostCores } from '../report/host-placements.ts';
import { type ParsedWorkload, parseWorkload } from '../sizing/parsed-workload.ts';
import type { SizingResult } from '../sizing/result.ts';
import { sizeWorkload } from '../sizing/size.ts';
import { readSnapshotFile } from './host.ts';

/** 10,000 snapshots and 1000 classes are 2 MB; a file over this is something else. */
const maxWorkloadBytes = 16 * 1024 * 1024;

export interface SizedWorkload {
  readonly result: SizingResult;
  /** For each of `result.hosts` the CPUs by NUMA node, where a snapshot says them. */
  readonly cores: readonly HostCores[];
}

/**
 * Sizes the workload of a file. Paths of snapshots are relative to the file.
 * Throws `file.unreadable`, `spec.syntax`, `spec.invalid`, and for a snapshot `file.unreadable`, `snapshot.version` or
 * `snapshot.invalid`; where several snapshots cannot be read, one error names all of them.
 */
export async function sizeWorkloadFile(path: string): Promise<SizedWorkload> {
  const parsed = parseWorkload(await readWorkloadText(path), path);
  const snapshots = await readSnapshots(parsed, dirname(path));
  const result = await sizeWorkload(parsed, snapshots, { withMarginal: true });
  const files = (parsed.workload.hosts.snapshots ?? []).map(({ file }) => file);
  const cores = result.hosts.map((host, at): HostCores => {
    const file = files[at];
    const snapshot = host.source === 'snapshot' && file !== undefined ? snapshots.get(file) : undefined;
    return snapshot?.platform?.numa.map((node) => node.cores);
  });
  return { result, cores };
}

async function readWorkloadText(path: string): Promise<string> {
  try {
    const facts = await stat(path);
    if (!facts.isFile() && !facts.isFIFO() && !facts.isCharacterDevice()) throw new Error('it is no file');
    if (facts.size > maxWorkloadBytes) {
      throw new Error(`it has ${facts.size} bytes, a workload file has at most ${maxWorkloadBytes}`);
    }
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new VfleetError('file.unreadable', `workload ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** Every snapshot once, by the text that names it in the file. */
async function readSnapshots(parsed: ParsedWorkload, folder: string): Promise<ReadonlyMap<string, Snapshot>> {
  const snapshots = new Map<string, Snapshot>();
  const failures = new Map<string, VfleetError>();
  for (const [index, { file }] of (parsed.workload.hosts.snapshots ?? []).entries()) {
    if (snapshots.has(file) || failures.has(file)) continue;
    try {
      snapshots.set(file, await readSnapshotFile(resolve(folder, file)));
    } catch (thrown) {
      if (!(thrown instanceof VfleetError)) throw thrown;
      const { line } = parsed.locate(['hosts', 'snapshots', index]);
      failures.set(file, placed(thrown, line));
    }
  }
  const [first, ...more] = failures.values();
  if (first === undefined) return snapshots;
  if (more.length === 0) throw first;
  throw new VfleetError(first.code, `${failures.size} snapshots of ${parsed.fileName} cannot be used`, {
    details: { file: parsed.fileName, problems: [first, ...more].map(({ message }) => message) },
  });
}

/** The same error with the line of the workload file that names the snapshot. */
function placed({ code, message, hint, details, cause }: VfleetError, line: number): VfleetError {
  return new VfleetError(code, `line ${line}: ${message}`, { hint, details, cause });
}
