// Owns when the host is compared with the applied spec, and what is told of it: each difference when it comes and when
// it goes. Puts nothing back; enforcement.ts does.

import { performance } from 'node:perf_hooks';
import type { AssigningHost } from '../assign/assigning-host.ts';
import type { DriftItem, DriftReport } from './agent-answers.ts';
import { compareHost, isHostChanging, settledFacts } from './comparison.ts';
import type { Comparison } from './comparison.ts';
import { describeDrift, driftKey, followDrift } from './drift.ts';
import type { DriftFact } from './drift.ts';
import type { EventFeed } from './event-feed.ts';
import { Nap, pause } from './pause.ts';

/** One change of a host comes as several events. */
const gatherMs = 50;
/** What is found at one look is told when the next one finds it, too: whoever sets a VF up passes through differences. */
const confirmMs = 150;
/**
 * While somebody changes the host, it is looked at again after this, then after twice as long, and so on until something
 * happens: a VF can hang in the kernel for minutes, and each comparison reads all VFs of its PF.
 */
const firstBusyMs = 250;
const lastBusyMs = 8_000;
/** Without any event the whole is compared this often, in case one was missed. */
const safetyMs = 60_000;
/** Comparing takes at most this part of the time; 1/300 is 0.33 % of a core. */
const costFactor = 300;
/** A burst of events must not make comparing the main work of the host, and what is told must come within a second. */
const burstFactor = 4;
const longestGapMs = 500;
/** The longest that a comparison stays out of the way of an attach or release of the agent. */
const longestRestMs = 750;

export interface DriftWatchOptions {
  readonly host: AssigningHost;
  readonly feed: EventFeed;
  readonly signal: AbortSignal;
  /** Told at once when something may have changed. */
  readonly onChange: () => void;
  /** Told of each comparison after whose beginning nothing is known to have changed. */
  readonly onCompared: (comparison: Comparison) => void;
  /** Told after each look: what was found is confirmed, and nobody is changing the host. */
  readonly onLook: (comparison: Comparison | undefined, items: readonly DriftItem[]) => void;
}

/** Compares on request, and now and then. */
export class DriftWatch {
  readonly #options: DriftWatchOptions;
  #report: DriftReport = { state: 'unknown', items: [], problems: [] };
  /** Keys of differences that were found once and are not told yet. */
  #suspected: ReadonlySet<string> = new Set();
  #isPoked = false;
  readonly #nap = new Nap();
  /** Works of the agent that are under way, and the rest that comparing takes meanwhile. */
  #works = 0;
  readonly #rest = new Nap();
  #costMs = 0;
  #busyMs = firstBusyMs;

  constructor(options: DriftWatchOptions) {
    this.#options = options;
  }

  get report(): DriftReport {
    return this.#report;
  }

  /** Something may have changed. */
  poke(): void {
    this.#isPoked = true;
    this.#busyMs = firstBusyMs;
    this.#options.onChange();
    this.#nap.wake();
  }

  /** Does work of the agent itself, which passes through differences, and in whose way a comparison would only be. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#works += 1;
    try {
      return await work();
    } finally {
      this.#works -= 1;
      if (this.#works === 0) this.#rest.wake();
    }
  }

  /** Looks until the signal is aborted. */
  async follow(): Promise<void> {
    const { signal, feed } = this.#options;
    let waitMs = 0;
    while (!signal.aborted) {
      if (!this.#isPoked) await this.#nap.take(waitMs, signal);
      if (signal.aborted) return;
      if (this.#isPoked) await pause(gatherMs, signal);
      if (this.#works > 0) await this.#rest.take(longestRestMs, signal);
      this.#isPoked = false;
      try {
        waitMs = await this.#look();
        feed.forgetFailure(comparing);
      } catch (error) {
        if (signal.aborted) return;
        feed.tellFailure(comparing, error);
        waitMs = this.#restMs();
      }
      const gapMs = Math.min(this.#costMs * burstFactor, longestGapMs);
      await pause(gapMs, signal);
      waitMs = Math.max(0, waitMs - gapMs);
    }
  }

  #restMs(): number {
    return Math.max(safetyMs, this.#costMs * costFactor);
  }

  #restBusyMs(): number {
    const busyMs = this.#busyMs;
    this.#busyMs = Math.min(busyMs * 2, lastBusyMs);
    return busyMs;
  }

  /** One look; answers how long to wait for the next, if nothing happens. */
  async #look(): Promise<number> {
    const { host, onLook } = this.#options;
    const startedMs = performance.now();
    const comparison = await compareHost(host);
    if (comparison !== undefined && !this.#isPoked) this.#options.onCompared(comparison);
    this.#costMs = performance.now() - startedMs;
    if (comparison === undefined) {
      this.#take([], [], 'unknown');
      onLook(undefined, []);
      return this.#restMs();
    }
    const { problems, targets } = comparison;
    const isSame = comparison.facts.length === 0 && problems.length === 0;
    if (!isSame && (await isHostChanging(host.stateFolder))) return this.#restBusyMs();
    const { facts, isBusy } = settledFacts(host.stateFolder, comparison);
    const told = new Set(this.#report.items.map((item) => driftKey(item)));
    const confirmed = facts.filter((fact) => told.has(driftKey(fact)) || this.#suspected.has(driftKey(fact)));
    this.#suspected = new Set(facts.map((fact) => driftKey(fact)));
    // Where nothing can be compared, nothing is over.
    const isComparable = targets.length > 0 || problems.length === 0;
    this.#take(isComparable ? confirmed : this.#report.items, problems, isSame ? 'none' : 'drift');
    if (confirmed.length < facts.length) return confirmMs;
    if (isBusy) return this.#restBusyMs();
    this.#busyMs = firstBusyMs;
    onLook(comparison, this.#report.items);
    return this.#restMs();
  }

  #take(found: readonly DriftFact[], problems: readonly string[], state: DriftReport['state']): void {
    const { feed, host } = this.#options;
    const now = new Date(host.session.kernel.clock.nowMs()).toISOString();
    const { items, began, ended } = followDrift(this.#report.items, found, now);
    const before = this.#report.problems;
    const hasDrift = items.length > 0 || problems.length > 0;
    this.#report = {
      state: state === 'drift' && !hasDrift ? 'none' : state,
      checkedAt: now,
      items: [...items],
      problems: [...problems],
    };
    for (const item of began) feed.tell({ kind: 'drift-began', ...factsOf(item), text: describeDrift(item) });
    for (const item of ended)
      feed.tell({ kind: 'drift-ended', ...factsOf(item), text: `${describeDrift(item)}: is over` });
    for (const text of problems) if (!before.includes(text)) feed.tell({ kind: 'drift-began', text });
    for (const text of before)
      if (!problems.includes(text)) feed.tell({ kind: 'drift-ended', text: `${text}: is over` });
  }
}

const comparing = 'comparing the host with the applied spec';

function factsOf(item: DriftItem): { drift: DriftItem; key?: { pf: string; vf: number } } {
  return { drift: item, ...(item.vf === undefined ? {} : { key: { pf: item.pf, vf: item.vf } }) };
}
