// Owns records that are whole or not there: written beside, synced, and only then given their name.
// Knows nothing of leases; every failure is `file.unreadable` with the path.

import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { VfleetError, messageOf } from '../base/errors.ts';
import { syncFolder } from '../kernel/folder-sync.ts';

const folderMode = 0o700;
const fileMode = 0o600;
/** A record is some hundred bytes; a file that is larger is none. */
const maxRecordBytes = 64 * 1024;
const temporaryEnding = '.tmp';
const randomNameBytes = 8;

/** Makes a folder that only its owner may look into. */
export function makeRecordFolder(path: string): string {
  return attempt(path, () => {
    const made = mkdirSync(path, { recursive: true, mode: folderMode });
    chmodSync(path, folderMode);
    // A folder that is not on the disk takes its records along.
    if (made !== undefined) syncFolder(dirname(path));
    return path;
  });
}

/** Makes a record. Answers false, and changes nothing, when there is one of this name. */
export function createRecord(path: string, text: string): boolean {
  return attempt(path, () => {
    const temporary = writeTemporary(path, text);
    try {
      // link(2) takes the name only when it is free, and shows a file that is whole.
      linkSync(temporary, path);
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false;
      throw error;
    } finally {
      rmSync(temporary, { force: true });
    }
    syncFolder(dirname(path));
    return true;
  });
}

/** Makes a record or puts another in the place of whatever has its name. */
export function replaceRecord(path: string, text: string): void {
  attempt(path, () => {
    const temporary = writeTemporary(path, text);
    try {
      // rename(2) puts a file in the place of anything but a folder.
      if (find(path)?.isDirectory() === true) rmSync(path, { recursive: true });
      renameSync(temporary, path);
    } finally {
      rmSync(temporary, { force: true });
    }
    syncFolder(dirname(path));
  });
}

/** Text of a record; undefined when there is none. What is no file, or larger than any record, is not read. */
export function readRecord(path: string): string | undefined {
  return attempt(path, () => {
    const found = find(path);
    if (found === undefined) return undefined;
    // Opening a pipe would wait for its writer, and a device may have no end.
    if (!found.isFile()) throw new Error('it is no file');
    if (found.size > maxRecordBytes) throw new Error(`it is larger than ${maxRecordBytes} bytes`);
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  });
}

/** Takes away for good whatever has the name of a record; nothing there is a success. */
export function removeRecord(path: string): void {
  attempt(path, () => {
    if (find(path) === undefined) return;
    rmSync(path, { recursive: true, force: true });
    syncFolder(dirname(path));
  });
}

/** Names in a folder, sorted; empty when the folder is not there. */
export function listNames(folder: string): readonly string[] {
  return attempt(folder, () => {
    try {
      return readdirSync(folder).sort();
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
  });
}

/** For a file name that a process left behind when it died while it wrote: the name that the record was to have. */
export function recordOfTemporary(name: string): string | undefined {
  if (!name.startsWith('.') || !name.endsWith(temporaryEnding)) return undefined;
  const [, record] = /^\.(.+)\.[0-9a-f]{16}\.tmp$/.exec(name) ?? [];
  return record;
}

export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What has this name; undefined when nothing has. A link is what it is, wherever it leads. */
function find(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function writeTemporary(path: string, text: string): string {
  const folder = makeRecordFolder(dirname(path));
  const record = path.slice(folder.length + 1);
  const random = randomBytes(randomNameBytes).toString('hex');
  const temporary = join(folder, `.${record}.${random}${temporaryEnding}`);
  const fd = openSync(temporary, 'wx', fileMode);
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  return temporary;
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof VfleetError) throw cause;
    throw new VfleetError('file.unreadable', `${path}: ${messageOf(cause)}`, {
      cause,
      details: { file: path },
    });
  }
}
