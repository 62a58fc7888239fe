// Owns the step that creates or removes a PF's VFs: one last look whether one is in use, the write, and the waiting
// until the kernel shows what was asked for.

import { VfleetError } from '../base/errors.ts';
import { readPfHolders } from '../inventory/holders.ts';
import { readSriov } from '../kernel/sysfs/sriov.ts';
import { writeNumVfs } from '../kernel/sysfs/sriov-change.ts';
import type { Step } from '../model/plan.ts';
import { pfOf, waitFor } from './execution.ts';
import type { Execution } from './execution.ts';

/**
 * Writes sriov_numvfs and waits for the VFs. Throws `plan.refused` when a VF has been taken into use since the plan was
 * made, `kernel.refused`, and `kernel.timeout` when the write hangs or VFs do not show up.
 */
export async function setNumVfs(
  step: Extract<Step, { kind: 'num-vfs' }>,
  execution: Execution,
): Promise<void> {
  const pf = pfOf(step);
  const { files } = execution.session;
  if (step.after < step.before && !execution.allowDisruption) {
    const [held] = await readPfHolders(execution.session, pf);
    if (held !== undefined) {
      throw new VfleetError(
        'plan.refused',
        `VF ${held.index} of ${pf} has been taken into use by ${held.holders[0]?.name ?? 'somebody'} since the plan was made`,
        { details: { pf, vf: held.index } },
      );
    }
  }
  await writeNumVfs(files, pf, step.after, execution.timeouts.numVfsMs);
  let seen = -1;
  const arrived = await waitFor(execution, execution.timeouts.vfArrivalMs, () => {
    const present = readSriov(files, pf)?.numVfs ?? 0;
    if (present !== seen) execution.report(`${present} of ${step.after} VFs`);
    seen = present;
    return present === step.after ? true : undefined;
  });
  if (arrived === true) return;
  throw new VfleetError(
    'kernel.timeout',
    `${pf}: ${seen} of ${step.after} VFs are there ${execution.timeouts.vfArrivalMs / 1000} s after sriov_numvfs was written`,
    {
      hint: 'look at the kernel log for the VFs’ addresses',
      details: { pf, operation: 'write sriov_numvfs' },
    },
  );
}
