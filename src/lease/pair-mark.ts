// Owns the marks of failover pairs that have been whole: beside the lease, `leases/ADDRESS@INDEX.pair`.
// A mark says that the guest has used both, so that a VF which is gone was taken by somebody, and not left out by an attach
// that died. What follows from it is src/assign's.

import { join } from 'node:path';
import { PairMark } from '../model/lease.ts';
import type { Lease, VfKey } from '../model/lease.ts';
import { leaseFolder } from './file-leases.ts';
import { readRecord, removeRecord, replaceRecord } from './record-file.ts';
import { vfFileName } from './vf-file-name.ts';
import { parseVfRecord } from './vf-record.ts';

export const pairMarkEnding = '.pair';

function pathOf(stateFolder: string, key: VfKey): string {
  return join(leaseFolder(stateFolder), `${vfFileName(key)}${pairMarkEnding}`);
}

/** Says of a lease that its pair is whole. Synced when the call comes back. Needs the VF's lock. */
export function markPair(stateFolder: string, { key, generation }: Pick<Lease, 'key' | 'generation'>): void {
  replaceRecord(pathOf(stateFolder, key), `${JSON.stringify(PairMark.parse({ key, generation }))}\n`);
}

/**
 * Whether the pair of a lease has been whole. A mark that cannot be understood counts: a standby too many is better than a
 * VM without a network.
 */
export function isPairMarked(
  stateFolder: string,
  { key, generation }: Pick<Lease, 'key' | 'generation'>,
): boolean {
  try {
    const text = readRecord(pathOf(stateFolder, key));
    return text !== undefined && parseVfRecord(text, PairMark, key).generation === generation;
  } catch {
    return true;
  }
}

/** Takes the mark of a VF away, whichever lease it is of. Synced when the call comes back. Needs the VF's lock. */
export function endPairMark(stateFolder: string, key: VfKey): void {
  removeRecord(pathOf(stateFolder, key));
}
