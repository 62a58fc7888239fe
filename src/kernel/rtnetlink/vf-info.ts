// Owns IFLA_VF_INFO: what rtnetlink says of one VF and how its settings are written.
// Walked by hand, not by a table: a PF has up to 256 of them with a dozen attributes each, and an object per attribute
// costs twenty times as much. The simulated host has the table (vf-info-table.ts), and tests hold the two together.
// Source of every number and layout: include/uapi/linux/if_link.h; the meaning of -1 and of the order:
// net/core/rtnetlink.c, rtnl_fill_vfinfo and do_setvfinfo.

import { VfleetError } from '../../base/errors.ts';
import type { VfIndex } from '../../base/identifiers.ts';

export const IFLA_VF_INFO = 1;
const IFLA_VF_MAC = 1;
const IFLA_VF_VLAN = 2;
const IFLA_VF_TX_RATE = 3;
const IFLA_VF_SPOOFCHK = 4;
const IFLA_VF_LINK_STATE = 5;
const IFLA_VF_RATE = 6;
const IFLA_VF_RSS_QUERY_EN = 7;
const IFLA_VF_STATS = 8;
const IFLA_VF_TRUST = 9;
const IFLA_VF_VLAN_LIST = 12;
const IFLA_VF_VLAN_INFO = 1;

type Protocol = '802.1Q' | '802.1ad';
export type VfLinkState = 'auto' | 'enable' | 'disable';

/** Settings of one VF as the PF driver holds them; absent when the driver reports none. Rates in Mbit/s, 0 unlimited. */
export interface VfInfoSettings {
  readonly mac?: string | undefined;
  readonly vlan?: number | undefined;
  readonly qos?: number | undefined;
  readonly vlanProtocol?: Protocol | undefined;
  readonly minTxRateMbps?: number | undefined;
  readonly maxTxRateMbps?: number | undefined;
  readonly spoofCheck?: boolean | undefined;
  readonly trust?: boolean | undefined;
  readonly linkState?: VfLinkState | undefined;
  readonly rssQuery?: boolean | undefined;
}

/** Counters by the kernel's names; a driver that counts nothing gives zeros (rtnl_fill_vfinfo zeroes them first). */
export interface VfInfoStatistics {
  rxPackets?: number;
  txPackets?: number;
  rxBytes?: number;
  txBytes?: number;
  broadcast?: number;
  multicast?: number;
  rxDropped?: number;
  txDropped?: number;
}

export interface VfInfo {
  readonly index: VfIndex;
  readonly settings: VfInfoSettings;
  readonly statistics?: VfInfoStatistics;
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

export const ETH_P_8021Q = 0x8100;
export const ETH_P_8021AD = 0x88a8;
/** Drivers without ndo support leave -1 in these fields. */
export const unset = 0xffffffff;
/** struct ifla_vf_mac: the VF, and an address in the first bytes of a field for any hardware type; Ethernet uses 6. */
export const macFieldBytes = 32;
export const linkStates: readonly VfLinkState[] = ['auto', 'enable', 'disable'];
/** The most that {@link writeVfSettings} writes: every attribute once, the VLAN in a list. */
export const maxVfSettingsBytes = 132;

const headerBytes = 4;
/** Without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const typeMask = 0x3fff;
const hexPairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const hexPairsWithColon = hexPairs.map((pair) => `${pair}:`);

/** Reads the value of one IFLA_VF_INFO. Throws `kernel.malformed` when it names no VF or a field is too short. */
export function decodeVfInfo(bytes: Uint8Array): VfInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return readVfInfo(view, 0, bytes.byteLength);
}

/** Same for a value that stands from `start` to `end` in a larger message. */
export function readVfInfo(view: DataView, start: number, end: number): VfInfo {
  let index: number | undefined;
  let mac: string | undefined;
  let vlan: number | undefined;
  let qos: number | undefined;
  let tag: VlanTag | undefined;
  let minTxRateMbps: number | undefined;
  let maxTxRateMbps: number | undefined;
  let oldTxRateMbps: number | undefined;
  let spoofCheck: number | undefined;
  let linkState: number | undefined;
  let rssQuery: number | undefined;
  let trust: number | undefined;
  let statistics: VfInfoStatistics | undefined;
  for (let at = start; at + headerBytes <= end;) {
    const length = view.getUint16(at, true);
    const type = view.getUint16(at + 2, true) & typeMask;
    const value = at + headerBytes;
    const next = at + length;
    if (length < headerBytes || next > end) throw malformed('an attribute leaves its VF');
    switch (type) {
      case IFLA_VF_MAC:
        needs(value, next, 10);
        mac = readMac(view, value + 4);
        break;
      case IFLA_VF_VLAN:
        needs(value, next, 12);
        vlan = view.getUint32(value + 4, true);
        qos = view.getUint32(value + 8, true);
        break;
      case IFLA_VF_RATE:
        needs(value, next, 12);
        minTxRateMbps = view.getUint32(value + 4, true);
        maxTxRateMbps = view.getUint32(value + 8, true);
        break;
      case IFLA_VF_TX_RATE:
        oldTxRateMbps = settingAt(view, value, next);
        break;
      case IFLA_VF_SPOOFCHK:
        spoofCheck = settingAt(view, value, next);
        break;
      case IFLA_VF_LINK_STATE:
        linkState = settingAt(view, value, next);
        break;
      case IFLA_VF_RSS_QUERY_EN:
        rssQuery = settingAt(view, value, next);
        break;
      case IFLA_VF_TRUST:
        trust = settingAt(view, value, next);
        break;
      case IFLA_VF_VLAN_LIST:
        tag = readVlanTag(view, value, next);
        index ??= tag?.index;
        break;
      case IFLA_VF_STATS:
        statistics = readStatistics(view, value, next);
        break;
      default:
    }
    // Every setting begins with the VF's index. The two nests do not.
    const isSetting = type >= IFLA_VF_MAC && type <= IFLA_VF_TRUST && type !== IFLA_VF_STATS;
    if (index === undefined && isSetting) index = view.getUint32(value, true);
    at += (length + 3) & ~3;
  }
  if (index === undefined) throw malformed('an IFLA_VF_INFO names no VF');
  const settings: Mutable<VfInfoSettings> = {};
  if (mac !== undefined) settings.mac = mac;
  if (tag !== undefined) {
    settings.vlan = tag.vlan;
    settings.qos = tag.qos;
    if (tag.protocol !== undefined) settings.vlanProtocol = tag.protocol;
  } else if (vlan !== undefined) {
    settings.vlan = vlan;
    settings.qos = qos;
  }
  if (minTxRateMbps !== undefined) settings.minTxRateMbps = minTxRateMbps;
  maxTxRateMbps ??= oldTxRateMbps;
  if (maxTxRateMbps !== undefined) settings.maxTxRateMbps = maxTxRateMbps;
  if (isSet(spoofCheck)) settings.spoofCheck = spoofCheck !== 0;
  if (isSet(trust)) settings.trust = trust !== 0;
  const linkStateName = linkStates[linkState ?? unset];
  if (linkStateName !== undefined) settings.linkState = linkStateName;
  if (isSet(rssQuery)) settings.rssQuery = rssQuery !== 0;
  return statistics === undefined
    ? { index: index as VfIndex, settings }
    : { index: index as VfIndex, settings, statistics };
}

function malformed(what: string): VfleetError {
  return new VfleetError('kernel.malformed', what);
}

function needs(start: number, end: number, sizeBytes: number): void {
  if (end - start >= sizeBytes) return;
  throw malformed(`a VF attribute of ${end - start} bytes is shorter than ${sizeBytes}`);
}

/** Second word of a structure of the VF and a setting. */
function settingAt(view: DataView, start: number, end: number): number {
  needs(start, end, 8);
  return view.getUint32(start + 4, true);
}

function isSet(setting: number | undefined): boolean {
  return setting !== undefined && setting !== unset;
}

function readMac(view: DataView, at: number): string {
  const pair = (byte: number): string => hexPairsWithColon[view.getUint8(at + byte)] ?? '';
  // In halves: V8 joins short texts at once and long ones only when they are looked at.
  const first = pair(0) + pair(1) + pair(2);
  return first + (pair(3) + pair(4) + (hexPairs[view.getUint8(at + 5)] ?? ''));
}

interface VlanTag {
  readonly index: number;
  readonly vlan: number;
  readonly qos: number;
  readonly protocol: Protocol | undefined;
}

/** The first struct ifla_vf_vlan_info of a list: three words and a big-endian protocol. The kernel knows one tag only. */
function readVlanTag(view: DataView, start: number, end: number): VlanTag | undefined {
  let tag: VlanTag | undefined;
  for (let at = start; at + headerBytes <= end;) {
    const length = view.getUint16(at, true);
    if (length < headerBytes || at + length > end) throw malformed('a VLAN leaves the list of its VF');
    const value = at + headerBytes;
    if ((view.getUint16(at + 2, true) & typeMask) === IFLA_VF_VLAN_INFO) {
      needs(value, at + length, 14);
      tag ??= {
        index: view.getUint32(value, true),
        vlan: view.getUint32(value + 4, true),
        qos: view.getUint32(value + 8, true),
        protocol: protocolName(view.getUint16(value + 12, false)),
      };
    }
    at += (length + 3) & ~3;
  }
  return tag;
}

function protocolName(protocol: number): Protocol | undefined {
  if (protocol === ETH_P_8021Q) return '802.1Q';
  return protocol === ETH_P_8021AD ? '802.1ad' : undefined;
}

/** IFLA_VF_STATS_* by value; 6 is padding. */
const counterNames: readonly (keyof VfInfoStatistics | undefined)[] = [
  'rxPackets',
  'txPackets',
  'rxBytes',
  'txBytes',
  'broadcast',
  'multicast',
  undefined,
  'rxDropped',
  'txDropped',
];

function readStatistics(view: DataView, start: number, end: number): VfInfoStatistics {
  const statistics: VfInfoStatistics = {};
  for (let at = start; at + headerBytes <= end;) {
    const length = view.getUint16(at, true);
    if (length < headerBytes || at + length > end)
      throw malformed('a counter leaves the statistics of its VF');
    const name = counterNames[view.getUint16(at + 2, true) & typeMask];
    if (name !== undefined) {
      const value = at + headerBytes;
      needs(value, at + length, 8);
      // Exact up to 2^53, and without a BigInt for each.
      statistics[name] = view.getUint32(value + 4, true) * 0x1_0000_0000 + view.getUint32(value, true);
    }
    at += (length + 3) & ~3;
  }
  return statistics;
}

/**
 * Writes one IFLA_VF_INFO that sets the given settings and no others, and gives back where it ends; it needs
 * {@link maxVfSettingsBytes} of zeros. `vlan` goes with `qos` (default 0) and `vlanProtocol` (default 802.1Q).
 * IFLA_VF_RATE carries minimum and maximum together, so give both: one that is absent is sent as 0, unlimited.
 */
export function writeVfSettings(
  view: DataView,
  start: number,
  index: number,
  settings: VfInfoSettings,
): number {
  const { mac, vlan, qos = 0, vlanProtocol, minTxRateMbps, maxTxRateMbps } = settings;
  const { spoofCheck, linkState, rssQuery, trust } = settings;
  let at = start + headerBytes;
  if (mac !== undefined) at = writeMac(view, at, index, mac);
  if (vlan !== undefined) {
    at =
      vlanProtocol === '802.1ad'
        ? writeVlanList(view, at, index, vlan, qos)
        : writeThreeWords(view, at, IFLA_VF_VLAN, index, vlan, qos);
  }
  if (spoofCheck !== undefined) at = writeTwoWords(view, at, IFLA_VF_SPOOFCHK, index, spoofCheck ? 1 : 0);
  if (linkState !== undefined)
    at = writeTwoWords(view, at, IFLA_VF_LINK_STATE, index, linkStates.indexOf(linkState));
  if (minTxRateMbps !== undefined || maxTxRateMbps !== undefined)
    at = writeThreeWords(view, at, IFLA_VF_RATE, index, minTxRateMbps ?? 0, maxTxRateMbps ?? 0);
  if (rssQuery !== undefined) at = writeTwoWords(view, at, IFLA_VF_RSS_QUERY_EN, index, rssQuery ? 1 : 0);
  if (trust !== undefined) at = writeTwoWords(view, at, IFLA_VF_TRUST, index, trust ? 1 : 0);
  writeHeader(view, start, IFLA_VF_INFO, at - start);
  return at;
}

/** Bytes of one IFLA_VF_INFO, as {@link writeVfSettings} writes it. */
export function encodeVfSettings(index: number, settings: VfInfoSettings): Uint8Array {
  const bytes = new Uint8Array(maxVfSettingsBytes);
  return bytes.subarray(0, writeVfSettings(new DataView(bytes.buffer), 0, index, settings));
}

function writeHeader(view: DataView, at: number, type: number, length: number): void {
  view.setUint16(at, length, true);
  view.setUint16(at + 2, type, true);
}

function writeTwoWords(view: DataView, at: number, type: number, first: number, second: number): number {
  writeHeader(view, at, type, 12);
  view.setUint32(at + 4, first, true);
  view.setUint32(at + 8, second, true);
  return at + 12;
}

function writeThreeWords(
  view: DataView,
  at: number,
  type: number,
  first: number,
  second: number,
  third: number,
): number {
  writeHeader(view, at, type, 16);
  view.setUint32(at + 4, first, true);
  view.setUint32(at + 8, second, true);
  view.setUint32(at + 12, third, true);
  return at + 16;
}

/** Values of hexadecimal digits by their character code. */
const hexDigits = Uint8Array.from({ length: 128 }, (_, code) => {
  const value = parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? 0 : value;
});

function writeMac(view: DataView, at: number, index: number, mac: string): number {
  const length = headerBytes + 4 + macFieldBytes;
  writeHeader(view, at, IFLA_VF_MAC, length);
  view.setUint32(at + headerBytes, index, true);
  for (let byte = 0; byte < 6; byte++) {
    const high = hexDigits[mac.charCodeAt(3 * byte)] ?? 0;
    const low = hexDigits[mac.charCodeAt(3 * byte + 1)] ?? 0;
    view.setUint8(at + headerBytes + 4 + byte, (high << 4) | low);
  }
  return at + length;
}

/** IFLA_VF_VLAN_LIST with one struct ifla_vf_vlan_info, padded to 16 bytes. */
function writeVlanList(view: DataView, at: number, index: number, vlan: number, qos: number): number {
  const end = writeThreeWords(view, at + headerBytes, IFLA_VF_VLAN_INFO, index, vlan, qos) + 4;
  view.setUint16(end - 4, ETH_P_8021AD, false);
  writeHeader(view, at + headerBytes, IFLA_VF_VLAN_INFO, end - at - headerBytes);
  writeHeader(view, at, IFLA_VF_VLAN_LIST, end - at);
  return end;
}
