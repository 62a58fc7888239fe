// Owns the asking of programs on the machine we run on: `runTool` of the kernel port.
// Knows no program's answers; whoever asks reads them.

import { execFile } from 'node:child_process';
import { VfleetError } from '../base/errors.ts';
import type { Errno, ToolName } from './kernel.ts';
import { toolNames, toolOutputMaxBytes } from './kernel.ts';

/** An ordinary user's PATH lacks the folders of daemons, and qemu-kvm lies with the programs of other programs. */
const usualFolders = '/usr/sbin:/sbin:/usr/bin:/bin:/usr/libexec';

/**
 * `runTool` of the kernel port; `folders` is where it looks, in the form of PATH. Nothing of our own environment reaches
 * the program, and it speaks English. Throws `kernel.timeout`, `internal.bug` for a program that is not of the list.
 */
export async function runTool(
  program: ToolName,
  args: readonly string[],
  timeoutMs: number,
  folders = usualFolders,
): Promise<Uint8Array | Errno> {
  if (!toolNames.includes(program) || args.some((argument) => argument.includes('\0')))
    throw new VfleetError('internal.bug', `not a program to ask: ${JSON.stringify([program, ...args])}`);
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      {
        cwd: '/',
        env: { PATH: folders, LC_ALL: 'C' },
        encoding: 'buffer',
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
        maxBuffer: toolOutputMaxBytes,
      },
      (error, output) => {
        if (error === null) resolve(new Uint8Array(output));
        else if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') resolve({ errno: 'EFBIG' });
        else if (error.killed === true) {
          const message = `${program} has not answered after ${timeoutMs / 1000} s`;
          reject(new VfleetError('kernel.timeout', message, { details: { operation: `run ${program}` } }));
        } else resolve({ errno: typeof error.code === 'string' ? error.code : 'EIO' });
      },
    );
    // A program that reads its input sees the end of it; one that has ended already breaks the pipe, which says nothing.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end();
  });
}
