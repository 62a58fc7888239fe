// Owns the lock that lets one vfleet at a time change a host.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { VfleetError } from '../base/errors.ts';
import { tryLockFile } from '../kernel/file-lock.ts';
import type { FileLock } from '../kernel/file-lock.ts';
import { openStateFolder } from './state-folder.ts';

const pollMs = 100;

/**
 * Takes the lock of a host, waiting for at most `waitMs`. `command` is what the next one is told that we are doing.
 * Throws `lock.held` with the holder's process and command. A lock whose holder died is free.
 */
export async function lockHost(
  stateFolder: string,
  options: { command: string; waitMs: number; onWait?: (heldBy: string) => void },
): Promise<FileLock> {
  const path = join(openStateFolder(stateFolder), 'lock');
  const owner = `vfleet ${options.command} (pid ${process.pid}, since ${new Date().toISOString()})`;
  const end = Date.now() + options.waitMs;
  for (let attempt = 0; ; attempt++) {
    const answer = tryLockFile(path, owner);
    if ('release' in answer) return answer;
    if (Date.now() >= end) {
      throw new VfleetError(
        'lock.held',
        `this host is being changed by ${answer.heldBy || 'another process'}`,
        {
          hint: 'wait for it, or pass --wait SECONDS',
          details: { file: path },
        },
      );
    }
    if (attempt === 0) options.onWait?.(answer.heldBy);
    await sleep(pollMs);
  }
}
