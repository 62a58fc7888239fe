// Owns the writing of a whole folder at once: everything is written beside it first, then it takes its name.
// After a failure or a crash the folder is as it was; what was in it before is put aside, never deleted.

import { chmod, lstat, mkdir, mkdtemp, open, readdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { VfleetError, messageOf } from '../base/errors.ts';

export interface StagedFile {
  /** Below the folder: `rack-0/host.yaml`. */
  readonly path: string;
  readonly text: string;
}

const fileMode = 0o644;
const folderMode = 0o755;
/** Files that are synced at a time: a disk does many at once about as fast as one. */
const filesAtATime = 32;

/** Checks that a folder can be written. Throws `file.unreadable` when it is no folder, or not empty without `force`. */
export async function checkFolder(path: string, force: boolean): Promise<void> {
  const names = await namesIn(path);
  if (names === undefined || names.length === 0 || force) return;
  throw new VfleetError('file.unreadable', `${path} is not empty; nothing was written`, {
    hint: `choose another folder, or pass --force: what is in it is then put aside as ${basename(resolve(path))}.old`,
    details: { file: path },
  });
}

/** Names in a folder; undefined when it is not there. Throws `file.unreadable`. */
async function namesIn(path: string): Promise<readonly string[] | undefined> {
  try {
    return await readdir(path);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw unwritable(path, cause);
  }
}

/**
 * Writes files to a new folder beside `path`. `commit` gives it the name; `discard` takes it away again.
 * Throws `file.unreadable`, with nothing left behind.
 */
export async function stageFolder(
  path: string,
  files: Iterable<StagedFile>,
  signal: AbortSignal,
): Promise<{ commit(force: boolean): Promise<string | undefined>; discard(): Promise<void> }> {
  let target = resolve(path);
  let staging: string | undefined;
  let batch: Promise<void>[] = [];
  const discard = async (): Promise<void> => {
    // What is still being written would come back after it.
    await Promise.allSettled(batch);
    if (staging !== undefined) await rm(staging, { recursive: true, force: true });
  };
  try {
    // Behind a symbolic link, the folder itself is what is replaced.
    if ((await namesIn(target)) !== undefined) target = await realpath(target);
    await mkdir(dirname(target), { recursive: true });
    staging = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
    const folder = staging;
    for (const file of files) {
      batch.push(writeWhole(join(folder, file.path), file.text));
      if (batch.length < filesAtATime) continue;
      await Promise.all(batch);
      batch = [];
      if (signal.aborted)
        throw new VfleetError('apply.interrupted', 'stopped by a signal; nothing was written');
    }
    await Promise.all(batch);
    await chmod(folder, folderMode);
    return {
      commit: async (force) => {
        try {
          return await takeName(folder, target, force);
        } catch (cause) {
          await discard();
          throw cause instanceof VfleetError ? cause : unwritable(path, cause);
        }
      },
      discard,
    };
  } catch (cause) {
    await discard();
    throw cause instanceof VfleetError ? cause : unwritable(path, cause);
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: folderMode });
  const file = await open(path, 'wx', fileMode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Renames the new folder; answers where what was there before has gone, if there was something. */
async function takeName(staging: string, target: string, force: boolean): Promise<string | undefined> {
  await checkFolder(target, force);
  const names = await namesIn(target);
  const aside = names === undefined || names.length === 0 ? undefined : await freeName(`${target}.old`);
  if (aside !== undefined) await rename(target, aside);
  try {
    // rename(2) takes the place of an empty folder, and fails when it is not empty any more.
    await rename(staging, target);
  } catch (cause) {
    if (aside !== undefined) await rename(aside, target);
    throw cause;
  }
  const parent = await open(dirname(target));
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
  return aside;
}

async function freeName(path: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? path : `${path}-${number}`;
    try {
      await lstat(name);
    } catch {
      return name;
    }
  }
}

function unwritable(path: string, cause: unknown): VfleetError {
  return new VfleetError('file.unreadable', `${path} cannot be written: ${messageOf(cause)}`, {
    cause,
    details: { file: path },
  });
}
