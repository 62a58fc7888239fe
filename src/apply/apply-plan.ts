// Owns the apply: record, do step by step, verify the whole, and put everything back when something fails.
// Decides nothing about what is to be done; that is the plan's.

import { VfleetError, messageOf } from '../base/errors.ts';
import { readTargetedPfs } from '../inventory/pfs.ts';
import type { KernelSession } from '../kernel/session.ts';
import type { Plan } from '../model/plan.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Target } from '../model/target.ts';
import { planTarget } from '../planner/plan-target.ts';
import { recordBefore } from '../planner/record.ts';
import { JournalWriter } from './journal.ts';
import { describeStep, executeStep } from './step.ts';
import type { Timeouts } from './timeouts.ts';
import { undoTo } from './undo.ts';

/** What happens during an apply, for progress. `detail` refines the last `step`. */
export type ApplyEvent =
  | { readonly kind: 'step'; readonly index: number; readonly count: number; readonly text: string }
  | { readonly kind: 'detail'; readonly text: string }
  | { readonly kind: 'done'; readonly index: number; readonly durationMs: number }
  | { readonly kind: 'undoing'; readonly why: string }
  | { readonly kind: 'undo-step'; readonly text: string };

/** A host that is being changed. The caller holds its lock. */
export interface ChangingHost {
  readonly session: KernelSession;
  readonly stateFolder: string;
  readonly timeouts: Timeouts;
  readonly report: (event: ApplyEvent) => void;
  /** Asks for an end between two steps: what was done is undone. */
  readonly signal?: AbortSignal | undefined;
}

export interface ApplyRequest {
  readonly command: 'apply' | 'revert';
  readonly reverts?: number;
  readonly snapshot: Snapshot;
  readonly target: Target;
  readonly plan: Plan;
  readonly allowDisruption: boolean;
}

/**
 * Executes a plan. When the call comes back, the host is as the target says, read back from the kernel.
 * Throws `apply.undone` when a step failed and everything was put back, `apply.inconsistent` when that failed too;
 * both name step, VF, attribute, driver and the kernel's reason as far as they are known. An empty plan does nothing.
 */
export async function applyPlan(host: ChangingHost, request: ApplyRequest): Promise<void> {
  const { plan, target, snapshot, allowDisruption, command, reverts } = request;
  if (plan.steps.length === 0) return;
  const before = recordBefore(snapshot, plan);
  const journal = JournalWriter.begin(host.stateFolder, {
    command,
    ...(reverts === undefined ? {} : { reverts }),
    startedAt: new Date(host.session.kernel.clock.nowMs()).toISOString(),
    bootId: snapshot.host.bootId,
    allowDisruption,
    steps: plan.steps,
    target,
    before,
  });
  try {
    let current = 'preparing';
    try {
      for (const [index, step] of plan.steps.entries()) {
        current = describeStep(step);
        if (host.signal?.aborted === true)
          throw new VfleetError('apply.interrupted', 'a signal asked to stop');
        // The first step is announced by the journal's beginning.
        if (index > 0) await journal.write({ record: 'step', index });
        const startedMs = host.session.kernel.clock.nowMs();
        host.report({ kind: 'step', index, count: plan.steps.length, text: current });
        await executeStep(step, {
          session: host.session,
          timeouts: host.timeouts,
          allowDisruption,
          report: (text) => host.report({ kind: 'detail', text }),
        });
        journal.writeUnsynced({ record: 'done', index });
        host.report({ kind: 'done', index, durationMs: host.session.kernel.clock.nowMs() - startedMs });
      }
      current = 'checking the whole';
      await verifyTarget(host, target);
      await journal.write({ record: 'committed', at: now(host) });
    } catch (error) {
      throw await undone(host, journal, { before, allowDisruption, step: current, error });
    }
  } finally {
    journal.close();
  }
}

/** Reads the PFs once more and plans towards the target: there must be nothing left to do. */
async function verifyTarget(host: ChangingHost, target: Target): Promise<void> {
  const pfs = await readTargetedPfs(host.session, target);
  const {
    changes: [left],
    steps: [step],
  } = planTarget(pfs, target);
  if (step === undefined) return;
  if (left === undefined)
    throw new VfleetError('verify.mismatch', `${describeStep(step)}: is not done after all steps were`);
  const subject = left.vf === undefined ? left.pf : `VF ${left.vf} of ${left.pf}`;
  throw new VfleetError(
    'verify.mismatch',
    `${subject}: ${left.attribute} is ${left.before === undefined ? 'not set' : String(left.before)} and not ${String(left.after)} after all steps were done`,
    {
      hint: 'somebody else changes this host, or a later step took it back',
      details: { pf: left.pf, ...(left.vf === undefined ? {} : { vf: left.vf }), attribute: left.attribute },
    },
  );
}

async function undone(
  host: ChangingHost,
  journal: JournalWriter,
  failure: { before: Target; allowDisruption: boolean; step: string; error: unknown },
): Promise<VfleetError> {
  const { before, allowDisruption, step, error } = failure;
  const why = messageOf(error);
  const facts =
    error instanceof VfleetError
      ? { hint: error.hint, details: { ...error.details, step } }
      : { details: { step } };
  if (error instanceof VfleetError && error.details.pending === true) {
    // Undoing would wait behind the same lock, and what is pending could still come true after it.
    return new VfleetError(
      'apply.inconsistent',
      `${step}: ${why}. Nothing was put back, because it may yet take effect.`,
      {
        ...facts,
        hint: `${error.hint ?? 'Look at the kernel log.'} When the call has come back, run \`vfleet recover\`.`,
        cause: error,
      },
    );
  }
  host.report({ kind: 'undoing', why });
  const problems = await undoAndRecord(host, journal, { before, allowDisruption, why });
  if (problems.length === 0) {
    return new VfleetError('apply.undone', `${step}: ${why}. Everything was put back.`, {
      ...facts,
      cause: error,
    });
  }
  return new VfleetError('apply.inconsistent', `${step}: ${why}. It could not all be put back.`, {
    ...facts,
    hint: 'mend the cause, then run `vfleet recover`',
    details: { ...facts.details, problems },
    cause: error,
  });
}

/**
 * Undoes a journal's apply and writes down how that ended; gives back what could not be undone. The journal stays open
 * (no end) in that case, so that `recover` tries again.
 */
export async function undoAndRecord(
  host: ChangingHost,
  journal: JournalWriter,
  options: { before: Target; allowDisruption: boolean; why: string },
): Promise<readonly string[]> {
  try {
    await journal.write({ record: 'undoing', why: options.why });
    const problems = await undoTo(host, options.before, options.allowDisruption);
    if (problems.length === 0) await journal.write({ record: 'undone', at: now(host) });
    return problems;
  } catch (error) {
    return [messageOf(error)];
  }
}

function now(host: ChangingHost): string {
  return new Date(host.session.kernel.clock.nowMs()).toISOString();
}
