// Owns flock(2) on a file that is open already. The kernel drops it when the descriptor is closed.
// Knows nothing of what is in the file; locks that say who holds them are file-lock.ts's.

import { VfleetError } from '../base/errors.ts';
import { describeErrno } from './errno-table.ts';
import { call } from './libc.ts';

// include/uapi/asm-generic/fcntl.h
const LOCK_EX = 2;
const LOCK_NB = 4;
const EWOULDBLOCK = 11;

/** Takes the exclusive lock on an open file; false when another descriptor has it. Never waits. Throws `file.unreadable`. */
export function tryLockDescriptor(fd: number): boolean {
  const { value, errno } = call('flock', fd, LOCK_EX | LOCK_NB);
  if (value === 0) return true;
  if (errno === EWOULDBLOCK) return false;
  throw new VfleetError('file.unreadable', `lock of an open file: ${describeErrno(errno)}`);
}
