// Owns a model of what a kernel does with the steps of a plan, for the tests of the planner only.
// It is strict where a kernel is: a step that a kernel would refuse, or that starts from another state, throws.

import type { Pf } from '../../model/pf.ts';
import type { Plan, Step } from '../../model/plan.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { noDriver, usualDriver } from '../../model/target.ts';
import type { Vf, VfSettings } from '../../model/vf.ts';
import { normaliseVfSettings } from '../vf-settings.ts';
import { buildVf, ownMacOf, usualVfDriverOf } from './snapshot-builder.ts';

/** The host after a plan, or after its first steps. */
export function applyPlanToSnapshot(
  snapshot: Snapshot,
  plan: Plan,
  stepCount: number = plan.steps.length,
): Snapshot {
  return plan.steps.slice(0, stepCount).reduce(applyStep, snapshot);
}

/** The host after one step. */
export function applyStep(snapshot: Snapshot, step: Step): Snapshot {
  if (!snapshot.pfs.some((pf) => pf.address === step.pf)) throw new Error(`no PF ${step.pf}`);
  const pfs = snapshot.pfs.map((pf) => (pf.address === step.pf ? applyToPf(pf, step) : pf));
  return { ...snapshot, pfs };
}

function applyToPf(pf: Pf, step: Step): Pf {
  switch (step.kind) {
    case 'eswitch-mode':
      return setEswitchMode(pf, step);
    case 'drivers-autoprobe':
      demand(pf.sriov.driversAutoprobe === step.before, 'autoprobe is not what the step says');
      return { ...pf, sriov: { ...pf.sriov, driversAutoprobe: step.after } };
    case 'num-vfs':
      return setNumVfs(pf, step);
    case 'pf-link':
      return setLink(pf, step);
    case 'vf-settings':
      demand(pf.netdevs.length > 0, 'no interface to set VFs through');
      return changeVfs(pf, step.vfs, (vf, change) => {
        const settings = normaliseVfSettings(vf.settings);
        for (const [name, value] of Object.entries(change.before)) {
          demand(settings[name as keyof VfSettings] === value, `${name} is not what the step says`);
        }
        return { ...vf, settings: { ...settings, ...change.after } };
      });
    case 'vf-driver':
      break;
  }
  return changeVfs(pf, step.vfs, (vf, change) => setDriver(pf, vf, change));
}

function setEswitchMode(pf: Pf, step: Extract<Step, { kind: 'eswitch-mode' }>): Pf {
  const { devlink } = pf;
  if (devlink === undefined) throw new Error('no devlink');
  demand(pf.vfs.length === 0, 'the eswitch mode is changed while there are VFs');
  demand(devlink.eswitchMode === step.before, 'the eswitch mode is not what the step says');
  return { ...pf, devlink: { ...devlink, eswitchMode: step.after } };
}

/** drivers/pci/pci-sysfs.c, sriov_numvfs_store: N to M with both over 0 is EBUSY. */
function setNumVfs(pf: Pf, step: Extract<Step, { kind: 'num-vfs' }>): Pf {
  demand(pf.sriov.numVfs === step.before, 'the number of VFs is not what the step says');
  demand(step.before === 0 || step.after === 0, 'the number of VFs does not pass 0');
  const empty = { ...pf, sriov: { ...pf.sriov, numVfs: step.after }, vfs: [] };
  const driver = pf.sriov.driversAutoprobe === true ? usualVfDriverOf(pf.driver) : undefined;
  const vfs = Array.from({ length: step.after }, (_, index) => bindDriver(buildVf(empty, index), driver));
  return { ...empty, vfs };
}

function setLink(pf: Pf, step: Extract<Step, { kind: 'pf-link' }>): Pf {
  const [uplink, ...others] = pf.netdevs;
  if (uplink === undefined) throw new Error('no interface');
  const { mtu, up } = step.before;
  demand(mtu === undefined || uplink.mtu === mtu, 'the MTU is not what the step says');
  demand(up === undefined || uplink.up === up, 'up is not what the step says');
  const changed = { ...uplink, mtu: step.after.mtu ?? uplink.mtu, up: step.after.up ?? uplink.up };
  return { ...pf, netdevs: [changed, ...others] };
}

function changeVfs<VfChange extends { index: number }>(
  pf: Pf,
  changes: readonly VfChange[],
  change: (vf: Vf, by: VfChange) => Vf,
): Pf {
  const byIndex = new Map(changes.map((entry) => [entry.index, entry]));
  demand(
    [...byIndex.keys()].every((index) => pf.vfs.some((vf) => vf.index === index)),
    'a VF is not there',
  );
  const vfs = pf.vfs.map((vf) => {
    const by = byIndex.get(vf.index);
    return by === undefined ? vf : change(vf, by);
  });
  return { ...pf, vfs };
}

/** Binding by name uses the override; a probe for the usual driver needs autoprobe (pci_device_can_probe). */
function setDriver(pf: Pf, vf: Vf, change: Extract<Step, { kind: 'vf-driver' }>['vfs'][number]): Vf {
  demand(vf.driver === change.before, 'the driver is not what the step says');
  demand((change.reload === true) === (change.before === change.after), 'reload means the same driver');
  if (change.after === noDriver) return bindDriver(vf, undefined);
  if (change.after !== usualDriver) return bindDriver(vf, change.after);
  demand(pf.sriov.driversAutoprobe === true, 'the usual driver is probed while autoprobe is off');
  return bindDriver(vf, usualVfDriverOf(pf.driver));
}

/** A kernel driver takes the address that the PF holds for the VF at that moment. */
function bindDriver(vf: Vf, driver: string | undefined): Vf {
  const { driver: _, driverOverride: __, netdev: ___, netdevMac: ____, ...bare } = vf;
  const free = { ...bare, holders: [] };
  if (driver === undefined) return free;
  if (driver.includes('vfio')) return { ...free, driver };
  return { ...free, driver, netdev: `vf${vf.index}`, netdevMac: ownMacOf(vf) };
}

function demand(holds: boolean, message: string): void {
  if (!holds) throw new Error(message);
}
