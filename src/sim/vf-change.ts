// Owns what PF drivers do with settings of their VFs: which they refuse with what, which they take and do not keep.
// The rules are the card's (profile.ts); the order in which the kernel calls is netlink/set-link.ts's.

import { isMulticastMac, zeroMacAddress } from '../base/identifiers.ts';
import type { MacAddress } from '../base/identifiers.ts';
import type { VfLinkState } from '../kernel/rtnetlink/vf-info.ts';
import type { SimPfProfile, SimVfRules, VfAttribute } from './profile.ts';
import type { SimPf, SimVf } from './state.ts';

/** One setting as the kernel hands it to the driver; numbers are not checked yet. */
export type VfChange =
  | { readonly attribute: 'mac'; readonly index: number; readonly mac: string }
  | {
      readonly attribute: 'vlan';
      readonly index: number;
      readonly vlan: number;
      readonly qos: number;
      readonly protocol: number;
    }
  | {
      readonly attribute: 'rate';
      readonly index: number;
      /** Undefined: the minimum stays (IFLA_VF_TX_RATE). */
      readonly minMbps: number | undefined;
      readonly maxMbps: number;
    }
  | { readonly attribute: 'spoofCheck' | 'trust' | 'rssQuery'; readonly index: number; readonly on: boolean }
  | { readonly attribute: 'linkState'; readonly index: number; readonly value: number };

const ETH_P_8021Q = 0x8100;
const ETH_P_8021AD = 0x88a8;
/** What drivers compare with: VLAN_N_VID and the priorities of 3 bits. */
const vlanCount = 4096;
const maxQos = 7;
const linkStates: readonly VfLinkState[] = ['auto', 'enable', 'disable'];

interface Target {
  readonly pf: SimPf;
  readonly profile: SimPfProfile;
  readonly vf: SimVf;
}

/** Why the driver refuses a setting, as an errno name; undefined when it takes it. */
export function refusalOfChange(
  pf: SimPf,
  profile: SimPfProfile,
  change: VfChange,
  nowMs: number,
): string | undefined {
  const { rules } = profile.card;
  // No such operation: the kernel answers before any driver does.
  if (!rules.supported.includes(change.attribute)) return 'EOPNOTSUPP';
  const vf = pf.vfs[change.index];
  if (vf === undefined)
    return (pf.vfs.length === 0 ? rules.withoutVfs?.[change.attribute] : undefined) ?? 'EINVAL';
  if (isRefusedInSwitchdev(pf, rules, change)) return 'EOPNOTSUPP';
  if (rules.unready !== undefined && (vf.unreadyUntilMs ?? 0) > nowMs) return rules.unready.errno;
  return refusalOfValue({ pf, profile, vf }, change);
}

function isRefusedInSwitchdev(pf: SimPf, rules: SimVfRules, change: VfChange): boolean {
  if (pf.eswitchMode !== 'switchdev') return false;
  if (rules.refusedInSwitchdev?.includes(change.attribute) !== true) return false;
  // Taking a tag away is harmless there.
  return change.attribute !== 'vlan' || change.vlan !== 0;
}

function refusalOfValue({ pf, profile, vf }: Target, change: VfChange): string | undefined {
  const { rules, speedMbps } = profile.card;
  switch (change.attribute) {
    case 'mac':
      return isMulticastMac(change.mac as MacAddress) ? 'EINVAL' : undefined;
    case 'vlan': {
      if (change.vlan >= vlanCount || change.qos > maxQos) return 'EINVAL';
      const isKnown = change.protocol === ETH_P_8021Q || change.protocol === ETH_P_8021AD;
      if (!isKnown) return 'EPROTONOSUPPORT';
      return change.protocol === ETH_P_8021AD && rules.stackedVlan !== true ? 'EPROTONOSUPPORT' : undefined;
    }
    case 'rate': {
      const minMbps = change.minMbps ?? vf.settings.minTxRateMbps ?? 0;
      const { maxMbps } = change;
      // The kernel's own check (rtnl_set_vf_rate).
      if (maxMbps > 0 && maxMbps < minMbps) return 'EINVAL';
      if (minMbps > 0 && rules.minTxRate !== true) return 'EINVAL';
      if (rules.rateNeedsLink === true && pf.netdev?.up !== true) return 'EINVAL';
      if (rules.rateUnbounded !== true && Math.max(minMbps, maxMbps) > speedMbps) return 'EINVAL';
      return maxMbps > 0 && maxMbps < (rules.lowestMaxTxRateMbps ?? 0) ? 'EINVAL' : undefined;
    }
    case 'linkState':
      return linkStates[change.value] === undefined ? 'EINVAL' : undefined;
    case 'spoofCheck':
    case 'trust':
    case 'rssQuery':
      return undefined;
  }
}

/** Whether a driver keeps what it took. */
export function keepsAttribute(profile: SimPfProfile, attribute: VfAttribute): boolean {
  return profile.card.rules.notKept?.includes(attribute) !== true;
}

/** Puts a setting that was not refused in place. Answers whether the VF's own interface changed with it. */
export function applyChange(profile: SimPfProfile, vf: SimVf, change: VfChange): boolean {
  const { settings } = vf;
  switch (change.attribute) {
    case 'mac': {
      settings.mac = change.mac;
      vf.adminMac = change.mac !== zeroMacAddress;
      const reaches = profile.card.rules.macReachesVf === true && vf.adminMac && vf.netdev !== undefined;
      if (reaches && vf.netdev !== undefined) vf.netdev.mac = change.mac;
      return reaches;
    }
    case 'vlan':
      settings.vlan = change.vlan;
      settings.qos = change.qos;
      settings.vlanProtocol = change.protocol === ETH_P_8021AD ? '802.1ad' : '802.1Q';
      return false;
    case 'rate':
      settings.minTxRateMbps = change.minMbps ?? settings.minTxRateMbps;
      settings.maxTxRateMbps = change.maxMbps;
      return false;
    case 'linkState':
      settings.linkState = linkStates[change.value] ?? 'auto';
      return vf.netdev?.up === true;
    case 'spoofCheck':
    case 'trust':
    case 'rssQuery':
      settings[change.attribute] = change.on;
      return false;
  }
}
