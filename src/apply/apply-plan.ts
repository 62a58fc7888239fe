// Owns the apply: record, do step by step, verify the whole, and put everything back when something fails.
// Decides nothing about what is to be done; that is the plan's.

import { VfleetError, messageOf } from '../base/errors.ts';
import { readTargetedPfs } from '../inventory/pfs.ts';
import type { KernelSession } from '../kernel/session.ts';
import type { JournalBegin } from '../model/journal.ts';
import type { Lease } from '../model/lease.ts';
import type { Plan } from '../model/plan.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Target } from '../model/target.ts';
import { planTarget } from '../planner/plan-target.ts';
import { recordBefore } from '../planner/record.ts';
import { writeAppliedSpec } from './applied-spec.ts';
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
  /** The leases of the host as they are now. Undefined: nobody gives VFs of this host to VMs. */
  readonly readLeases?: (() => Promise<readonly Lease[]>) | undefined;
  /** Asks for an end between two steps: what was done is undone. */
  readonly signal?: AbortSignal | undefined;
}

export interface ApplyRequest {
  readonly command: JournalBegin['command'];
  readonly reverts?: number;
  readonly snapshot: Snapshot;
  readonly target: Target;
  readonly plan: Plan;
  readonly allowDisruption: boolean;
  /** The leases that the plan was made with; none when absent. */
  readonly leases?: readonly Lease[];
  /** The applied spec before and after, each undefined when there is none. Absent: the record of it stays. */
  readonly spec?: JournalBegin['spec'];
}

/**
 * Executes a plan. When the call comes back, the host is as the target says, read back from the kernel.
 * Throws `apply.undone` when a step failed and everything was put back, `apply.inconsistent` when that failed too;
 * both name step, VF, attribute, driver and the kernel's reason as far as they are known. An empty plan changes nothing but
 * the record of the applied spec.
 */
export async function applyPlan(host: ChangingHost, request: ApplyRequest): Promise<void> {
  const { plan, target, snapshot, allowDisruption, command, reverts, spec } = request;
  if (plan.steps.length === 0) {
    if (spec !== undefined) writeAppliedSpec(host.stateFolder, spec.after);
    return;
  }
  const before = recordBefore(snapshot, plan);
  const leasesWithoutVf = listLeasesWithoutVf(request.leases ?? [], snapshot);
  const journal = JournalWriter.begin(host.stateFolder, {
    command,
    ...(reverts === undefined ? {} : { reverts }),
    startedAt: new Date(host.session.kernel.clock.nowMs()).toISOString(),
    bootId: snapshot.host.bootId,
    allowDisruption,
    steps: plan.steps,
    target,
    before,
    ...(spec === undefined ? {} : { spec }),
    ...(leasesWithoutVf.length === 0 ? {} : { leasesWithoutVf }),
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
      if (spec !== undefined) writeAppliedSpec(host.stateFolder, spec.after);
      await journal.write({ record: 'committed', at: now(host) });
    } catch (error) {
      throw await undone(host, journal, {
        before,
        allowDisruption,
        spec,
        leasesWithoutVf,
        step: current,
        error,
      });
    }
  } finally {
    journal.close();
  }
}

function listLeasesWithoutVf(leases: readonly Lease[], { pfs }: Snapshot): string[] {
  const isThere = ({ key }: Lease): boolean =>
    pfs.some((pf) => pf.address === key.pf && pf.vfs.some((vf) => vf.index === key.vf));
  return leases.filter((lease) => !isThere(lease)).map((lease) => lease.generation);
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
  failure: UndoRequest & { step: string; error: unknown },
): Promise<VfleetError> {
  const { step, error, ...request } = failure;
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
  const problems = await undoAndRecord(host, journal, { ...request, why });
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

/** What is put back, as a journal's beginning has it. */
type UndoRequest = Pick<JournalBegin, 'before' | 'allowDisruption' | 'spec' | 'leasesWithoutVf'>;

/**
 * Undoes a journal's apply and writes down how that ended; gives back what could not be undone. The journal stays open
 * (no end) in that case, so that `recover` tries again.
 */
export async function undoAndRecord(
  host: ChangingHost,
  journal: JournalWriter,
  { before, allowDisruption, spec, leasesWithoutVf = [], why }: UndoRequest & { why: string },
): Promise<readonly string[]> {
  try {
    await journal.write({ record: 'undoing', why });
    const leases = ((await host.readLeases?.()) ?? []).filter(
      ({ generation }) => !leasesWithoutVf.includes(generation),
    );
    const problems = await undoTo(host, before, { allowDisruption, leases });
    if (problems.length > 0) return problems;
    if (spec !== undefined) writeAppliedSpec(host.stateFolder, spec.before);
    await journal.write({ record: 'undone', at: now(host) });
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}

function now(host: ChangingHost): string {
  return new Date(host.session.kernel.clock.nowMs()).toISOString();
}
