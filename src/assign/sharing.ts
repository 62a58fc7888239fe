// Owns the lock of the host for those who give or take single VFs, and the end of what nobody waits for any more.

import { VfleetError } from '../base/errors.ts';
import { lockHost } from '../apply/host-lock.ts';
import type { FileLock } from '../kernel/file-lock.ts';
import type { AssigningHost } from './assigning-host.ts';

/**
 * Shares the lock of the host, waiting at most `waitMs` for somebody who has it for himself. Throws `lock.held`;
 * `apply.interrupted` when the host's signal is aborted while it waits, or whoever asked has gone.
 */
export async function shareHost(host: AssigningHost, command: string, waitMs: number): Promise<FileLock> {
  const { stateFolder, signal, asker } = host;
  const stop = {
    get aborted() {
      return signal?.aborted === true || asker?.aborted === true;
    },
  };
  const lock = await lockHost(stateFolder, { command, waitMs, mode: 'shared', signal: stop });
  try {
    checkAsker(host);
  } catch (error) {
    lock.release();
    throw error;
  }
  return lock;
}

/** Throws `apply.interrupted` when whoever asked has gone. For those who have changed nothing yet. */
export function checkAsker({ asker }: AssigningHost): void {
  if (asker?.aborted === true)
    throw new VfleetError('apply.interrupted', 'whoever asked has gone: nothing was changed');
}
