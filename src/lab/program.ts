// Owns starting other programs while the lab is prepared: argument lists, whole output, errors with the last words.
// Must not pass anything through a shell, and must not start QEMU (qemu.ts does).

import { execFile } from 'node:child_process';
import { delimiter } from 'node:path';
import { VfleetError, messageOf } from '../base/errors.ts';

interface ProgramOptions {
  readonly cwd?: string | undefined;
  /** Environment of the program; undefined inherits ours. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** PATH with the folders of administrators' programs, which a user's own often lacks. */
export function toolPath(path: string | undefined): string {
  const folders = (path ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin']) {
    if (!folders.includes(folder)) folders.push(folder);
  }
  return folders.join(delimiter);
}

/** More than the longest output that is read whole: a kernel module after `xz -dc`. */
const maxOutputBytes = 64 * 1024 * 1024;

/**
 * Runs a program and gives the bytes of its standard output.
 * Throws `lab.failed` with the last line of its standard error when it cannot start or ends with another status
 * than 0; throws the signal's reason when that is aborted.
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    const env = options.env ?? process.env;
    const settings = {
      ...options,
      env: { ...env, PATH: toolPath(env['PATH']), LC_ALL: 'C.UTF-8' },
      encoding: 'buffer' as const,
      maxBuffer: maxOutputBytes,
    };
    execFile(file, args, settings, (error, stdout, stderr) => {
      if (error === null) {
        resolve(stdout);
      } else if (options.signal?.aborted === true) {
        reject(options.signal.reason as Error);
      } else {
        const words = lastLineOf(stderr.toString()) ?? lastLineOf(stdout.toString()) ?? messageOf(error);
        reject(new VfleetError('lab.failed', `${file} ${args[0] ?? ''}: ${words}`, { cause: error }));
      }
    });
  });
}

function lastLineOf(text: string): string | undefined {
  return text
    .split('\n')
    .map((line) => line.trim())
    .findLast((line) => line !== '');
}
