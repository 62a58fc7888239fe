// Owns the clearing away of half-written files that a process left behind when it was killed.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { leaseFolder } from './file-leases.ts';
import { probeRecordName } from './probe-record.ts';
import { listNames, recordOfTemporary } from './record-file.ts';
import { parseVfFileName } from './vf-file-name.ts';
import { lockLeases, lockVf } from './vf-lock.ts';

/**
 * Removes what was being written when its writer died. Who writes a record holds the lock of its VF, or of the probe, so
 * what stands there while we have that lock is nobody's.
 */
export function removeAbandoned(stateFolder: string): void {
  const folder = leaseFolder(stateFolder);
  for (const name of listNames(folder)) {
    const record = recordOfTemporary(name);
    const lock = record === undefined ? undefined : lockRecord(stateFolder, record);
    if (lock === undefined || !('release' in lock)) continue;
    rmSync(join(folder, name), { force: true });
    lock.release();
  }
}

/** Undefined: it is no record of ours. */
function lockRecord(stateFolder: string, record: string): ReturnType<typeof lockVf> | undefined {
  if (record === probeRecordName) return lockLeases(stateFolder, 'probe', 'recover');
  const key = parseVfFileName(record.replace(/\.(?:json|quarantine)$/, ''));
  return key === undefined ? undefined : lockVf(stateFolder, key, 'recover');
}
