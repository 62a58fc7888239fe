// Owns the clearing away of what a process left behind when it was killed: half-written files, marks without their lease.

import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { leaseFolder } from './file-leases.ts';
import { endPairMark, pairMarkEnding } from './pair-mark.ts';
import { probeRecordName } from './probe-record.ts';
import { listNames, recordOfTemporary } from './record-file.ts';
import { parseVfFileName } from './vf-file-name.ts';
import { lockLeases, lockVf } from './vf-lock.ts';

/**
 * Removes what was being written when its writer died, and the mark of a pair whose lease has ended. Who writes a record
 * holds the lock of its VF, or of the probe, so what stands there while we have that lock is nobody's.
 */
export function removeAbandoned(stateFolder: string): void {
  const folder = leaseFolder(stateFolder);
  for (const name of listNames(folder)) {
    if (name.endsWith(pairMarkEnding)) {
      removeMark(stateFolder, name.slice(0, -pairMarkEnding.length));
      continue;
    }
    const record = recordOfTemporary(name);
    const lock = record === undefined ? undefined : lockRecord(stateFolder, record);
    if (lock === undefined || !('release' in lock)) continue;
    rmSync(join(folder, name), { force: true });
    lock.release();
  }
}

/** Under a lease the mark is that lease's, or says nothing. */
function removeMark(stateFolder: string, vfName: string): void {
  const key = parseVfFileName(vfName);
  const hasLease = (): boolean => existsSync(join(leaseFolder(stateFolder), `${vfName}.json`));
  if (key === undefined || hasLease()) return;
  const lock = lockVf(stateFolder, key, 'recover');
  if (!('release' in lock)) return;
  try {
    if (!hasLease()) endPairMark(stateFolder, key);
  } finally {
    lock.release();
  }
}

/** Undefined: it is no record of ours. */
function lockRecord(stateFolder: string, record: string): ReturnType<typeof lockVf> | undefined {
  if (record === probeRecordName) return lockLeases(stateFolder, 'probe', 'recover');
  const key = parseVfFileName(record.replace(/\.(?:json|quarantine|pair)$/, ''));
  return key === undefined ? undefined : lockVf(stateFolder, key, 'recover');
}
