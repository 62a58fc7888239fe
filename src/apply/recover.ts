// Owns what happens to an apply that was cut off: finished when everything holds already, undone otherwise.

import { VfleetError, messageOf } from '../base/errors.ts';
import { readSnapshot } from '../inventory/snapshot.ts';
import type { JournalBegin } from '../model/journal.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { holdLeases, leasesOfPf } from '../planner/leases.ts';
import { planTarget } from '../planner/plan-target.ts';
import { writeAppliedSpec } from './applied-spec.ts';
import { undoAndRecord } from './apply-plan.ts';
import type { ChangingHost } from './apply-plan.ts';
import { readCutOff } from './cut-off.ts';
import { JournalWriter } from './journal.ts';
import { executeStep } from './step.ts';

/**
 * How the last apply stands now. `nothing`: it had ended properly, or there was none. `committed`: all of it holds, only
 * the last record was missing. `undone`: it was put back. `lost-to-reboot`: the host was restarted since, which took
 * away what was set.
 */
export type Recovery = 'nothing' | 'committed' | 'undone' | 'lost-to-reboot';

/** Ends the last apply if it was cut off. Throws `apply.inconsistent` when it cannot be undone. Needs the host's lock. */
export async function recoverHost(host: ChangingHost): Promise<Recovery> {
  const last = await readCutOff(host.stateFolder);
  if (last === undefined) return 'nothing';
  const { begin } = last;
  const journal = JournalWriter.resume(host.stateFolder, begin.id);
  const at = new Date(host.session.kernel.clock.nowMs()).toISOString();
  try {
    const pfs = begin.target.pfs.map((pf) => pf.address);
    const snapshot = await readSnapshot(host.session, { detail: 'settings', pfs });
    if (snapshot.host.bootId !== begin.bootId) {
      if (begin.spec !== undefined) writeAppliedSpec(host.stateFolder, begin.spec.before);
      await journal.write({ record: 'lost-to-reboot', at });
      return 'lost-to-reboot';
    }
    const allDone = !last.undoing && last.stepsDone.size === begin.steps.length;
    if (allDone && (await holds(host, begin, snapshot))) {
      if (begin.spec !== undefined) writeAppliedSpec(host.stateFolder, begin.spec.after);
      await journal.write({ record: 'committed', at });
      return 'committed';
    }
    const why = 'the process that applied it ended halfway';
    host.report({ kind: 'undoing', why });
    // An undo that was cut off may have put back an address without letting the VF's driver see it.
    if (last.undoing) await reloadDrivers(host, begin);
    const problems = await undoAndRecord(host, journal, { ...begin, why });
    if (problems.length === 0) return 'undone';
    throw new VfleetError(
      'apply.inconsistent',
      `${begin.command} ${begin.id} of ${begin.startedAt} cannot be undone`,
      {
        hint: 'mend the cause, then run `vfleet recover` again',
        details: { problems },
      },
    );
  } finally {
    journal.close();
  }
}

/** Whether all that the apply wanted is so, apart from VFs that were given to somebody since. */
async function holds(
  host: ChangingHost,
  { target }: JournalBegin,
  snapshot: Pick<Snapshot, 'pfs'>,
): Promise<boolean> {
  const leases = (await host.readLeases?.()) ?? [];
  return planTarget(snapshot, holdLeases(target, leases, snapshot), leases).steps.length === 0;
}

/**
 * Restarts the drivers that the apply restarted, where nobody uses the VF or has it; planning cannot see that it is
 * needed.
 */
async function reloadDrivers(host: ChangingHost, { steps, allowDisruption }: JournalBegin): Promise<void> {
  const leases = (await host.readLeases?.()) ?? [];
  for (const step of steps) {
    if (step.kind !== 'vf-driver') continue;
    const leased = leasesOfPf(leases, step.pf);
    const vfs = step.vfs.filter((vf) => vf.reload === true && !leased.has(vf.index));
    if (vfs.length === 0) continue;
    try {
      const { session, timeouts } = host;
      await executeStep({ ...step, vfs }, { session, timeouts, allowDisruption, report: () => undefined });
    } catch (error) {
      // The VF is in use, or has gone: the undoing that follows says what it means.
      host.report({ kind: 'detail', text: messageOf(error) });
    }
  }
}
