// Owns waiting for the end of a process that is not our child, without standing in the kernel for it.
// Knows nothing of what the process was needed for. Who a process is, is proc/process-identity.ts's.

import { setTimeout as delay } from 'node:timers/promises';
import type { FileTree } from './kernel.ts';
import { call, watchReadable } from './libc.ts';
import { localFiles } from './local-files.ts';
import type { ProcessInstance } from './proc/process-identity.ts';
import { isSameProcess, readProcessInstance } from './proc/process-identity.ts';

/** pidfd_open(2), since Linux 5.3; the number is the same on all architectures (include/uapi/asm-generic/unistd.h). */
const SYS_pidfd_open = 434;

/** Pause between two looks at /proc where the kernel cannot tell us: some 30 µs of work each. */
const pollMs = 250;
/** With a pidfd, a look now and then costs nothing and trusts no single way. */
const watchedPollMs = 5_000;

export interface EndOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits until a process has ended, for ever if need be; one that has already, or that another process with its number
 * replaced, is no wait. Answers `aborted` when the signal was first. The kernel tells us at once through a pidfd, which
 * becomes readable when the process ends (pidfd_open(2)); where there is none (an old kernel, a simulated process) /proc
 * is looked at every 250 ms.
 */
export async function waitForProcessEnd(
  files: FileTree,
  process: ProcessInstance,
  options: EndOptions = {},
): Promise<'ended' | 'aborted'> {
  const { signal } = options;
  const wake = new AbortController();
  const onAbort = (): void => wake.abort();
  signal?.addEventListener('abort', onAbort, { once: true });
  const watch = watchProcess(process, onAbort);
  try {
    for (;;) {
      if (signal?.aborted === true) return 'aborted';
      // Looked at after the pidfd was opened: it is this process's, or the process has gone.
      if (!isSameProcess(process, readProcessInstance(files, process.pid))) return 'ended';
      const isWatched = watch !== undefined && !wake.signal.aborted;
      await pause(isWatched ? watchedPollMs : pollMs, isWatched ? wake.signal : signal);
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    watch?.close();
  }
}

/** Ends early, and in silence, when the signal is aborted. */
async function pause(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(durationMs, undefined, signal === undefined ? {} : { signal });
  } catch {
    // The caller looks at the signal itself.
  }
}

/** Calls back once when a process of this machine ends; undefined when that cannot be had. */
function watchProcess(process: ProcessInstance, onEnd: () => void): { close(): void } | undefined {
  const { value: fd } = call('syscall', SYS_pidfd_open, process.pid, 0);
  if (fd < 0) return undefined;
  const close = (): void => void call('close', fd);
  // A simulated process may have the number of a real one.
  const real = readProcessInstance(localFiles(), process.pid);
  if (real?.startTicks !== process.startTicks) {
    close();
    return undefined;
  }
  let watcher: { close(): void } | undefined;
  const stop = (): void => {
    if (watcher === undefined) return;
    watcher.close();
    watcher = undefined;
    close();
  };
  watcher = watchReadable(fd, () => {
    stop();
    onEnd();
  });
  return { close: stop };
}
