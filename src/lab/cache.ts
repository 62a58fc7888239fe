// Owns where the lab keeps its prepared files, and that one process at a time prepares them.
// Must not know what the files are (image.ts and netdevsim.ts do).

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { VfleetError } from '../base/errors.ts';

/** How a step that takes more than a second tells the user. */
export type Report = (line: string) => void;

/**
 * The lab's cache folder: `VFLEET_LAB_CACHE`, else `$XDG_CACHE_HOME/vfleet/lab`, else `~/.cache/vfleet/lab`.
 * It need not exist. Everything in it can be deleted while no lab runs.
 */
export function labCacheFolder(env: NodeJS.ProcessEnv): string {
  if (isSet(env['VFLEET_LAB_CACHE'])) return resolve(env['VFLEET_LAB_CACHE']);
  // The XDG base directory specification tells to ignore a relative path.
  const xdg = env['XDG_CACHE_HOME'];
  if (isSet(xdg) && xdg.startsWith('/')) return join(xdg, 'vfleet', 'lab');
  return join(isSet(env['HOME']) ? env['HOME'] : homedir(), '.cache', 'vfleet', 'lab');
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

const workPrefix = 'work-';

/**
 * Runs `work` while no other process prepares the same cache, with a fresh folder on the cache's own file system,
 * so that a result can be moved into place in one step. The folder is removed afterwards; one that a killed
 * process left behind is removed by the next.
 */
export async function preparing<T>(
  cacheFolder: string,
  report: Report,
  signal: AbortSignal | undefined,
  work: (workFolder: string) => Promise<T>,
): Promise<T> {
  await mkdir(cacheFolder, { recursive: true });
  const unlock = await lockFile(join(cacheFolder, 'lock'), report, signal);
  try {
    for (const name of await readdir(cacheFolder)) {
      if (name.startsWith(workPrefix)) await removeFolder(join(cacheFolder, name));
    }
    const workFolder = await mkdtemp(join(cacheFolder, workPrefix));
    try {
      return await work(workFolder);
    } finally {
      await removeFolder(workFolder);
    }
  } finally {
    unlock();
  }
}

/** Removes a folder as far as it can: a killed process's unpacking may still write there; the next one tries again. */
async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }).catch(() => {});
}

const waitingNoticeMs = 1000;

/** Takes a kernel lock through `flock cat`: it is gone when we are, however we end. */
async function lockFile(file: string, report: Report, signal: AbortSignal | undefined): Promise<() => void> {
  const holder = spawn('flock', ['--exclusive', file, 'cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const unlock = (): void => {
    holder.stdin.destroy();
    holder.kill();
  };
  const notice = setTimeout(() => report('another vfleet prepares the lab: waiting for it'), waitingNoticeMs);
  try {
    holder.stdin.on('error', () => {});
    holder.stdin.write('\n');
    const ended = once(holder, 'exit').then(() => {
      throw new VfleetError('lab.failed', `flock: cannot lock ${file}`);
    });
    await Promise.race([once(holder.stdout, 'data', { signal }), ended]);
    ended.catch(() => {});
    return unlock;
  } catch (error) {
    unlock();
    signal?.throwIfAborted();
    if (error instanceof VfleetError) throw error;
    throw new VfleetError('lab.failed', `flock: cannot lock ${file}`, { cause: error });
  } finally {
    clearTimeout(notice);
  }
}
