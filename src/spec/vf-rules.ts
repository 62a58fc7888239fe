// Owns what must hold between the settings of one VF, and how default and range settings become one.
// Knows neither the file nor the host.

import type { VfSpec, VfSpecKey, VfsSpec } from '../model/spec.ts';
import { coveredCount, parseVfRange, type VfRange } from './vf-ranges.ts';

/** Something wrong between settings; `keys` are all that take part, the most suspect first. */
export interface VfFault {
  readonly keys: readonly VfSpecKey[];
  readonly text: string;
}

/** What must hold for one VF, whatever the host is. The text fits each of the keys. */
export function checkVfSettings(settings: VfSpec): readonly VfFault[] {
  const faults: VfFault[] = [];
  const { vlan, qos, vlanProtocol, minTxRateMbps: min, maxTxRateMbps: max } = settings;
  if (qos !== undefined && vlan === undefined) {
    // Both go to the kernel in one IFLA_VF_VLAN: without a VLAN, one would have to be guessed.
    faults.push({ keys: ['qos', 'vlan'], text: 'qos needs a vlan beside it' });
  } else if (qos !== undefined && qos > 0 && vlan === 0) {
    faults.push({ keys: ['qos', 'vlan'], text: `qos ${qos} needs a vlan other than 0` });
  }
  if (vlanProtocol === '802.1ad' && (vlan === undefined || vlan === 0)) {
    faults.push({ keys: ['vlanProtocol', 'vlan'], text: '802.1ad needs a vlan other than 0' });
  }
  if (min !== undefined && max !== undefined && isMinOverMax(min, max)) {
    faults.push({
      keys: ['minTxRateMbps', 'maxTxRateMbps'],
      text: `minTxRateMbps ${min} is more than maxTxRateMbps ${max}`,
    });
  }
  return faults;
}

/** Whether a guaranteed rate is over the highest; a highest of 0 is unlimited. */
export function isMinOverMax(minMbps: number, maxMbps: number): boolean {
  return maxMbps > 0 && minMbps > maxMbps;
}

/** A key of `vfs` that stands for VFs, with its settings. */
export interface RangeSettings extends VfRange {
  readonly settings: VfSpec;
}

/** The ranges of `vfs`, in the order of JavaScript's keys: indexes first, then ranges as the file has them. */
export function rangesOf(vfs: VfsSpec): readonly RangeSettings[] {
  const ranges: RangeSettings[] = [];
  for (const [key, settings] of Object.entries(vfs)) {
    const range = parseVfRange(key);
    if (typeof range === 'object') ranges.push({ ...range, settings: settings as VfSpec });
  }
  return ranges;
}

/** What a VF shall be: the settings of its range over those of `default`. */
export function mergeSettings(defaults: VfSpec | undefined, range: VfSpec | undefined): VfSpec {
  if (defaults === undefined || range === undefined) return range ?? defaults ?? {};
  return { ...defaults, ...range };
}

/** Name of the key in `vfs` that gave a setting its value: the range's, else `default`. */
export function layerOf(range: RangeSettings | undefined, key: VfSpecKey): string {
  return range !== undefined && range.settings[key] !== undefined ? range.key : 'default';
}

/** The key of a fault to point at, with its layer: what a range says is more suspect than what default says. */
export function blame(fault: VfFault, range: RangeSettings | undefined): readonly [string, VfSpecKey] {
  const [first] = fault.keys;
  const key = fault.keys.find((key) => layerOf(range, key) !== 'default') ?? first ?? 'driver';
  return [layerOf(range, key), key];
}

/** Whether some of `count` VFs is in no range, and so has the settings of `default` only. */
export function isDefaultAloneUsed(ranges: readonly RangeSettings[], count: number): boolean {
  return coveredCount(ranges) < count;
}
