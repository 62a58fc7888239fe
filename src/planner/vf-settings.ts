// Owns how the settings of one VF are compared and which of them are sent to the kernel.
// Knows nothing of drivers, steps or PFs; a value that the kernel does not report is absent, never zero.

import type { VfSettingName, VfSettings } from '../model/vf.ts';
import { zeroMacAddress } from '../base/identifiers.ts';

/**
 * Settings that travel in one kernel attribute, so that sending one sends all of its unit
 * (include/uapi/linux/if_link.h: IFLA_VF_VLAN_LIST holds tag, priority and protocol, IFLA_VF_RATE both rates).
 */
const units: readonly (readonly VfSettingName[])[] = [
  ['mac'],
  ['vlan', 'qos', 'vlanProtocol'],
  ['minTxRateMbps', 'maxTxRateMbps'],
  ['spoofCheck'],
  ['trust'],
  ['linkState'],
];

const settingNames: readonly VfSettingName[] = units.flat();

/** mlx4 reports the reserved tag 4095 for "no VLAN set" (drivers/net/ethernet/mellanox/mlx4: MLX4_VGT). */
const mlx4UnsetVlan = 4095;

/**
 * What rtnetlink reports of a VF that nobody has touched: the values it holds before it asks the driver
 * (net/core/rtnetlink.c, rtnl_fill_vfinfo). Spoof check and trust are not among them: drivers differ there.
 */
export const untouchedVfSettings: VfSettings = {
  mac: zeroMacAddress,
  vlan: 0,
  qos: 0,
  vlanProtocol: '802.1Q',
  minTxRateMbps: 0,
  maxTxRateMbps: 0,
  linkState: 'auto',
};

/** One planned change of a VF's settings. */
export interface PlannedSettings {
  /** The fields of `after` as the kernel holds them now; a field is absent when that is not known. */
  readonly before: VfSettings;
  /** What is sent: always whole units. */
  readonly after: VfSettings;
  /** The fields that become different for the user, in the order of {@link VfSettings}. */
  readonly differing: readonly VfSettingName[];
}

/** The settings in vfleet's own spelling: MAC in lower case, no 4095, no protocol but 802.1Q without a VLAN. */
export function normaliseVfSettings(settings: VfSettings): VfSettings {
  const mac = settings.mac?.toLowerCase();
  const vlan = settings.vlan === mlx4UnsetVlan ? 0 : settings.vlan;
  const isTagged = vlan !== undefined && vlan > 0;
  const vlanProtocol = settings.vlanProtocol === undefined || isTagged ? settings.vlanProtocol : '802.1Q';
  // Nearly always they are spelt so already, and there are many VFs.
  const isNormal = mac === settings.mac && vlan === settings.vlan && vlanProtocol === settings.vlanProtocol;
  return isNormal ? settings : pick({ ...settings, mac, vlan, vlanProtocol }, settingNames);
}

/**
 * What the VF's settings will be when `named` is laid over `present`. The units of VLAN and rates come out whole, with
 * 0 and 802.1Q for what neither says. Taking a VLAN away takes its priority along, unless a priority is named.
 */
export function resultOfVfSettings(present: VfSettings, named: VfSettings): VfSettings {
  const vlan = named.vlan ?? present.vlan ?? 0;
  const losesTag = vlan === 0 && (present.vlan ?? 0) > 0;
  return {
    mac: named.mac ?? present.mac,
    vlan,
    qos: named.qos ?? (losesTag ? 0 : (present.qos ?? 0)),
    vlanProtocol: vlan === 0 ? '802.1Q' : (named.vlanProtocol ?? present.vlanProtocol ?? '802.1Q'),
    minTxRateMbps: named.minTxRateMbps ?? present.minTxRateMbps ?? 0,
    maxTxRateMbps: named.maxTxRateMbps ?? present.maxTxRateMbps ?? 0,
    spoofCheck: named.spoofCheck ?? present.spoofCheck,
    trust: named.trust ?? present.trust,
    linkState: named.linkState ?? present.linkState,
  };
}

/** Plans the settings of a VF that stays as it is: what is named and differs is sent. Takes normalised settings. */
export function planKeptVfSettings(present: VfSettings, named: VfSettings): PlannedSettings | undefined {
  if (holdsAlready(present, named)) return undefined;
  const result = resultOfVfSettings(present, named);
  const sent: VfSettingName[] = [];
  const differing: VfSettingName[] = [];
  for (const unit of units) {
    const different = unit.filter((name) => isDifferent(name, present, named, result));
    if (different.length === 0) continue;
    sent.push(...unit);
    differing.push(...different);
  }
  if (sent.length === 0) return undefined;
  return { before: pick(present, sent), after: pick(result, sent), differing };
}

/** Whether everything named is so already; most VFs of most plans. */
function holdsAlready(present: VfSettings, named: VfSettings): boolean {
  for (const name of settingNames) {
    if (named[name] !== undefined && named[name] !== present[name]) return false;
  }
  return true;
}

/**
 * Plans the settings of a VF that is made anew: what it had (`present`, empty for one that was not there) is given back
 * to it, with what is named laid over. `start` is what a new VF is known to have, field by field; a unit that shall be
 * as it starts is not sent, because several drivers refuse even that (igb: link state auto, any rate while the link is
 * down), unless the VF had something else before: then the driver takes it, and may have kept the old value.
 */
export function planFreshVfSettings(
  present: VfSettings,
  named: VfSettings,
  start: VfSettings,
): PlannedSettings | undefined {
  const result = resultOfVfSettings(present, named);
  const sent = units
    .filter((unit) => unit.some((name) => named[name] !== undefined || present[name] !== undefined))
    .filter((unit) => !unit.every((name) => startsWith(name, present, result, start)))
    .flat();
  if (sent.length === 0) return undefined;
  return {
    before: {},
    after: pick(result, sent),
    differing: sent.filter((name) => isDifferent(name, present, named, result)),
  };
}

function startsWith(
  name: VfSettingName,
  present: VfSettings,
  result: VfSettings,
  start: VfSettings,
): boolean {
  if (start[name] === undefined || result[name] !== start[name]) return false;
  return present[name] === undefined || present[name] === start[name];
}

function isDifferent(
  name: VfSettingName,
  present: VfSettings,
  named: VfSettings,
  result: VfSettings,
): boolean {
  // Without a tag there is nothing that the protocol could be told by.
  if (name === 'vlanProtocol') {
    return result.vlan !== 0 && result.vlanProtocol !== (present.vlanProtocol ?? '802.1Q');
  }
  if (named[name] === undefined && present[name] === undefined) return false;
  return present[name] !== result[name];
}

/** Those of the given fields that some settings have. */
export function pick(settings: VfSettings, names: readonly VfSettingName[]): VfSettings {
  const picked: Partial<Record<VfSettingName, unknown>> = {};
  for (const name of names) if (settings[name] !== undefined) picked[name] = settings[name];
  return picked as VfSettings;
}

/** The names of the fields that are there, in a fixed order. */
export function namesOf(settings: VfSettings): readonly VfSettingName[] {
  return settingNames.filter((name) => settings[name] !== undefined);
}
