// Owns what the agent knows of the leases: which there are now, and what began and ended since the last look.
// Ends none.

import type { LeaseRecords, LeaseStore } from '../lease/lease-store.ts';
import type { CorruptLease, Lease, VfKey } from '../model/lease.ts';
import type { EventFeed } from './event-feed.ts';
import { pause } from './pause.ts';

/** A store that cannot be read is asked again after this. */
const retryMs = 1_000;
const reading = 'reading the leases';

export interface LeaseWatchOptions {
  readonly feed: EventFeed;
  readonly signal: AbortSignal;
  readonly leases: LeaseStore;
  /** Told after each look that found a difference; of leases that cannot be understood what was known of them stays. */
  readonly onChange: (leases: readonly Lease[]) => void;
}

export class LeaseWatch {
  readonly #options: LeaseWatchOptions;
  #records: LeaseRecords = { leases: [], corrupt: [] };
  /** Leases that began and did not end, by generation. */
  #known: ReadonlyMap<string, Lease> = new Map();
  #looking: Promise<unknown> = Promise.resolve();

  constructor(options: LeaseWatchOptions) {
    this.#options = options;
  }

  /** The leases at the last look, by PF and VF. */
  get leases(): readonly Lease[] {
    return this.#records.leases;
  }

  /** Records that could not be understood at the last look, by PF and VF. */
  get corrupt(): readonly CorruptLease[] {
    return this.#records.corrupt;
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
        let isRead = await this.look();
        while (!signal.aborted) {
          const tick = await (isRead ? next : Promise.race([next, pause(retryMs, signal)]));
          if (tick?.done === true) break;
          if (tick !== undefined) next = ticks.next();
          isRead = await this.look();
        }
      } catch (error) {
        this.#options.feed.tellFailure(reading, error);
        await pause(retryMs, signal);
      }
    }
  }

  /**
   * Reads the leases, after whoever reads them now; answers whether they could be read. That they could not is told, and
   * what was known stays.
   */
  async look(): Promise<boolean> {
    // One at a time: an older list must not come after a newer one.
    const look = this.#looking.then(async () => this.#lookNow());
    this.#looking = look.catch(() => undefined);
    return look;
  }

  async #lookNow(): Promise<boolean> {
    const { leases, feed, onChange } = this.#options;
    let found: LeaseRecords;
    try {
      found = await leases.list();
    } catch (error) {
      feed.tellFailure(reading, error);
      return false;
    }
    feed.forgetFailure(reading);
    const before = this.#known;
    const toldCorrupt = new Set(this.corrupt.map(nameOf));
    const corrupt = new Set(found.corrupt.map(nameOf));
    this.#records = found;
    // A lease that cannot be understood any more has not ended.
    const unclear = [...before.values()].filter((lease) => corrupt.has(nameOf(lease)));
    this.#known = new Map([...found.leases, ...unclear].map((lease) => [lease.generation, lease]));
    const began = found.leases.filter(({ generation }) => !before.has(generation));
    const ended = [...before.values()].filter(({ generation }) => !this.#known.has(generation));
    for (const lease of ended) this.#tell('lease-ended', lease);
    for (const lease of began) this.#tell('lease-began', lease);
    const newlyCorrupt = found.corrupt.filter((each) => !toldCorrupt.has(nameOf(each)));
    for (const { key, why } of newlyCorrupt)
      feed.tell({ kind: 'failed', text: `VF ${key.vf} of ${key.pf}: ${why}`, key });
    const isMended = [...toldCorrupt].some((name) => !corrupt.has(name));
    if (began.length + ended.length + newlyCorrupt.length > 0 || isMended)
      onChange([...this.#known.values()]);
    return true;
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

function nameOf({ key: { pf, vf } }: { readonly key: VfKey }): string {
  return `${pf} ${vf}`;
}
