// Owns the steps that change a PF itself: MTU and up, the eswitch mode, and whether new VFs are probed.
// Each reads back what it set.

import { VfleetError } from '../base/errors.ts';
import { splitPfAddress } from '../base/identifiers.ts';
import { readUplink } from '../inventory/uplink.ts';
import { readEswitchMode, setEswitchMode } from '../kernel/genetlink/devlink.ts';
import { setLink } from '../kernel/rtnetlink/link.ts';
import { readDriversAutoprobe } from '../kernel/sysfs/sriov.ts';
import { writeDriversAutoprobe } from '../kernel/sysfs/sriov-change.ts';
import type { Step } from '../model/plan.ts';
import { pfOf, waitFor } from './execution.ts';
import type { Execution } from './execution.ts';

/** Sets MTU and up of the PF's interface. */
export async function setPfLink(
  step: Extract<Step, { kind: 'pf-link' }>,
  execution: Execution,
): Promise<void> {
  const pf = pfOf(step);
  const { ifIndex, name } = await readUplink(execution.session, pf);
  await setLink(execution.session.route, ifIndex, step.after);
  const { mtu, up } = step.after;
  const { link } = await readUplink(execution.session, pf);
  if (mtu !== undefined && link.mtu !== mtu) throw mismatch(step.pf, 'mtu', mtu, link.mtu, name);
  if (up !== undefined && link.up !== up) throw mismatch(step.pf, 'up', up, link.up, name);
}

/** Sets legacy or switchdev mode; the driver may make the PF's interface anew, so that it is waited for. */
export async function setPfEswitchMode(
  step: Extract<Step, { kind: 'eswitch-mode' }>,
  execution: Execution,
): Promise<void> {
  const pf = pfOf(step);
  const handle = splitPfAddress(pf);
  const { generic } = execution.session;
  await setEswitchMode(generic, handle, step.after);
  const kept = await waitFor(execution, execution.timeouts.settleMs, async () =>
    (await readEswitchMode(generic, handle)) === step.after ? true : undefined,
  );
  if (kept !== true) throw mismatch(step.pf, 'eswitch', step.after, await readEswitchMode(generic, handle));
  await waitFor(execution, execution.timeouts.vfArrivalMs, async () => {
    try {
      return await readUplink(execution.session, pf);
    } catch (error) {
      if (error instanceof VfleetError && error.code === 'kernel.absent') return undefined;
      throw error;
    }
  });
}

/** Switches the driver probe of new VFs. */
export async function setDriversAutoprobe(
  step: Extract<Step, { kind: 'drivers-autoprobe' }>,
  execution: Execution,
): Promise<void> {
  const pf = pfOf(step);
  await writeDriversAutoprobe(execution.session.files, pf, step.after, execution.timeouts.driverMs);
  const kept = readDriversAutoprobe(execution.session.files, pf);
  if (kept !== step.after) throw mismatch(step.pf, 'sriov_drivers_autoprobe', step.after, kept);
}

type Value = string | number | boolean;

function mismatch(
  pf: string,
  attribute: string,
  wanted: Value,
  found: Value | undefined,
  where = pf,
): VfleetError {
  return new VfleetError(
    'verify.mismatch',
    `${where}: ${attribute} ${String(wanted)} was accepted, but the kernel shows ${found === undefined ? 'none' : String(found)}`,
    { details: { pf, attribute } },
  );
}
