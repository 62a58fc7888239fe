// Owns the clearing away of half-written files that a process left behind when it was killed.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { leaseFolder } from './file-leases.ts';
import { listNames, recordOfTemporary } from './record-file.ts';
import { parseVfFileName } from './vf-file-name.ts';
import { lockVf } from './vf-lock.ts';

/**
 * Removes what was being written for a VF when its writer died. Who makes a lease holds the lock of its VF, so what
 * stands there while we have that lock is nobody's.
 */
export function removeAbandoned(stateFolder: string): void {
  const folder = leaseFolder(stateFolder);
  for (const name of listNames(folder)) {
    const record = recordOfTemporary(name);
    const key =
      record === undefined ? undefined : parseVfFileName(record.replace(/\.(?:json|quarantine)$/, ''));
    if (key === undefined) continue;
    const lock = lockVf(stateFolder, key, 'recover');
    if (!('release' in lock)) continue;
    rmSync(join(folder, name), { force: true });
    lock.release();
  }
}
