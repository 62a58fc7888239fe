// Owns the shape of what an attach stands on: what the spec offers, and what is known of the host already.

import type { ChoiceFacts } from '../model/choice-facts.ts';
import type { Offer } from '../model/network.ts';

export interface Ground {
  readonly offer: Offer;
  /** Facts of the offer's PFs that hold now; absent: they are read. */
  readonly facts?: ChoiceFacts;
}

/**
 * Asked once nobody can apply another spec any more, so that no VF is given as an older one said. Throws `offer.none`,
 * `spec.match`, `journal.corrupt`.
 */
export type ReadGround = () => Promise<Ground>;
