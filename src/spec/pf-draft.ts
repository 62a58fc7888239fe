// Owns what an entry of the spec says about one PF that it found, VF by VF, before it is judged.
// Default and ranges are resolved here and nowhere else.

import type { Lease } from '../model/lease.ts';
import type { Pf } from '../model/pf.ts';
import { maxVfs, type PfSpec, type VfSpec, type VfSpecKey } from '../model/spec.ts';
import { splitPfAddress, type PfAddress } from '../base/identifiers.ts';
import type { SpecPath } from './problem.ts';
import { layerOf, mergeSettings, type RangeSettings, rangesOf } from './vf-rules.ts';

/** What one VF shall be, with the range that says so; `range` is undefined when only `default` does. */
export interface VfDraft {
  readonly index: number;
  readonly settings: VfSpec;
  readonly range: RangeSettings | undefined;
}

/** A VF of somebody: what it is says its lease, unless a range names it. */
export interface LeasedVf {
  readonly index: number;
  readonly lease: Lease;
  /** What `default` says, for a VF that is not there yet: somebody has to choose it a driver. */
  readonly driver: string | undefined;
}

/** An entry of the spec together with one PF that it means. */
export interface PfDraft {
  readonly pf: Pf;
  readonly entry: PfSpec;
  /** Place of the entry in the spec. */
  readonly path: SpecPath;
  readonly ranges: readonly RangeSettings[];
  /** How many VFs there will be: what the spec says, else what there is. */
  readonly count: number;
  /** By index; VFs about which the spec says nothing are not listed. */
  readonly vfs: readonly VfDraft[];
  /** By index; not among `vfs`. */
  readonly leased: readonly LeasedVf[];
}

/** What an entry says about a PF. `leases` are those of the host; a leased VF that no range names is not drafted. */
export function draftPf(pf: Pf, entry: PfSpec, path: SpecPath, leases: readonly Lease[] = []): PfDraft {
  const ranges = entry.vfs === undefined ? [] : rangesOf(entry.vfs);
  const count = entry.vfs?.count ?? pf.sriov.numVfs;
  const rangeOfVf = new Map<number, RangeSettings>();
  for (const range of ranges) {
    for (let index = range.first; index <= Math.min(range.last, count - 1); index += 1) {
      rangeOfVf.set(index, range);
    }
  }
  const leaseOfVf = new Map(
    leases.flatMap((lease) => (lease.key.pf === pf.address ? [[lease.key.vf, lease] as const] : [])),
  );
  const vfs: VfDraft[] = [];
  const leased: LeasedVf[] = [];
  // A count beyond what the PF can have is an error; it must not cost time before that is said.
  for (let index = 0; index < Math.min(count, mostVfsOf(pf)); index += 1) {
    const range = rangeOfVf.get(index);
    const lease = leaseOfVf.get(index);
    if (lease !== undefined && range === undefined) {
      const isThere = pf.vfs.some((vf) => vf.index === index);
      leased.push({ index, lease, driver: isThere ? undefined : entry.vfs?.default?.driver });
      continue;
    }
    const settings = mergeSettings(entry.vfs?.default, range?.settings);
    if (Object.keys(settings).length > 0) vfs.push({ index, settings, range });
  }
  return { pf, entry, path, ranges, count, vfs, leased };
}

/**
 * The most VFs that a PF can have. Devices that are not on the PCI bus have no sriov_totalvfs
 * (Documentation/ABI/testing/sysfs-bus-pci); a 0 there says nothing.
 */
export function mostVfsOf(pf: Pf): number {
  return pf.sriov.totalVfs === 0 && !isPciPf(pf) ? maxVfs : pf.sriov.totalVfs;
}

export function isPciPf(pf: Pf): boolean {
  return splitPfAddress(pf.address as PfAddress).bus === 'pci';
}

/** Where the file says a setting of a VF. */
export function pathOfSetting(draft: PfDraft, range: RangeSettings | undefined, key: VfSpecKey): SpecPath {
  return [...draft.path, 'vfs', layerOf(range, key), key];
}
