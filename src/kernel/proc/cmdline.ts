// Owns the command line that the kernel was booted with.

import type { FileTree } from '../kernel.ts';
import { readText } from '../file-text.ts';

/** /proc/cmdline as it is; undefined when it cannot be read. */
export function readKernelCommandLine(files: FileTree): string | undefined {
  return readText(files, '/proc/cmdline');
}
