// Owns the lock that lets one vfleet at a time change a host, or many give and take single VFs of it.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { VfleetError } from '../base/errors.ts';
import { tryLockFile } from '../kernel/file-lock.ts';
import type { FileLock, LockMode } from '../kernel/file-lock.ts';
import { openStateFolder } from './state-folder.ts';

const pollMs = 100;
/**
 * Those who share the lock mostly need it for a moment: an agent that looks, a VF that goes back. Nobody who wants the
 * host for himself shall fail by such a chance.
 */
const sharingGraceMs = 1_000;

/** What stands for holders that share the lock: they are many, and write no names. */
const sharingHolders = 'vfleet, which gives or takes a VF';

export interface HostLockOptions {
  /** What the next one is told that we are doing. */
  readonly command: string;
  /** Longest wait; 0 means one try, or a second of them while others share the lock. */
  readonly waitMs: number;
  /** `exclusive` (absent): to change the host as a whole. `shared`: to give or take single VFs, each under a lock of its own. */
  readonly mode?: LockMode;
  /** Told once, when there is something to wait for. */
  readonly onWait?: (heldBy: string) => void;
  /** Ends the waiting; looked at now and then. */
  readonly signal?: Pick<AbortSignal, 'aborted'> | undefined;
}

/**
 * Takes the lock of a host, waiting for at most `waitMs`. Throws `lock.held` with the holder's process and command; an
 * exclusive one is named, shared ones are not. A lock whose holder died is free. Throws `apply.interrupted` when the signal
 * is aborted while it waits.
 */
export async function lockHost(stateFolder: string, options: HostLockOptions): Promise<FileLock> {
  const path = join(openStateFolder(stateFolder), 'lock');
  const owner = `vfleet ${options.command} (pid ${process.pid}, since ${new Date().toISOString()})`;
  const start = Date.now();
  let isTold = false;
  for (;;) {
    const answer = tryLockFile(path, owner, options.mode);
    if ('release' in answer) return answer;
    const shared = options.mode !== 'shared' && isShared(path, owner);
    const heldBy = shared ? sharingHolders : answer.heldBy || 'another process';
    const waitedMs = Date.now() - start;
    const graceMs = shared ? sharingGraceMs : 0;
    if (waitedMs >= Math.max(options.waitMs, graceMs)) {
      throw new VfleetError('lock.held', `this host is being changed by ${heldBy}`, {
        hint: 'wait for it, or pass --wait SECONDS',
        details: { file: path },
      });
    }
    if (!isTold && waitedMs >= graceMs) {
      options.onWait?.(heldBy);
      isTold = true;
    }
    if (options.signal?.aborted === true)
      throw new VfleetError('apply.interrupted', `asked to stop while waiting for ${heldBy}`);
    await sleep(pollMs);
  }
}

/** Whether its holders share a lock. What the file says is of an earlier holder then. */
function isShared(path: string, owner: string): boolean {
  const answer = tryLockFile(path, owner, 'shared');
  if (!('release' in answer)) return false;
  answer.release();
  return true;
}
