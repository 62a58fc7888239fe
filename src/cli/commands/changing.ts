// Owns the course of a change on the command line: rights, lock, recovery, plan, question, apply, result.

import { resolve } from 'node:path';
import { readAppliedSpecToReplace } from '../../apply/applied-spec.ts';
import { applyPlan } from '../../apply/apply-plan.ts';
import type { ApplyRequest, ChangingHost } from '../../apply/apply-plan.ts';
import { hasLastJournalEnded } from '../../apply/journal.ts';
import { recoverHost } from '../../apply/recover.ts';
import type { Recovery } from '../../apply/recover.ts';
import { readRevertTarget } from '../../apply/revert.ts';
import { defaultTimeouts } from '../../apply/timeouts.ts';
import { VfleetError } from '../../base/errors.ts';
import { readSnapshot } from '../../inventory/snapshot.ts';
import { holdLeases } from '../../planner/leases.ts';
import { planTarget } from '../../planner/plan-target.ts';
import { refusePlan } from '../../planner/refusal.ts';
import type { ParsedSpec } from '../../spec/parsed-spec.ts';
import type { CliContext, LiveHost } from '../context.ts';
import { renderPlan } from '../render/plan.ts';
import { createProgress } from '../render/progress.ts';
import { carryOutAsAgreed, lockForCommand } from './agreed-change.ts';
import { planSpec, readForSpec, readLeases, readSpecFile } from './planning.ts';
import { changeable, jsonText, withHost } from './reading.ts';
import { checkRights } from './rights.ts';

export interface ChangeOptions {
  readonly yes?: boolean;
  readonly allowDisruption?: boolean;
  readonly json?: boolean;
  /** Seconds. */
  readonly wait: number;
  readonly boot?: boolean;
}

/** Drivers of cards load in the background while a host boots; a card that is not there by then will not come. */
const bootWaitMs = 90_000;
const bootPollMs = 1_000;

/** How the last apply was found, in a sentence. */
export const recoveryTexts: Readonly<Record<Recovery, string>> = {
  nothing: 'nothing to recover: the last apply ended properly',
  committed: 'the last apply had been cut off after its last step; everything holds',
  undone: 'the last apply had been cut off; it was put back',
  'lost-to-reboot':
    'the last apply had been cut off by a restart of the host, which took away what it had set',
};

type Work = Omit<ApplyRequest, 'command' | 'allowDisruption'>;

/** `vfleet apply`. */
export async function applySpec(
  context: CliContext,
  specFile: string,
  options: ChangeOptions,
): Promise<void> {
  const spec = await readSpecFile(specFile);
  await change(context, 'apply', options, async (host) => {
    const work = options.boot === true ? await planAtBoot(context, host, spec) : await planNow(host, spec);
    const after = {
      fileName: resolve(specFile),
      text: spec.text,
      appliedAt: new Date(host.session.kernel.clock.nowMs()).toISOString(),
    };
    return { ...work, spec: { before: readAppliedSpecToReplace(host.stateFolder), after } };
  });
}

/** `vfleet revert`. */
export async function revertHost(context: CliContext, options: ChangeOptions): Promise<void> {
  await change(context, 'revert', options, async (host) => {
    const { id, target: record, spec } = await readRevertTarget(host.stateFolder);
    const pfs = record.pfs.map((pf) => pf.address);
    const leases = await readLeases(host.stateFolder);
    const snapshot = await readSnapshot(host.session, { detail: 'settings', pfs });
    const target = holdLeases(record, leases, snapshot);
    const plan = planTarget(snapshot, target, leases);
    const before = readAppliedSpecToReplace(host.stateFolder);
    return { snapshot, target, plan, leases, reverts: id, spec: { before, after: spec } };
  });
}

async function change(
  context: CliContext,
  command: 'apply' | 'revert',
  options: ChangeOptions,
  prepare: (host: LiveHost) => Promise<Work>,
): Promise<void> {
  const { terminal } = context;
  const json = options.json === true;
  const allowDisruption = options.allowDisruption === true;
  await withChangingHost(context, async (host, live) =>
    carryOutAsAgreed<Work>(context, {
      command,
      stateFolder: host.stateFolder,
      wait: options.wait,
      yes: options.yes === true || options.boot === true,
      json,
      mustLockFirst: !hasLastJournalEnded(host.stateFolder),
      plan: async (mode) => {
        if (mode === 'exclusive') await recover(context, host);
        return prepare(live);
      },
      show: ({ plan }) => {
        if (!json) for (const line of renderPlan(plan, terminal)) terminal.print(line);
      },
      check: ({ plan }) => {
        const refusal = refusePlan(plan, { allowDisruption });
        if (refusal !== undefined) throw refusal;
      },
      isEmpty: ({ plan }) => plan.steps.length === 0,
      substanceOf: ({ plan: { changes, steps, disruptions }, reverts }) => [
        changes,
        steps,
        disruptions,
        reverts,
      ],
      carryOut: async (work) => {
        const { plan } = work;
        await applyPlan(host, { command, allowDisruption, ...work });
        if (json)
          terminal.print(jsonText({ result: plan.steps.length === 0 ? 'unchanged' : 'applied', plan }));
        else if (plan.steps.length > 0)
          terminal.print(
            terminal.style('green', `${command === 'apply' ? 'Applied' : 'Reverted'} and verified.`),
          );
      },
    }),
  );
}

/** Ends an apply that was cut off, and says how. */
async function recover({ terminal }: CliContext, host: ChangingHost): Promise<void> {
  const recovery = await recoverHost(host);
  if (recovery !== 'nothing') terminal.note(recoveryTexts[recovery]);
}

/** Opens the host for a change and gives it to `work`. Throws `permission.missing`. */
async function withChangingHost(
  context: CliContext,
  work: (host: ChangingHost, live: LiveHost) => Promise<void>,
): Promise<void> {
  await withHost(context, async (opened) => {
    const live = changeable(opened);
    checkRights(live);
    const { session, stateFolder } = live;
    const { clock } = session.kernel;
    const host: ChangingHost = {
      session,
      stateFolder,
      timeouts: defaultTimeouts,
      report: createProgress(context.terminal, () => clock.nowMs()),
      signal: context.signal,
      readLeases: async () => readLeases(stateFolder),
    };
    await work(host, live);
  });
}

/** Opens the host for a change, takes its lock, and gives both to `work`. Throws `lock.held`, `permission.missing`. */
export async function withLockedHost(
  context: CliContext,
  command: string,
  { wait }: Pick<ChangeOptions, 'wait'>,
  work: (host: ChangingHost, live: LiveHost) => Promise<void>,
): Promise<void> {
  await withChangingHost(context, async (host, live) => {
    const { stateFolder } = host;
    const lock = await lockForCommand(context, { command, stateFolder, wait }, 'exclusive');
    try {
      await work(host, live);
    } finally {
      lock.release();
    }
  });
}

async function planNow(host: LiveHost, spec: ParsedSpec): Promise<Work> {
  const leases = await readLeases(host.stateFolder);
  const snapshot = await readForSpec(host.session, spec);
  return { snapshot, leases, ...planSpec(spec, snapshot, leases) };
}

async function planAtBoot(context: CliContext, host: LiveHost, spec: ParsedSpec): Promise<Work> {
  const { clock } = host.session.kernel;
  const end = clock.nowMs() + bootWaitMs;
  for (let attempt = 0; ; attempt++) {
    try {
      return await planNow(host, spec);
    } catch (error) {
      const mayCome = error instanceof VfleetError && error.code === 'spec.match';
      if (!mayCome || clock.nowMs() >= end || context.signal.aborted) throw error;
      if (attempt === 0) context.terminal.note(`waiting for PFs: ${error.message}`);
      await clock.sleep(bootPollMs);
    }
  }
}
