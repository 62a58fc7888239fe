// Owns flock(2): a lock that the kernel drops by itself when its holder dies.
// Knows nothing of what is protected.

import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { VfleetError, messageOf } from '../base/errors.ts';
import { describeErrno } from './errno-table.ts';
import { call } from './libc.ts';

// include/uapi/asm-generic/fcntl.h
const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const EWOULDBLOCK = 11;

/** `exclusive`: nobody else holds the lock. `shared`: any number of shared holders, and no exclusive one. */
export type LockMode = 'exclusive' | 'shared';

export interface FileLock {
  release(): void;
}

/**
 * Takes the lock on a file, or says who wrote himself into it. Never waits. `owner` is one line about us; it is the
 * content of the file while we hold it alone. A shared holder writes nothing, so that `heldBy` then names an exclusive
 * holder of earlier. Node opens files with O_CLOEXEC, so children do not inherit the lock.
 */
export function tryLockFile(
  path: string,
  owner: string,
  mode: LockMode = 'exclusive',
): FileLock | { heldBy: string } {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  } catch (cause) {
    throw new VfleetError('file.unreadable', `lock file ${path}: ${messageOf(cause)}`, { cause });
  }
  const { value, errno } = call('flock', fd, (mode === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB);
  if (value === 0) {
    if (mode === 'exclusive') writeOwner(fd, owner);
    let isHeld = true;
    return {
      release: () => {
        // The number may be somebody else's by the second time.
        if (isHeld) closeSync(fd);
        isHeld = false;
      },
    };
  }
  closeSync(fd);
  if (errno !== EWOULDBLOCK)
    throw new VfleetError('file.unreadable', `lock file ${path}: ${describeErrno(errno)}`);
  // What stands behind the first line is an earlier holder's, and just being cut off.
  const [heldBy = ''] = readFileSync(path, 'utf8').split('\n');
  return { heldBy };
}

/** A full disk keeps nobody from a lock: it is held all the same, and a VF can be given back. */
function writeOwner(fd: number, owner: string): void {
  try {
    // Written over, not emptied first: to give the file's block back and take a new one costs a disk's time.
    const sizeBytes = writeSync(fd, `${owner}\n`, 0);
    ftruncateSync(fd, sizeBytes);
  } catch {
    // Others are told of an earlier holder, or of none.
  }
}
