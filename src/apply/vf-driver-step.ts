// Owns the step that gives VFs their drivers: unbind, bind, and looking whether the driver is really there.

import { VfleetError } from '../base/errors.ts';
import type { PciAddress, VfIndex } from '../base/identifiers.ts';
import { readAttachment, surveyHolders } from '../inventory/holders.ts';
import { readDriver } from '../kernel/sysfs/device.ts';
import { bindDriver, unbindDriver } from '../kernel/sysfs/driver-binding.ts';
import { listVirtfns } from '../kernel/sysfs/sriov.ts';
import type { Step } from '../model/plan.ts';
import { noDriver, usualDriver } from '../model/target.ts';
import type { VfHolder } from '../model/vf.ts';
import { hasVfDriver } from '../planner/vf-driver.ts';
import { pfOf, waitFor } from './execution.ts';
import type { Execution } from './execution.ts';

/**
 * Gives each VF of the step its driver. A VF that got what it shall have by itself meanwhile is left alone, unless it
 * is to be reloaded. Throws `plan.refused` for a VF taken into use since the plan was made, `kernel.refused`,
 * `kernel.timeout`, `kernel.absent`.
 */
export async function setVfDrivers(
  step: Extract<Step, { kind: 'vf-driver' }>,
  execution: Execution,
): Promise<void> {
  const pf = pfOf(step);
  const { files } = execution.session;
  const { driverMs } = execution.timeouts;
  const addresses = listVirtfns(files, pf);
  const held = execution.allowDisruption
    ? new Map<PciAddress, readonly VfHolder[]>()
    : await readHolders(step, execution, addresses);
  for (const [done, { index, after, reload }] of step.vfs.entries()) {
    const address = addresses.get(index as VfIndex);
    if (address === undefined) {
      throw new VfleetError('kernel.absent', `VF ${index} of ${pf} has gone`, { details: { pf, vf: index } });
    }
    const present = readDriver(files, address);
    if (reload !== true && hasWanted(present, after)) continue;
    const holder = held.get(address)?.[0];
    if (holder !== undefined) {
      throw new VfleetError(
        'plan.refused',
        `VF ${index} of ${pf} has been taken into use by ${holder.name} since the plan was made`,
        { details: { pf, vf: index } },
      );
    }
    execution.report(`VF ${done + 1} of ${step.vfs.length}`);
    if (present !== undefined) await unbindDriver(files, address, driverMs);
    if (after === noDriver) continue;
    if (after !== usualDriver) await provideDriver(execution, after);
    await bindDriver(files, address, after === usualDriver ? 'usual' : after, driverMs);
    await waitForDriver(execution, address, after);
  }
}

/** Who has the VFs that are to be changed; those of others are not looked at. */
async function readHolders(
  step: Extract<Step, { kind: 'vf-driver' }>,
  { session }: Execution,
  addresses: ReadonlyMap<VfIndex, PciAddress>,
): Promise<ReadonlyMap<PciAddress, readonly VfHolder[]>> {
  const changing = step.vfs.flatMap(({ index, after, reload }) => {
    const address = addresses.get(index as VfIndex);
    const isLeft =
      address === undefined || (reload !== true && hasWanted(readDriver(session.files, address), after));
    return isLeft ? [] : [readAttachment(session, address)];
  });
  return (await surveyHolders(session, changing)).holders;
}

function hasWanted(driver: string | undefined, wanted: string): boolean {
  return hasVfDriver(driver === undefined ? {} : { driver }, wanted);
}

/** Loads the module of a driver that is not there; that there is none shows when the driver is bound. */
async function provideDriver(execution: Execution, driver: string): Promise<void> {
  const { kernel, files } = execution.session;
  if (files.identity(`/sys/bus/pci/drivers/${driver}`) !== undefined) return;
  execution.report(`loading ${driver}`);
  await kernel.loadModule(driver, execution.timeouts.driverMs);
}

async function waitForDriver(execution: Execution, address: PciAddress, wanted: string): Promise<void> {
  const bound = await waitFor(execution, execution.timeouts.settleMs, () => {
    const driver = readDriver(execution.session.files, address);
    return hasWanted(driver, wanted) ? true : undefined;
  });
  if (bound === true) return;
  throw new VfleetError('verify.mismatch', `${address}: driver ${wanted} did not stay bound`, {
    hint: 'look at the kernel log: the driver’s probe failed',
    details: { attribute: 'driver', driver: wanted },
  });
}
