// Owns what a VF is set to while it is leased, and what it goes back to: the pool's settings, with the network's over them.
// Pure. Absent settings of a pool are what a new VF has.

import type { Network, PoolVf } from '../model/network.ts';
import type { VfSettingName, VfSettings } from '../model/vf.ts';
import {
  namesOf,
  normaliseVfSettings,
  pick,
  planKeptVfSettings,
  resultOfVfSettings,
  untouchedVfSettings,
} from '../planner/vf-settings.ts';

const settingNames: readonly VfSettingName[] = [
  'mac',
  'vlan',
  'qos',
  'vlanProtocol',
  'minTxRateMbps',
  'maxTxRateMbps',
  'spoofCheck',
  'trust',
  'linkState',
];

/**
 * What a VF goes back to. A setting that neither the pool names nor the kernel reports is left out: the driver does not
 * know it. Drivers differ in where spoof check begins, so a free VF's own is kept.
 */
export function giveBackSettings(present: VfSettings, pool: PoolVf): VfSettings {
  const start: VfSettings = pick(
    { ...untouchedVfSettings, trust: false, ...pick(present, ['spoofCheck']) },
    settingNames,
  );
  const named = pick(pool.settings, settingNames);
  const known = namesOf(present).concat(namesOf(named));
  return normaliseVfSettings(pick(resultOfVfSettings(start, named), known));
}

/** What a VF is set to while it is leased: its pool's settings, the network's, and its own address. */
export function leasedSettings(giveBack: VfSettings, network: Network, mac: string): VfSettings {
  const named = { ...pick(network, settingNames), mac };
  const known = namesOf(giveBack).concat(namesOf(named));
  return normaliseVfSettings(pick(resultOfVfSettings(giveBack, named), known));
}

/** What has to be sent so that a VF has these settings; undefined when it has them. */
export function missingSettings(present: VfSettings, wanted: VfSettings): VfSettings | undefined {
  return planKeptVfSettings(normaliseVfSettings(present), normaliseVfSettings(wanted))?.after;
}

/** The first setting that is not as wanted, in words; undefined when all are. */
export function describeMismatch(present: VfSettings, wanted: VfSettings): string | undefined {
  const planned = planKeptVfSettings(normaliseVfSettings(present), normaliseVfSettings(wanted));
  const [name] = planned?.differing ?? [];
  if (name === undefined) return undefined;
  return `${name} is ${String(present[name] ?? 'not shown')}, not ${String(wanted[name] ?? planned?.after[name])}`;
}
