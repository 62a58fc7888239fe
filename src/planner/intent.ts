// Owns what is asked of one PF, compared with what it is: counts, modes, link, and whether its VFs are made anew.
// Refuses what this host cannot reach; decides no steps.

import { VfleetError, type ErrorDetails } from '../base/errors.ts';
import { parsePciAddress } from '../base/identifiers.ts';
import type { Lease } from '../model/lease.ts';
import type { EswitchMode, Pf } from '../model/pf.ts';
import { noDriver, type PfTarget, type VfTarget } from '../model/target.ts';
import type { Vf, VfSettings } from '../model/vf.ts';
import { settingsUnderLease, type LeasesOfPf } from './leases.ts';
import { normaliseVfSettings, resultOfVfSettings, untouchedVfSettings } from './vf-settings.ts';

/** A value before and after; equal when it stays. */
interface Transition<Value> {
  readonly before: Value;
  readonly after: Value;
}

/** What one PF is and shall be. */
export interface PfIntent {
  readonly pf: Pf;
  readonly numVfs: Transition<number>;
  /** Both absent for a device without an eswitch; such a device is as good as `legacy`. */
  readonly eswitchMode: Transition<EswitchMode | undefined>;
  /** Both absent where VFs have no drivers (devices that are not on the PCI bus). */
  readonly driversAutoprobe: Transition<boolean | undefined>;
  readonly mtu: Transition<number | undefined>;
  readonly up: Transition<boolean | undefined>;
  /** All VFs are removed and made anew, or made for the first time, or removed for good. */
  readonly remakesVfs: boolean;
  /** What a new VF of this PF is known to have; empty when nothing is known. */
  readonly freshVfSettings: VfSettings;
  /** The VFs that the plan may touch, by index. */
  readonly vfs: readonly VfIntent[];
  /** VFs that belong to somebody, by index; they need not be there. */
  readonly leases: LeasesOfPf;
}

/** What one VF is and shall be. */
export interface VfIntent {
  readonly index: number;
  /** The VF as it is; absent when it is not there. */
  readonly vf: Vf | undefined;
  /** Its settings, normalised; empty when it is not there. */
  readonly present: VfSettings;
  /** What the target names, over what a lease says; the MAC in lower case. */
  readonly named: VfSettings;
  /** The target's part of that. */
  readonly targeted: VfSettings;
  /** Driver that the target names. */
  readonly driver: string | undefined;
  readonly lease: Lease | undefined;
}

/** Compares a PF with its target. Throws `plan.impossible` naming the PF, and the VF and attribute where there are. */
export function readIntent(pf: Pf, target: PfTarget, leases: LeasesOfPf): PfIntent {
  const numVfs = { before: pf.sriov.numVfs, after: target.numVfs ?? pf.sriov.numVfs };
  const eswitchMode = eswitchModeOf(pf, target);
  const uplink = pf.netdevs[0];
  const intent: PfIntent = {
    pf,
    numVfs,
    eswitchMode,
    driversAutoprobe: {
      before: pf.sriov.driversAutoprobe,
      after: target.driversAutoprobe ?? pf.sriov.driversAutoprobe,
    },
    mtu: { before: uplink?.mtu, after: target.mtu ?? uplink?.mtu },
    up: { before: uplink?.up, after: target.up ?? uplink?.up },
    remakesVfs: numVfs.before !== numVfs.after || eswitchMode.before !== eswitchMode.after,
    freshVfSettings: freshVfSettingsOf(pf, eswitchMode.after),
    vfs: [],
    leases,
  };
  checkPf(intent, target);
  const vfs = vfIntents(intent, target);
  for (const vf of vfs) checkVf(intent, vf);
  return { ...intent, vfs };
}

function eswitchModeOf(pf: Pf, target: PfTarget): PfIntent['eswitchMode'] {
  const before = pf.devlink?.eswitchMode;
  if (before !== undefined) return { before, after: target.eswitchMode ?? before };
  if (target.eswitchMode !== 'switchdev') return { before, after: before };
  const lack = pf.devlink === undefined ? 'it has no devlink instance' : 'its driver reports no eswitch mode';
  throw impossible(pf, `${pf.address} cannot become switchdev: ${lack}`, { attribute: 'eswitch' });
}

/**
 * A VF of a PCI device starts untouched: its settings live as long as the VFs do. netdevsim keeps them for the life of
 * the device (drivers/net/netdevsim/bus.c, nsim_drv_configure_vfs frees nothing). mlx5 has spoof check and trust off in
 * switchdev mode and refuses to be told so (mlx5/core/esw/legacy.c, mlx5_eswitch_set_vport_spoofchk).
 */
function freshVfSettingsOf(pf: Pf, eswitchMode: EswitchMode | undefined): VfSettings {
  if (parsePciAddress(pf.address) === undefined) return {};
  if (pf.driver !== 'mlx5_core' || eswitchMode !== 'switchdev') return untouchedVfSettings;
  return { ...untouchedVfSettings, spoofCheck: false, trust: false };
}

function vfIntents(intent: PfIntent, target: PfTarget): readonly VfIntent[] {
  const existing = new Map(intent.pf.vfs.map((vf) => [vf.index, vf]));
  const named = new Map(target.vfs.map((vf) => [vf.index, vf]));
  if (named.size < target.vfs.length) {
    throw impossible(intent.pf, `${intent.pf.address}: the target names a VF twice`);
  }
  const indexes = intent.remakesVfs
    ? Array.from({ length: intent.numVfs.after }, (_, index) => index)
    : [...named.keys()].sort((a, b) => a - b);
  return indexes.map((index) =>
    vfIntentOf(index, existing.get(index), named.get(index), intent.leases.get(index)),
  );
}

function vfIntentOf(
  index: number,
  vf: Vf | undefined,
  target: VfTarget | undefined,
  lease: Lease | undefined,
): VfIntent {
  const targeted = target?.settings ?? {};
  return {
    index,
    vf,
    present: normaliseVfSettings(vf?.settings ?? {}),
    named: lease === undefined ? withLowerMac(targeted) : settingsUnderLease(lease, targeted),
    targeted,
    driver: target?.driver,
    lease,
  };
}

function withLowerMac(settings: VfSettings): VfSettings {
  const mac = settings.mac?.toLowerCase();
  return mac === settings.mac ? settings : { ...settings, mac };
}

function checkPf(intent: PfIntent, target: PfTarget): void {
  const { pf, numVfs } = intent;
  const { address } = pf;
  // totalVfs means sysfs sriov_totalvfs, which only PCI devices have.
  if (parsePciAddress(address) !== undefined && numVfs.after > pf.sriov.totalVfs) {
    const message = `${address} cannot have ${numVfs.after} VFs: its limit is ${pf.sriov.totalVfs}`;
    throw impossible(pf, message, { attribute: 'count' });
  }
  const outside = target.vfs.find((vf) => vf.index >= numVfs.after);
  if (outside !== undefined) {
    const message = `${address} will have no VF ${outside.index}: its number of VFs is ${numVfs.after}`;
    throw impossible(pf, message, { vf: outside.index });
  }
  if (target.driversAutoprobe !== undefined && pf.sriov.driversAutoprobe === undefined) {
    throw impossible(pf, `${address} has no sriov_drivers_autoprobe`, { attribute: 'driversAutoprobe' });
  }
  checkLink(pf, target);
}

function checkLink(pf: Pf, target: PfTarget): void {
  const uplink = pf.netdevs[0];
  if (uplink === undefined) {
    if (target.mtu === undefined && target.up === undefined) return;
    throw impossible(pf, `${pf.address} has no network interface whose MTU or state could be set`);
  }
  const { minMtu = 0, maxMtu = Infinity } = uplink;
  if (target.mtu === undefined || (target.mtu >= minMtu && target.mtu <= maxMtu)) return;
  const message = `${pf.address} cannot have MTU ${target.mtu}: ${uplink.name} takes ${minMtu} to ${maxMtu}`;
  throw impossible(pf, message, { attribute: 'mtu' });
}

function checkVf(intent: PfIntent, { index, driver, present, named }: VfIntent): void {
  const { pf } = intent;
  const subject = `VF ${index} of ${pf.address}`;
  if (driver !== undefined && driver !== noDriver && intent.driversAutoprobe.before === undefined) {
    throw impossible(pf, `${subject} cannot have the driver ${driver}: VFs of this device have no drivers`, {
      vf: index,
      attribute: 'driver',
    });
  }
  const { vlanProtocol, minTxRateMbps, maxTxRateMbps } = named;
  if (vlanProtocol === undefined && minTxRateMbps === undefined && maxTxRateMbps === undefined) return;
  const result = resultOfVfSettings(present, named);
  if (vlanProtocol === '802.1ad' && result.vlan === 0) {
    throw impossible(pf, `${subject} cannot use 802.1ad without a VLAN: its VLAN is 0`, {
      vf: index,
      attribute: 'vlanProtocol',
    });
  }
  const { minTxRateMbps: min = 0, maxTxRateMbps: max = 0 } = result;
  if (max === 0 || min <= max) return;
  if (minTxRateMbps === undefined && maxTxRateMbps === undefined) return;
  throw impossible(pf, `${subject} cannot have the rates: minimum ${min} is over maximum ${max} Mbit/s`, {
    vf: index,
    attribute: minTxRateMbps === undefined ? 'maxTxRateMbps' : 'minTxRateMbps',
  });
}

/** The error for something that this PF cannot reach. */
export function impossible(pf: Pf, message: string, details: ErrorDetails = {}): VfleetError {
  const { driver } = pf;
  return new VfleetError('plan.impossible', message, {
    details: { pf: pf.address, ...(driver === undefined ? {} : { driver }), ...details },
  });
}
