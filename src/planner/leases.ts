// Owns what a lease means to a plan: the VF stays what its lease says, and is there until it is given back.
// Pure; who may have a lease, and when it ends, is decided elsewhere.

import type { Lease } from '../model/lease.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Target, VfTarget } from '../model/target.ts';
import type { VfSettingName, VfSettings } from '../model/vf.ts';
import { namesOf, normaliseVfSettings, resultOfVfSettings } from './vf-settings.ts';

/** Leases of one PF by VF index. */
export type LeasesOfPf = ReadonlyMap<number, Lease>;

/** The leases of the PF with an address. */
export function leasesOfPf(leases: readonly Lease[], address: string): LeasesOfPf {
  return new Map(
    leases.flatMap((lease) => (lease.key.pf === address ? [[lease.key.vf, lease] as const] : [])),
  );
}

/**
 * The same target, with the leased VFs as their leases say. For targets that were made when other leases stood, the
 * records of what was. The driver of a leased VF is left alone; one that is not there yet gets what the target says.
 */
export function holdLeases(
  target: Target,
  leases: readonly Lease[],
  snapshot: Pick<Snapshot, 'pfs'>,
): Target {
  if (leases.length === 0) return target;
  return {
    pfs: target.pfs.map((pf) => {
      const leased = leasesOfPf(leases, pf.address);
      if (leased.size === 0) return pf;
      const present = snapshot.pfs.find(({ address }) => address === pf.address)?.vfs ?? [];
      const there = new Set(present.map(({ index }) => index));
      const vfs = pf.vfs.map((vf): VfTarget => {
        const lease = leased.get(vf.index);
        if (lease === undefined) return vf;
        const { index, driver } = vf;
        const keepsDriver = driver === undefined || there.has(index);
        return { index, ...(keepsDriver ? {} : { driver }), settings: lease.settings };
      });
      return { ...pf, vfs };
    }),
  };
}

/** The settings in which what is named would lead away from a lease. What the lease does not say is free. */
export function settingsAgainstLease(lease: Lease, named: VfSettings): readonly VfSettingName[] {
  const held = normaliseVfSettings(lease.settings);
  const before = resultOfVfSettings(held, {});
  const after = resultOfVfSettings(held, settingsUnderLease(lease, named));
  return namesOf(held).filter((name) => before[name] !== after[name]);
}

/** What is asked of a leased VF: what is named, and of the rest what its lease says; normalised. */
export function settingsUnderLease(lease: Lease, named: VfSettings): VfSettings {
  return normaliseVfSettings({ ...lease.settings, ...named });
}
