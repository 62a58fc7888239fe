// Owns when leases are looked at that may have ended: soon after something happened, and each that could not be given back
// again by a clock of its own, so that none waits for another. What is given back, and how, is src/assign's.

import { VfleetError } from '../base/errors.ts';
import { longestTurnMs, Turns } from '../assign/turns.ts';
import type { Release, ReleaseList } from '../model/attachment.ts';
import type { Lease } from '../model/lease.ts';
import type { EventFeed } from './event-feed.ts';
import { Nap, pause } from './pause.ts';
import { ReleaseNews } from './release-news.ts';
import type { Hanging } from './release-news.ts';

/** What is told in quick succession (a VM with eight VFs stops) is one look. */
const gatherMs = 10;
/**
 * What failed, or met a process that was still ending, is tried again after this, then after twice as long, and so on.
 */
const firstRetryMs = 100;
const lastRetryMs = 60_000;
/**
 * Nobody tells that a vfleet was killed in the middle of an attach: its lock is free then, and its lease stands. So a
 * lease is looked at soon after it began, and all of them now and then.
 */
const youngLookMs = 10_000;
const lookMs = 60_000;
/** A VM can have some VFs, and a reset takes 0.1 s, in which the kernel only waits. */
const maxAtOnce = 8;

/** A lease that looks left behind, or that nobody has verified yet. */
export interface Suspect {
  readonly lease: Lease;
  /** Gives it back or puts it right, and reports on it. Undefined: it stands as it should, or somebody works on it. */
  readonly mend: (report: (doing: string) => void) => Promise<Release | undefined>;
}

/** Which leases are meant. */
export type LeaseFilter = (lease: Lease) => boolean;

export interface ReleaseOptions {
  readonly feed: EventFeed;
  readonly signal: AbortSignal;
  readonly findSuspects: () => Promise<readonly Suspect[]>;
  /** What `vfleet recover` does with leases; an apply that is under way is waited for at most `waitMs`, or as is usual. */
  readonly recoverAll: (waitMs: number | undefined, asker: AbortSignal) => Promise<ReleaseList>;
  /** Whether there is any lease to look at, and one that no look has found whole yet. */
  readonly leases: () => { readonly areThere: boolean; readonly areYoung: boolean };
}

interface Retry {
  readonly lease: Lease;
  readonly afterMs: number;
  readonly atMs: number;
}

/** Looks at leases, on request and now and then. */
export class ReleaseWork {
  readonly #options: ReleaseOptions;
  readonly #news: ReleaseNews;
  readonly #nap = new Nap();
  #isWanted = false;
  /** After a look that failed as a whole; 0 after one that did not. */
  #retryMs = 0;
  /** Leases that could not be given back, by generation. */
  readonly #retries = new Map<string, Retry>();
  /** Leases that are being worked on, by generation, and those of them that were suspected once more meanwhile. */
  readonly #works = new Map<string, Promise<void>>();
  readonly #again = new Set<string>();
  /** Those that are being worked on and have lost their turn. */
  readonly #hanging = new Map<string, Hanging>();
  readonly #turns = new Turns(maxAtOnce);
  #whole: Promise<unknown> = Promise.resolve();

  constructor(options: ReleaseOptions) {
    this.#options = options;
    this.#news = new ReleaseNews(options.feed);
  }

  /** Leases that have been worked on for some seconds; others do not wait for them. */
  get hanging(): readonly Hanging[] {
    return [...this.#hanging.values()];
  }

  /** Something happened that may have ended leases: those that are meant are tried now, however often that was in vain. */
  request(isMeant: LeaseFilter = () => true): void {
    for (const [generation, { lease }] of this.#retries) if (isMeant(lease)) this.#retries.delete(generation);
    this.#isWanted = true;
    this.#nap.wake();
  }

  /** A lease began or ended. */
  reconsider(): void {
    this.#nap.wake();
  }

  /** Looks at all leases, quarantined ones as well, once what is under way is over. */
  async recoverAll(waitMs: number | undefined, asker: AbortSignal): Promise<ReleaseList> {
    const before = [this.#whole, ...this.#works.values()];
    const turn = (async () => {
      await Promise.all(before);
      return this.#options.recoverAll(waitMs, asker);
    })();
    this.#whole = turn.catch(() => undefined);
    const list = await turn;
    for (const release of list.releases) this.#news.tell(release);
    return list;
  }

  /** Looks whenever it is requested or time, until the signal is aborted; then waits for what is under way. */
  async follow(): Promise<void> {
    const { signal, leases } = this.#options;
    while (!signal.aborted) {
      const isTime = this.#isWanted || (await this.#nap.take(this.#waitMs(), signal));
      if (signal.aborted) break;
      if (!this.#isWanted && !isTime) continue;
      if (!this.#isWanted && !leases().areThere) {
        // Others have ended what was to be tried again: there is nothing to come back for.
        this.#retries.clear();
        this.#retryMs = 0;
        continue;
      }
      if (this.#isWanted) await pause(gatherMs, signal);
      this.#isWanted = false;
      await this.#look();
    }
    await Promise.all([this.#whole, ...this.#works.values()]);
  }

  #waitMs(): number {
    if (this.#retryMs > 0) return this.#retryMs;
    const now = performance.now();
    // One that is being worked on wakes us when that is over.
    const retries = [...this.#retries]
      .filter(([generation]) => !this.#works.has(generation))
      .map(([, { atMs }]) => Math.max(0, atMs - now));
    return Math.min(this.#options.leases().areYoung ? youngLookMs : lookMs, ...retries);
  }

  async #look(): Promise<void> {
    const { feed, signal, findSuspects } = this.#options;
    let suspects: readonly Suspect[];
    try {
      suspects = await findSuspects();
      this.#retryMs = 0;
      feed.forgetFailure(looking);
    } catch (error) {
      if (isAborted(error, signal)) return;
      this.#retryMs = nextRetry(this.#retryMs);
      feed.tellFailure(looking, error);
      return;
    }
    this.#forgetOthers(suspects);
    const now = performance.now();
    for (const suspect of suspects) {
      const { generation } = suspect.lease;
      const dueMs = this.#retries.get(generation)?.atMs ?? now;
      if (this.#works.has(generation)) this.#again.add(generation);
      else if (dueMs <= now) this.#works.set(generation, this.#work(suspect));
    }
  }

  /** What is no suspect any more begins anew when it becomes one. */
  #forgetOthers(suspects: readonly Suspect[]): void {
    this.#news.forgetOthers(suspects.map(({ lease }) => lease));
    const generations = new Set(suspects.map(({ lease }) => lease.generation));
    for (const generation of this.#retries.keys())
      if (!generations.has(generation)) this.#retries.delete(generation);
  }

  async #work(suspect: Suspect): Promise<void> {
    const { feed, signal } = this.#options;
    const { lease } = suspect;
    const { generation } = lease;
    const before = this.#retries.get(generation)?.afterMs ?? 0;
    try {
      const release = await this.#mend(suspect);
      feed.forgetFailure(giving);
      // A process that is just ending has its VF open for a moment longer.
      if (release?.result === 'kept') this.#retryAfter(lease, nextRetry(before));
      else this.#retries.delete(generation);
      if (release === undefined) this.#news.forget(lease);
      else this.#news.tell(release);
    } catch (error) {
      if (!isAborted(error, signal)) feed.tellFailure(giving, error);
      // Who changes the host was waited for already, and his taking long says nothing of this lease.
      this.#retryAfter(lease, isHeld(error) ? firstRetryMs : nextRetry(before));
    } finally {
      this.#works.delete(generation);
      this.#hanging.delete(generation);
      if (this.#again.delete(generation)) this.#isWanted = true;
      this.#nap.wake();
    }
  }

  async #mend({ lease, mend }: Suspect): Promise<Release | undefined> {
    const { feed, signal } = this.#options;
    const work = { lease, since: '', doing: undefined as string | undefined };
    return this.#turns.take(
      async () => {
        work.since = feed.now();
        return signal.aborted ? undefined : mend((doing) => (work.doing = doing));
      },
      () => {
        this.#hanging.set(lease.generation, work);
        this.#news.tellHanging(work, longestTurnMs);
      },
    );
  }

  #retryAfter(lease: Lease, afterMs: number): void {
    this.#retries.set(lease.generation, { lease, afterMs, atMs: performance.now() + afterMs });
  }
}

const looking = 'looking for what was left behind';
const giving = 'giving back what was left behind';
function nextRetry(retryMs: number): number {
  return retryMs === 0 ? firstRetryMs : Math.min(retryMs * 2, lastRetryMs);
}

function isHeld(error: unknown): boolean {
  return error instanceof VfleetError && error.code === 'lock.held';
}

/** Our own stop is no failure. */
function isAborted(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && error instanceof VfleetError && error.code === 'apply.interrupted';
}
