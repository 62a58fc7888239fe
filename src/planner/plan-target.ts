// Owns the way from a snapshot and a target to a plan.
// Pure: no host, no clock, no randomness; the same input gives the same plan.

import { VfleetError } from '../base/errors.ts';
import type { Lease } from '../model/lease.ts';
import type { Plan } from '../model/plan.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Target } from '../model/target.ts';
import { changesOf } from './changes.ts';
import { disruptionsOf } from './disruptions.ts';
import { impossible, readIntent } from './intent.ts';
import { leasesOfPf } from './leases.ts';
import { notesOf } from './notes.ts';
import { planPf, type PfPlan } from './pf-plan.ts';

/**
 * Plans every step from what is to what shall be; what the target does not name stays as it is. Without a difference
 * the plan is empty. PFs come in the target's order. A VF with a lease is what that says where the target is silent; what
 * would take it away or make it something else is planned as a disruption that nothing allows.
 *
 * Throws `kernel.absent` for a PF that the snapshot does not have, and `plan.impossible` for what this host cannot reach.
 */
export function planTarget(
  snapshot: Pick<Snapshot, 'pfs'>,
  target: Target,
  leases: readonly Lease[] = [],
): Plan {
  const plans = planPfs(snapshot, target, leases);
  return {
    apiVersion: 'vfleet/v1',
    kind: 'Plan',
    changes: plans.flatMap((plan) => changesOf(plan)),
    steps: plans.flatMap((plan) => plan.steps),
    disruptions: plans.flatMap((plan) => disruptionsOf(plan)),
    notes: plans.flatMap((plan) => notesOf(plan)),
  };
}

function planPfs(
  snapshot: Pick<Snapshot, 'pfs'>,
  target: Target,
  leases: readonly Lease[],
): readonly PfPlan[] {
  const pfs = new Map(snapshot.pfs.map((pf) => [pf.address, pf]));
  const planned = new Set<string>();
  return target.pfs.map((pfTarget) => {
    const { address } = pfTarget;
    const pf = pfs.get(address);
    if (pf === undefined) {
      throw new VfleetError('kernel.absent', `this host has no PF ${address}`, { details: { pf: address } });
    }
    if (planned.has(address)) throw impossible(pf, `the target names the PF ${address} twice`);
    planned.add(address);
    return planPf(readIntent(pf, pfTarget, leasesOfPf(leases, address)));
  });
}
