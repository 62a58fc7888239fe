// Owns the lock of one VF: who holds it works on that VF right now. The kernel drops it when that process ends.
// Says nothing of who owns the VF; that is the lease's.

import { join } from 'node:path';
import { tryLockFile } from '../kernel/file-lock.ts';
import type { FileLock } from '../kernel/file-lock.ts';
import type { VfKey } from '../model/lease.ts';
import { leaseFolder } from './file-leases.ts';
import { makeRecordFolder } from './record-file.ts';
import { vfFileName } from './vf-file-name.ts';

/** Takes a lock that stands for something else of all leases of this host, under a name of our own. Never waits. */
export function lockLeases(
  stateFolder: string,
  what: 'mac' | 'probe',
  doing: string,
): FileLock | { heldBy: string } {
  const folder = makeRecordFolder(leaseFolder(stateFolder));
  return tryLockFile(join(folder, `${what}.lock`), `vfleet ${doing} (pid ${process.pid})`);
}

/**
 * Takes the lock of a VF, `leases/ADDRESS@INDEX.lock`, or says who has it. Never waits. `doing` is what others are told
 * of us. The file stays for ever: whoever removed it would give a second lock to the next one.
 */
export function lockVf(
  stateFolder: string,
  key: VfKey,
  doing = 'work on the VF',
): FileLock | { heldBy: string } {
  const folder = makeRecordFolder(leaseFolder(stateFolder));
  const since = new Date().toISOString();
  return tryLockFile(
    join(folder, `${vfFileName(key)}.lock`),
    `vfleet ${doing} (pid ${process.pid}, since ${since})`,
  );
}
