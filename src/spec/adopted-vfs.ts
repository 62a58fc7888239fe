// Owns which settings of a PF's VFs a spec that describes the host names, and how they are split into default and ranges.
// Pure; what a spec cannot say comes back as notes.

import { isMulticastMac, parseMacAddress, zeroMacAddress } from '../base/identifiers.ts';
import type { Pf } from '../model/pf.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { maxVfs, VfSpec, type VfSpecKey } from '../model/spec.ts';
import { noDriver, usualDriver } from '../model/target.ts';
import type { Vf } from '../model/vf.ts';
import { linkSpeedOf } from './host-rules.ts';
import { macOfVf } from './mac-choice.ts';
import { isPciPf, mostVfsOf } from './pf-draft.ts';
import { checkVfSettings } from './vf-rules.ts';

/** The `vfs` of a PF: `ranges` by first index. */
export interface AdoptedVfs {
  readonly count: number | undefined;
  readonly defaults: VfSpec;
  readonly ranges: readonly { readonly key: string; readonly settings: VfSpec }[];
  /** What was left out and why, a line each. */
  readonly notes: readonly string[];
}

/** Settings in the order in which they are written. */
const keyOrder = Object.keys(VfSpec.shape) as VfSpecKey[];

/**
 * Values that a VF has when nobody has touched it. They are written only where another VF of the PF differs: some
 * drivers refuse to be told even these.
 */
const untouchedValues: VfSpec = {
  vlan: 0,
  qos: 0,
  vlanProtocol: '802.1Q',
  minTxRateMbps: 0,
  maxTxRateMbps: 0,
  linkState: 'auto',
};

/** What mlx4 reports where no VLAN is set (drivers/net/ethernet/mellanox/mlx4, MLX4_VGT). */
const unsetVlan = 4095;

/** Indexes of VFs by what was left out for them. */
type Notes = Map<string, number[]>;

/**
 * What a spec says of the VFs of a PF to describe them as they are. `macCounts` are from {@link countMacs}. `leased` are
 * VFs that VMs have: a spec that named them would take them out of the pool.
 */
export function adoptVfs(
  pf: Pf,
  macCounts: ReadonlyMap<string, number>,
  leased: ReadonlySet<number> = new Set(),
): AdoptedVfs {
  const notes: Notes = new Map();
  const { numVfs } = pf.sriov;
  const isCountSound = numVfs <= Math.min(mostVfsOf(pf), maxVfs);
  const settingsOf = new Map<number, VfSpec>();
  const kept = pf.vfs.filter((vf) => vf.index < numVfs && leased.has(vf.index)).map((vf) => vf.index);
  if (kept.length > 0) notes.set('leased to VMs', kept);
  for (const vf of pf.vfs) {
    if (leased.has(vf.index)) continue;
    if (vf.index >= numVfs || settingsOf.has(vf.index)) continue;
    settingsOf.set(vf.index, adoptVf(pf, vf, macCounts, notes));
  }
  dropUntouched(settingsOf);
  // A default would be for VFs that are not named, too, and they have other settings.
  const defaults = settingsOf.size === numVfs ? takeDefaults(settingsOf) : {};
  const lines = [...notes].map(([what, indexes]) => `left out for ${vfsText(indexes)}: ${what}`);
  if (!isCountSound) lines.push(`left out: count (${numVfs} is more than this PF's ${mostVfsOf(pf)})`);
  return {
    count: isCountSound ? numVfs : undefined,
    defaults,
    ranges: joinRanges(settingsOf),
    notes: lines,
  };
}

/** How many PFs and VFs of a host have each address. */
export function countMacs(snapshot: Snapshot): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const pf of snapshot.pfs) {
    const ownMacs = pf.netdevs.map((netdev) => parseMacAddress(netdev.mac ?? ''));
    for (const mac of [...new Set(ownMacs), ...pf.vfs.map((vf) => macOfVf(vf))]) {
      if (mac !== undefined) counts.set(mac, (counts.get(mac) ?? 0) + 1);
    }
  }
  return counts;
}

/** The settings of one VF as a spec can say them. */
function adoptVf(pf: Pf, vf: Vf, macCounts: ReadonlyMap<string, number>, notes: Notes): VfSpec {
  const leaveOut = (what: string): undefined => {
    notes.set(what, [...(notes.get(what) ?? []), vf.index]);
    return undefined;
  };
  const { mac, vlan: reportedVlan, vlanProtocol, minTxRateMbps, maxTxRateMbps, ...others } = vf.settings;
  const vlan = reportedVlan === unsetVlan ? 0 : reportedVlan;
  // Both go to the kernel together, so that one without the other could contradict it.
  const speedMbps = linkSpeedOf({ pf }) ?? Infinity;
  const areRatesSound = [minTxRateMbps, maxTxRateMbps].every(
    (rate) => VfSpec.shape.maxTxRateMbps.safeParse(rate).success && (rate ?? 0) <= speedMbps,
  );
  const rates = areRatesSound
    ? { minTxRateMbps, maxTxRateMbps }
    : leaveOut(`rates (beyond the link's speed or what a spec can say)`);
  const wanted = withoutUnsound({
    driver: adoptDriver(pf, vf),
    mac: adoptMac(mac, macCounts, leaveOut),
    vlan,
    // Without a tag there is nothing that the protocol would be told by.
    vlanProtocol: vlan === 0 && vlanProtocol !== undefined ? '802.1Q' : vlanProtocol,
    ...others,
    ...rates,
  });
  // Where settings contradict each other, none of them is named.
  const faults = checkVfSettings(wanted);
  for (const fault of faults) leaveOut(`${fault.keys.join(' and ')} (${fault.text})`);
  return omit(
    wanted,
    faults.flatMap((fault) => fault.keys),
  );
}

function adoptDriver(pf: Pf, vf: Vf): string | undefined {
  // Without sriov_drivers_autoprobe the kernel offers no way to choose drivers of VFs (sysfs-bus-pci in its ABI docs).
  if (!isPciPf(pf) || pf.sriov.driversAutoprobe === undefined || vf.address === undefined) return undefined;
  if (vf.driver === undefined) return noDriver;
  // A driver of such a name could not be told from the words of the spec.
  return vf.driver === noDriver || vf.driver === usualDriver ? undefined : vf.driver;
}

function adoptMac(
  text: string | undefined,
  macCounts: ReadonlyMap<string, number>,
  leaveOut: (what: string) => undefined,
): string | undefined {
  const mac = text === undefined ? undefined : parseMacAddress(text);
  if (mac === undefined || mac === zeroMacAddress) return undefined;
  if (isMulticastMac(mac)) return leaveOut('mac (multicast)');
  if ((macCounts.get(mac) ?? 0) > 1) return leaveOut('mac (another PF or VF has the same)');
  return mac;
}

/** Without values that no spec may hold, such as the 4095 that mlx4 reports for no VLAN. */
function withoutUnsound(settings: Partial<Record<VfSpecKey, unknown>>): VfSpec {
  const sound = Object.fromEntries(
    keyOrder.flatMap((key) => {
      const result = VfSpec.shape[key].safeParse(settings[key]);
      return result.success && result.data !== undefined ? [[key, result.data]] : [];
    }),
  );
  return sound;
}

/** Takes out what is as on an untouched VF in all of them. */
function dropUntouched(settingsOf: Map<number, VfSpec>): void {
  const all = [...settingsOf.values()];
  const same = keyOrder.filter(
    (key) =>
      untouchedValues[key] !== undefined &&
      all.every((settings) => settings[key] === undefined || settings[key] === untouchedValues[key]),
  );
  for (const [index, settings] of settingsOf) settingsOf.set(index, omit(settings, same));
}

/**
 * Moves the most common value of each setting that every VF has into the defaults, which it returns. Settings that
 * some VF lacks stay with the others: a default would name them for it.
 */
function takeDefaults(settingsOf: Map<number, VfSpec>): VfSpec {
  const all = [...settingsOf.values()];
  const defaults: [VfSpecKey, unknown][] = [];
  for (const key of keyOrder) {
    if (key === 'mac' || all.length === 0) continue;
    const counts = new Map<unknown, number>();
    for (const settings of all) counts.set(settings[key], (counts.get(settings[key]) ?? 0) + 1);
    if (counts.has(undefined)) continue;
    const [[value, count] = [undefined, 0]] = [...counts].sort((a, b) => b[1] - a[1]);
    if (count > 1 || all.length === 1) defaults.push([key, value]);
  }
  for (const [index, settings] of settingsOf) {
    const same = defaults.filter(([key, value]) => settings[key] === value).map(([key]) => key);
    settingsOf.set(index, omit(settings, same));
  }
  return Object.fromEntries(defaults);
}

/** Joins neighbours with equal settings into ranges; VFs without any are left out. */
function joinRanges(settingsOf: ReadonlyMap<number, VfSpec>): AdoptedVfs['ranges'] {
  const ranges: { first: number; last: number; text: string; settings: VfSpec }[] = [];
  for (const [index, settings] of [...settingsOf].sort((a, b) => a[0] - b[0])) {
    if (Object.keys(settings).length === 0) continue;
    const text = JSON.stringify(settings);
    const previous = ranges.at(-1);
    if (previous?.last === index - 1 && previous.text === text) previous.last = index;
    else ranges.push({ first: index, last: index, text, settings });
  }
  return ranges.map(({ first, last, settings }) => ({ key: rangeText(first, last), settings }));
}

function rangeText(first: number, last: number): string {
  return first === last ? String(first) : `${first}-${last}`;
}

/** `VF 3`, `VFs 0-2, 5`. */
function vfsText(indexes: readonly number[]): string {
  const sorted = new Map([...indexes].sort((a, b) => a - b).map((index) => [index, { spoofCheck: true }]));
  const keys = joinRanges(sorted).map(({ key }) => key);
  return `${indexes.length === 1 ? 'VF' : 'VFs'} ${keys.join(', ')}`;
}

function omit(settings: VfSpec, keys: readonly VfSpecKey[]): VfSpec {
  const kept = Object.entries(settings).filter(([key]) => !keys.includes(key as VfSpecKey));
  return Object.fromEntries(kept);
}
