// Owns hearing of changes in a folder that may not exist yet: inotify for speed, a look now and then for certainty.
// Says that something changed, never what.

import { statSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { errnoOf } from './record-file.ts';

/** inotify loses events when its queue is full, and says nothing of a folder that is made anew. */
const lookMs = 1000;

/** Yields at least once after each change of a file whose name `isMeant`, until the signal is aborted. */
export async function* watchFolder(
  folder: string,
  isMeant: (name: string) => boolean,
  signal: AbortSignal,
): AsyncGenerator<void> {
  let watcher: FSWatcher | undefined;
  let seen = stampOf(folder);
  let isDue = false;
  let wake: (() => void) | undefined;

  const note = (): void => {
    isDue = true;
    wake?.();
  };
  const forget = (): void => {
    watcher?.close();
    watcher = undefined;
  };
  const follow = (): void => {
    if (watcher !== undefined) return;
    try {
      watcher = watch(folder, { persistent: false }, (_, name) => {
        if (name === null || isMeant(name)) note();
      });
      watcher.on('error', forget);
    } catch {
      // The folder is not there yet, or there are too many watches: the look now and then will do.
    }
  };
  const look = (): void => {
    const stamp = stampOf(folder);
    if (stamp?.identity !== seen?.identity) forget();
    if (stamp?.identity !== seen?.identity || stamp?.changed !== seen?.changed) note();
    seen = stamp;
    follow();
  };
  const onAbort = (): void => wake?.();

  signal.addEventListener('abort', onAbort);
  const timer = setInterval(look, lookMs);
  follow();
  try {
    while (!signal.aborted) {
      if (!isDue) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
        continue;
      }
      isDue = false;
      yield;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearInterval(timer);
    forget();
  }
}

/**
 * Every new name and every one that goes changes the folder's time. A folder that cannot be looked at is another one than
 * before, once for each reason: whoever reads it then hears why.
 */
function stampOf(folder: string): { readonly identity: string; readonly changed: bigint } | undefined {
  try {
    const found = statSync(folder, { bigint: true, throwIfNoEntry: false });
    return found === undefined
      ? undefined
      : { identity: `${found.dev}:${found.ino}`, changed: found.mtimeNs };
  } catch (error) {
    return { identity: errnoOf(error) ?? 'unknown', changed: 0n };
  }
}
