// Owns putting a host back to a record of what was. There is no list of inverse steps: it looks at the host as it is
// and plans towards the record, so that it also works from the middle of a step and after a crash.

import { VfleetError, messageOf } from '../base/errors.ts';
import { readTargetedPfs } from '../inventory/pfs.ts';
import type { Lease } from '../model/lease.ts';
import type { Target } from '../model/target.ts';
import { holdLeases } from '../planner/leases.ts';
import { planTarget } from '../planner/plan-target.ts';
import { refusePlan } from '../planner/refusal.ts';
import type { ChangingHost } from './apply-plan.ts';
import { describeStep, executeStep } from './step.ts';

/** A step of the undoing can fail because an earlier one did; more rounds than this do not help. */
const maxRounds = 3;

interface UndoOptions {
  readonly allowDisruption: boolean;
  /** VFs that belong to somebody: they stay, as their leases say. */
  readonly leases: readonly Lease[];
}

/**
 * Brings the host back to the record. Gives back what could not be put back, one line each; empty when all is as it was.
 * A VF in use is not cut off unless the apply was allowed to. PFs are undone one by one: a fault of one keeps no other.
 */
export async function undoTo(
  host: ChangingHost,
  before: Target,
  options: UndoOptions,
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const pf of before.pfs) {
    let problem: string | undefined;
    for (let round = 1; round <= maxRounds; round++) {
      problem = await undoPf(host, { pfs: [pf] }, options);
      if (problem === undefined) break;
    }
    if (problem !== undefined) problems.push(problem);
  }
  return problems;
}

/** One attempt at one PF; undefined when nothing is left to undo, otherwise what stands in the way. */
async function undoPf(
  host: ChangingHost,
  record: Target,
  { allowDisruption, leases }: UndoOptions,
): Promise<string | undefined> {
  try {
    const found = await readTargetedPfs(host.session, record);
    const before = holdLeases(record, leases, found);
    const plan = planTarget(found, before, leases);
    const refusal = refusePlan(plan, { allowDisruption });
    if (refusal !== undefined) return refusal.message;
    for (const step of plan.steps) {
      host.report({ kind: 'undo-step', text: describeStep(step) });
      await executeStep(step, {
        session: host.session,
        timeouts: host.timeouts,
        allowDisruption,
        report: (text) => host.report({ kind: 'detail', text }),
      });
    }
    const left = planTarget(await readTargetedPfs(host.session, record), before, leases);
    const [change] = left.changes;
    if (change === undefined) {
      const [step] = left.steps;
      return step === undefined ? undefined : `${describeStep(step)} is not done again`;
    }
    const subject = change.vf === undefined ? change.pf : `VF ${change.vf} of ${change.pf}`;
    return `${subject}: ${change.attribute} is not ${String(change.after)} again`;
  } catch (error) {
    return error instanceof VfleetError ? error.message : `unexpected: ${messageOf(error)}`;
  }
}
