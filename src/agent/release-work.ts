// Owns when leases that ended are given back: soon after something happened, one run at a time, again after a failure.
// What is given back, and how, is src/assign's.

import { VfleetError } from '../base/errors.ts';
import type { Release, ReleaseList } from '../model/attachment.ts';
import type { EventFeed } from './event-feed.ts';
import { Nap, pause } from './pause.ts';

/** What is told in quick succession (a VM with eight VFs stops) is one run. */
const gatherMs = 10;
/**
 * A run that failed, or met a process that was still ending, is tried again after this, then after twice as long, and so
 * on.
 */
const firstRetryMs = 100;
const lastRetryMs = 60_000;
/**
 * Nobody tells that a vfleet was killed in the middle of an attach: its lock is free then, and its lease stands. So a
 * lease is looked at soon after it began, and all of them now and then.
 */
const youngLookMs = 10_000;
const lookMs = 60_000;

/** `quick` is for events, of which there may be many; `whole` is what `vfleet recover` does. */
export type Extent = 'quick' | 'whole';

export interface ReleaseOptions {
  readonly feed: EventFeed;
  readonly signal: AbortSignal;
  /** Gives back leases whose owner has gone; an apply that is under way is waited for at most `waitMs`, or as is usual. */
  readonly recover: (extent: Extent, waitMs: number | undefined) => Promise<ReleaseList>;
  /** Whether there is any lease to look at, and one that no run has found whole yet. */
  readonly leases: () => { readonly areThere: boolean; readonly areYoung: boolean };
}

/** Runs of recovery, on request and now and then. */
export class ReleaseWork {
  readonly #options: ReleaseOptions;
  /** What was told of a VF last, so that the same is not told at every look. */
  readonly #told = new Map<string, string>();
  #current: Promise<unknown> = Promise.resolve();
  readonly #nap = new Nap();
  #isWanted = false;

  constructor(options: ReleaseOptions) {
    this.#options = options;
  }

  /** Something happened that may have ended a lease. */
  request(): void {
    this.#isWanted = true;
    this.#nap.wake();
  }

  /** A lease began or ended. */
  reconsider(): void {
    this.#nap.wake();
  }

  /** A run now, after the one under way. */
  async run(extent: Extent, waitMs?: number): Promise<ReleaseList> {
    const before = this.#current;
    const turn = (async () => {
      await before;
      return this.#options.recover(extent, waitMs);
    })();
    this.#current = turn.catch(() => undefined);
    const list = await turn;
    this.#tell(list.releases);
    return list;
  }

  /** Runs whenever it is requested, until the signal is aborted; then waits for the run under way. */
  async follow(): Promise<void> {
    const { feed, signal, leases } = this.#options;
    let retryMs = 0;
    while (!signal.aborted) {
      const waitMs = retryMs > 0 ? retryMs : leases().areYoung ? youngLookMs : lookMs;
      const isTime = this.#isWanted || (await this.#nap.take(waitMs, signal));
      if (signal.aborted) break;
      if (!this.#isWanted && (!isTime || !leases().areThere)) continue;
      await pause(gatherMs, signal);
      this.#isWanted = false;
      try {
        const { releases } = await this.run('quick');
        feed.forgetFailure(giving);
        // A process that is just ending has its VF open for a moment longer.
        const isStuck = releases.some(({ result }) => result === 'kept');
        retryMs = isStuck ? nextRetry(retryMs) : 0;
      } catch (error) {
        if (isAborted(error, signal)) break;
        feed.tellFailure(giving, error);
        retryMs = nextRetry(retryMs);
      }
    }
    await this.#current;
  }

  #tell(releases: readonly Release[]): void {
    const seen = new Set<string>();
    for (const { key, owner, network, result, why } of releases) {
      const name = `${key.pf} ${key.vf}`;
      seen.add(name);
      const text = `VF ${key.vf} of ${key.pf} (${owner}, ${network}): ${sayings[result]}${why === undefined ? '' : `: ${why}`}`;
      if (this.#told.get(name) === text && result !== 'free') continue;
      this.#told.set(name, text);
      this.#options.feed.tell({ kind: eventKinds[result], text, key, network });
    }
    for (const name of this.#told.keys()) if (!seen.has(name)) this.#told.delete(name);
  }
}

const giving = 'giving back what was left behind';
const sayings = { free: 'is free again', quarantined: 'is in quarantine', kept: 'is kept' } as const;
const eventKinds = { free: 'released', quarantined: 'quarantined', kept: 'kept' } as const;

function nextRetry(retryMs: number): number {
  return retryMs === 0 ? firstRetryMs : Math.min(retryMs * 2, lastRetryMs);
}

/** Our own stop is no failure. */
function isAborted(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && error instanceof VfleetError && error.code === 'apply.interrupted';
}
