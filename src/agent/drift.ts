// Owns what drift is: the differences of a plan, when each was noticed, which are new and which are over.
// Pure: no host, no clock.

import type { Change, Plan } from '../model/plan.ts';
import type { DriftItem } from './agent-answers.ts';

/** A difference as it is now, without a history. */
export type DriftFact = Omit<DriftItem, 'since'>;

/** What a plan would change is what has drifted. */
export function driftOf(plan: Pick<Plan, 'changes'>): DriftFact[] {
  return plan.changes.map(({ pf, vf, attribute, before, after }: Change) => ({
    pf,
    ...(vf === undefined ? {} : { vf }),
    attribute,
    ...(before === undefined ? {} : { found: before }),
    wanted: after,
  }));
}

/** What tells one difference from another: its values may change while it lasts. */
export function driftKey({ pf, vf, attribute }: DriftFact): string {
  return `${pf} ${vf ?? '-'} ${attribute}`;
}

export interface DriftChange {
  /** All that there are now. */
  readonly items: readonly DriftItem[];
  readonly began: readonly DriftItem[];
  readonly ended: readonly DriftItem[];
}

/** Compares the differences of two looks. What lasts keeps its beginning; `now` is RFC 3339. */
export function followDrift(
  before: readonly DriftItem[],
  found: readonly DriftFact[],
  now: string,
): DriftChange {
  const known = new Map(before.map((item) => [driftKey(item), item]));
  const items = found.map((fact) => ({ ...fact, since: known.get(driftKey(fact))?.since ?? now }));
  const present = new Set(items.map((item) => driftKey(item)));
  return {
    items,
    began: items.filter((item) => !known.has(driftKey(item))),
    ended: before.filter((item) => !present.has(driftKey(item))),
  };
}

/** `VF 3 of 0000:01:00.0: vlan is 7 and not 100`. */
export function describeDrift({ pf, vf, attribute, found, wanted }: DriftFact): string {
  const subject = vf === undefined ? pf : `VF ${vf} of ${pf}`;
  const is = found === undefined ? 'is not set' : `is ${String(found)}`;
  return `${subject}: ${attribute} ${is} and not ${String(wanted)}`;
}
