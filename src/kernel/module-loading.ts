// Owns the loading of kernel modules on the machine we run on.

import { execFile } from 'node:child_process';
import { VfleetError } from '../base/errors.ts';
import type { Errno } from './kernel.ts';

/** Names of modules as the kernel has them; nothing else may become an argument. */
const moduleName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;

/** `loadModule` of the kernel port, by modprobe(8). Throws `kernel.timeout`, `internal.bug` for a name that is none. */
export async function loadModule(name: string, timeoutMs: number): Promise<Errno | undefined> {
  if (!moduleName.test(name))
    throw new VfleetError('internal.bug', `no name of a kernel module: ${JSON.stringify(name)}`);
  return new Promise((resolve, reject) => {
    // Debian keeps it in a folder that an ordinary user's PATH lacks.
    const env = { PATH: '/usr/sbin:/sbin:/usr/bin:/bin', LC_ALL: 'C' };
    execFile('modprobe', ['--quiet', '--', name], { timeout: timeoutMs, env }, (error) => {
      if (error === null) resolve(undefined);
      else if (error.killed === true) {
        reject(
          new VfleetError('kernel.timeout', `modprobe ${name} has not come back after ${timeoutMs / 1000} s`),
        );
      } else resolve({ errno: 'ENOENT' });
    });
  });
}
