// Owns what is told of leases that go back: each thing once, for as long as it is so.

import type { Release } from '../model/attachment.ts';
import type { Lease } from '../model/lease.ts';
import type { EventFeed } from './event-feed.ts';

/** A lease that has been worked on for some time. */
export interface Hanging {
  readonly lease: Lease;
  /** RFC 3339, when that began. */
  readonly since: string;
  /** Undefined: nothing of the VF yet. */
  readonly doing: string | undefined;
}

export class ReleaseNews {
  readonly #feed: EventFeed;
  /** What was told of a VF last, so that the same is not told at every look. */
  readonly #told = new Map<string, string>();
  /** Leases that were told to hang, by generation: a guest that does not let go makes each try take long. */
  readonly #toldHanging = new Set<string>();

  constructor(feed: EventFeed) {
    this.#feed = feed;
  }

  tell(release: Release): void {
    const { key, network, result, why } = release;
    const text = textOf(release, sayings[result], why);
    if (this.#told.get(nameOf(release)) === text && result !== 'free') return;
    this.#told.set(nameOf(release), text);
    this.#feed.tell({ kind: eventKinds[result], text, key, network });
  }

  tellHanging({ lease, doing }: Hanging, forMs: number): void {
    const { key, generation, owner, network } = lease;
    if (this.#toldHanging.has(generation)) return;
    this.#toldHanging.add(generation);
    const text = textOf({ key, owner: owner.name, network }, `hangs for ${forMs / 1000} s`, doing);
    this.#feed.tell({ kind: 'hanging', text, key, vm: owner.name, network });
  }

  /** It stands as it should: what is told next is news. */
  forget(lease: Lease): void {
    this.#told.delete(nameOf(lease));
  }

  /** The same for all leases but these. */
  forgetOthers(leases: readonly Lease[]): void {
    const names = new Set(leases.map(nameOf));
    const generations = new Set(leases.map(({ generation }) => generation));
    for (const name of this.#told.keys()) if (!names.has(name)) this.#told.delete(name);
    for (const generation of this.#toldHanging)
      if (!generations.has(generation)) this.#toldHanging.delete(generation);
  }
}

const sayings = { free: 'is free again', quarantined: 'is in quarantine', kept: 'is kept' } as const;
const eventKinds = { free: 'released', quarantined: 'quarantined', kept: 'kept' } as const;

function textOf(
  { key, owner, network }: Pick<Release, 'key' | 'owner' | 'network'>,
  saying: string,
  why: string | undefined,
): string {
  return `VF ${key.vf} of ${key.pf} (${owner}, ${network}): ${saying}${why === undefined ? '' : `: ${why}`}`;
}

function nameOf({ key }: Pick<Lease, 'key'>): string {
  return `${key.pf} ${key.vf}`;
}
