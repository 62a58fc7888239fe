// Owns the record of what was: the target that leads back from anywhere within a plan to its start.
// Pure; it is written by the journal before the first step, and planned towards by undo, recover and revert.

import { VfleetError } from '../base/errors.ts';
import type { Pf } from '../model/pf.ts';
import type { Plan, Step } from '../model/plan.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { noDriver, type PfTarget, type Target, type VfTarget } from '../model/target.ts';
import type { Vf, VfSettings } from '../model/vf.ts';
import { namesOf, normaliseVfSettings, pick } from './vf-settings.ts';

/**
 * The values in the snapshot of exactly what the plan touches, as a target. Where VFs are made anew it holds all that
 * can be set of all the PF's VFs, because they are lost on the way, and autoprobe. A MAC that was never set is recorded as zero, with
 * which drivers forget one; what the kernel does not report cannot be recorded.
 *
 * Planning towards it leads back to the snapshot from every state between two steps of the plan, or of the way back, and
 * is empty on the snapshot itself. Throws `kernel.absent` when the plan is not of this snapshot.
 */
export function recordBefore(snapshot: Snapshot, plan: Plan): Target {
  const pfs = new Map(snapshot.pfs.map((pf) => [pf.address, pf]));
  const addresses = [...new Set(plan.steps.map((step) => step.pf))];
  return {
    pfs: addresses.map((address) => {
      const pf = pfs.get(address);
      if (pf === undefined) {
        throw new VfleetError('kernel.absent', `this host has no PF ${address}`, {
          details: { pf: address },
        });
      }
      return recordPf(
        pf,
        plan.steps.filter((step) => step.pf === address),
      );
    }),
  };
}

function recordPf(pf: Pf, steps: readonly Step[]): PfTarget {
  const record: PfTarget = { address: pf.address, vfs: recordVfs(pf, steps) };
  const uplink = pf.netdevs[0];
  for (const step of steps) {
    switch (step.kind) {
      case 'eswitch-mode':
        record.eswitchMode = pf.devlink?.eswitchMode;
        break;
      case 'drivers-autoprobe':
        record.driversAutoprobe = pf.sriov.driversAutoprobe;
        break;
      case 'num-vfs':
        record.numVfs = pf.sriov.numVfs;
        // The way back may turn autoprobe off for a while even where this plan does not, and may be cut short as well.
        record.driversAutoprobe = pf.sriov.driversAutoprobe;
        break;
      case 'pf-link':
        if (step.after.mtu !== undefined) record.mtu = uplink?.mtu;
        if (step.after.up !== undefined) record.up = uplink?.up;
        break;
      case 'vf-settings':
      case 'vf-driver':
        break;
    }
  }
  return record;
}

function recordVfs(pf: Pf, steps: readonly Step[]): VfTarget[] {
  if (steps.some((step) => step.kind === 'num-vfs')) {
    return pf.vfs.map((vf) => ({
      index: vf.index,
      driver: driverOf(pf, vf),
      settings: normaliseVfSettings(vf.settings),
    }));
  }
  const settings = new Map<number, VfSettings>();
  const drivers = new Set<number>();
  for (const step of steps) {
    if (step.kind === 'vf-settings') for (const vf of step.vfs) settings.set(vf.index, vf.after);
    if (step.kind === 'vf-driver') for (const vf of step.vfs) drivers.add(vf.index);
  }
  return pf.vfs
    .filter((vf) => settings.has(vf.index) || drivers.has(vf.index))
    .map((vf) => ({
      index: vf.index,
      driver: drivers.has(vf.index) ? driverOf(pf, vf) : undefined,
      settings: settingsOf(vf, settings.get(vf.index) ?? {}),
    }));
}

/** A driver that restarts is recorded like one that changes: the restart may be cut short while it is away. */
function driverOf(pf: Pf, vf: Vf): string | undefined {
  return pf.sriov.driversAutoprobe === undefined ? undefined : (vf.driver ?? noDriver);
}

function settingsOf(vf: Vf, sent: VfSettings): VfSettings {
  return pick(normaliseVfSettings(vf.settings), namesOf(sent));
}
