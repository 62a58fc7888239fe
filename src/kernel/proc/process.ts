// Owns what /proc tells of one process. Processes come and go: what has gone is undefined.

import { isErrno } from '../kernel.ts';
import type { FileTree } from '../kernel.ts';
import { readText } from '../file-text.ts';

/** Some process of the host. */
export interface ProcessRef {
  readonly pid: number;
  /** Name of the program as the kernel keeps it, at most 15 characters; empty when the process has gone. */
  readonly comm: string;
}

export interface ProcessFacts extends ProcessRef {
  /** Arguments as the process was started with, or as it has rewritten them; empty for a kernel thread. */
  readonly commandLine: readonly string[];
}

/** QEMU's command line with dozens of devices stays under this; longer ones are cut. */
const commandLineMaxBytes = 256 * 1024;

/** Numbers of all processes that we can see, in rising order. */
export function listProcesses(files: FileTree): readonly number[] {
  return files
    .list('/proc')
    .filter((name) => /^[1-9][0-9]{0,9}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/** Name and command line of a process (proc_pid_comm(5), proc_pid_cmdline(5)); undefined when it is not there. */
export function readProcess(files: FileTree, pid: number): ProcessFacts | undefined {
  const comm = readText(files, `/proc/${pid}/comm`);
  const commandLine = files.readBytes(`/proc/${pid}/cmdline`, commandLineMaxBytes);
  if (comm === undefined || isErrno(commandLine)) return undefined;
  return { pid, comm, commandLine: splitCommandLine(commandLine) };
}

/** The process with its name, which is empty when it has gone. */
export function readProcessRef(files: FileTree, pid: number): ProcessRef {
  return { pid, comm: readText(files, `/proc/${pid}/comm`) ?? '' };
}

/** Arguments end in a zero byte each; a program that wrote its own title may leave the last one out. */
function splitCommandLine(bytes: Uint8Array): readonly string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  if (text === '') return [];
  return (text.endsWith('\0') ? text.slice(0, -1) : text).split('\0');
}
