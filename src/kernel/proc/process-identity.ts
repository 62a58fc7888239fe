// Owns the question whether a process is still the one that was seen before: a number alone is given out again.
// Reads /proc only; waiting for a process's end is ../process-end.ts's.

import { readText } from '../file-text.ts';
import type { FileTree } from '../kernel.ts';

/** What names one process for ever: its number, when it started, and the boot in which it did. */
export interface ProcessInstance {
  readonly pid: number;
  /** Start after boot in clock ticks: field 22 of proc_pid_stat(5). */
  readonly startTicks: number;
  /** /proc/sys/kernel/random/boot_id; a start time says nothing after a boot. */
  readonly bootId: string;
}

/** What /proc/PID/stat says, as far as it tells one process from another. */
export interface ProcessStat {
  readonly pid: number;
  /** Field 3: `R`, `S`, `D`, `T`, `Z` … */
  readonly state: string;
  /** Field 20. 0 in a process that has ended and was not waited for. */
  readonly threadCount: number;
  readonly startTicks: number;
}

/** A name of 64 characters and 52 numbers of 20 digits stay under this. */
const statMaxBytes = 4096;
/** Linux gives numbers up to 4194304 (PID_MAX_LIMIT, include/linux/threads.h). */
const maxPid = 4_194_304;

/**
 * Reads the line of proc_pid_stat(5); undefined for anything else. The name in parentheses can hold anything, blanks and
 * parentheses too: the last one ends it.
 */
export function parseProcessStat(text: string): ProcessStat | undefined {
  const open = text.indexOf(' (');
  const close = text.lastIndexOf(') ');
  if (open < 0 || close < open) return undefined;
  const pid = wholeNumber(text.slice(0, open));
  // Field 3 comes first here.
  const fields = text.slice(close + 2).split(' ');
  const [state = ''] = fields;
  const threadCount = wholeNumber(fields[17]);
  const startTicks = wholeNumber(fields[19]);
  if (pid === undefined || pid < 1 || !/^[A-Za-z]$/.test(state)) return undefined;
  if (threadCount === undefined || startTicks === undefined) return undefined;
  return { pid, state, threadCount, startTicks };
}

function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^[0-9]{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Whether it runs no longer: a zombie holds nothing open. One whose first thread has ended may still run others. */
export function hasEnded({ state, threadCount }: ProcessStat): boolean {
  return /^[ZXx]$/.test(state) && threadCount <= 1;
}

/** Identity of this boot; undefined when it cannot be read. */
export function readBootId(files: FileTree): string | undefined {
  const text = readText(files, '/proc/sys/kernel/random/boot_id');
  return text === undefined || text === '' ? undefined : text;
}

/** The process that has a number now; undefined when none runs under it. */
export function readProcessInstance(files: FileTree, pid: number): ProcessInstance | undefined {
  if (!Number.isInteger(pid) || pid < 1 || pid > maxPid) return undefined;
  const stat = parseProcessStat(readText(files, `/proc/${pid}/stat`, statMaxBytes) ?? '');
  const bootId = readBootId(files);
  if (stat === undefined || bootId === undefined || stat.pid !== pid || hasEnded(stat)) return undefined;
  return { pid, startTicks: stat.startTicks, bootId };
}

export function isSameProcess(one: ProcessInstance, other: ProcessInstance | undefined): boolean {
  return (
    other !== undefined &&
    one.pid === other.pid &&
    one.startTicks === other.startTicks &&
    one.bootId === other.bootId
  );
}
