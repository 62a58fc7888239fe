// Owns the folder in which vfleet keeps what must outlive a process: journals and the lock, one folder per host.
// Every file is written whole or not at all, synced, and readable by its owner only.

import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { VfleetError, messageOf } from '../base/errors.ts';
import { syncFolder } from '../kernel/folder-sync.ts';

const folderMode = 0o700;
const fileMode = 0o600;

/** Tells the temporary files of one process and millisecond apart. */
let temporaryCount = 0;

/** Makes the folder of a host with its parents. Throws `file.unreadable` with the path and the reason. */
export function openStateFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: folderMode });
    chmodSync(path, folderMode);
    return path;
  } catch (cause) {
    throw new VfleetError('file.unreadable', `state folder ${path}: ${messageOf(cause)}`, {
      cause,
      hint: 'run as root, or choose another folder with --state DIR',
    });
  }
}

/** Writes a file so that after a crash either the old content or the new is there. Throws `file.unreadable`. */
export function writeFileAtomically(path: string, text: string, mode = fileMode): void {
  const temporary = join(dirname(path), `.${process.pid}-${Date.now().toString(36)}-${temporaryCount++}.tmp`);
  try {
    const fd = openSync(temporary, 'wx', mode);
    try {
      // Until all of it is written: one call may write less, when the disk is nearly full.
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (cause) {
    try {
      unlinkSync(temporary);
    } catch {
      // It was never made, or is renamed already.
    }
    throw new VfleetError('file.unreadable', `${path} cannot be written: ${messageOf(cause)}`, { cause });
  }
}
