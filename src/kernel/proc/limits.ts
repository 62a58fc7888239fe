// Owns the resource limits of our own process.

import type { FileTree } from '../kernel.ts';
import { readLines } from '../file-text.ts';

const bytesPerKb = 1024;

/**
 * Soft limit of locked memory of our process in KB, `unlimited` when there is none; undefined when it cannot be read
 * (fs/proc/base.c, proc_pid_limits: `Max locked memory  SOFT  HARD  bytes`).
 */
export function readLockedMemoryKb(files: FileTree): number | 'unlimited' | undefined {
  const line = readLines(files, '/proc/self/limits').find((each) => each.startsWith('Max locked memory'));
  const [, soft] = /^Max locked memory\s+([0-9]{1,20}|unlimited)\s/.exec(line ?? '') ?? [];
  if (soft === undefined || soft === 'unlimited') return soft;
  // Above what a number holds exactly is above any memory.
  const softBytes = Number(soft);
  return Number.isSafeInteger(softBytes) ? Math.floor(softBytes / bytesPerKb) : 'unlimited';
}
