// Owns what the agent knows of the leases: which there are now, and what began and ended since the last look.
// Ends none.

import type { LeaseStore } from '../lease/lease-store.ts';
import type { Lease } from '../model/lease.ts';
import type { EventFeed } from './event-feed.ts';
import { pause } from './pause.ts';

/** A store that cannot be read is asked again after this. */
const retryMs = 1_000;
const reading = 'reading the leases';

export interface LeaseWatchOptions {
  readonly feed: EventFeed;
  readonly signal: AbortSignal;
  readonly leases: LeaseStore;
  /** Told after each look that found a difference. */
  readonly onChange: (leases: readonly Lease[]) => void;
}

export class LeaseWatch {
  readonly #options: LeaseWatchOptions;
  #known: ReadonlyMap<string, Lease> = new Map();
  #looking: Promise<void> = Promise.resolve();

  constructor(options: LeaseWatchOptions) {
    this.#options = options;
  }

  /** The leases at the last look, by PF and VF. */
  get leases(): readonly Lease[] {
    return [...this.#known.values()];
  }

  /** Looks whenever the store says that something changed, until the signal is aborted. */
  async follow(): Promise<void> {
    const { leases, signal } = this.#options;
    while (!signal.aborted) {
      try {
        const changes = leases.watch(signal);
        const ticks = changes[Symbol.asyncIterator]();
        // Asked for before the look: what happens between the two is then told, and never missed.
        let next = ticks.next();
        await this.look();
        while ((await next).done !== true) {
          next = ticks.next();
          await this.look();
        }
      } catch (error) {
        this.#options.feed.tellFailure(reading, error);
        await pause(retryMs, signal);
      }
    }
  }

  /** Reads the leases, after whoever reads them now. A store that cannot be read is told, and what was known stays. */
  async look(): Promise<void> {
    // One at a time: an older list must not come after a newer one.
    this.#looking = this.#looking.then(async () => this.#lookNow());
    return this.#looking;
  }

  async #lookNow(): Promise<void> {
    const { leases, feed, onChange } = this.#options;
    let found: readonly Lease[];
    try {
      found = await leases.list();
    } catch (error) {
      feed.tellFailure(reading, error);
      return;
    }
    feed.forgetFailure(reading);
    const before = this.#known;
    this.#known = new Map(found.map((lease) => [lease.generation, lease]));
    const began = found.filter(({ generation }) => !before.has(generation));
    const ended = [...before.values()].filter(({ generation }) => !this.#known.has(generation));
    for (const lease of ended) this.#tell('lease-ended', lease);
    for (const lease of began) this.#tell('lease-began', lease);
    if (began.length + ended.length > 0) onChange(found);
  }

  #tell(kind: 'lease-began' | 'lease-ended', { key, owner, network }: Lease): void {
    const verb = kind === 'lease-began' ? 'belongs to' : 'is no longer of';
    this.#options.feed.tell({
      kind,
      text: `VF ${key.vf} of ${key.pf} ${verb} ${owner.name} (${network})`,
      key,
      vm: owner.name,
      network,
    });
  }
}
