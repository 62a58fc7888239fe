// Owns IFLA_VF_INFO: what rtnetlink says of one VF. How its settings are written is in vf-settings.ts.
// Walked by hand, not by a table: a PF has up to 256 VFs with a dozen attributes each, and a table's codecs cost twenty
// times as much. The simulated host has the table (vf-info-table.ts), and tests hold the two together.
// Source of every number and layout: include/uapi/linux/if_link.h; the meaning of -1: net/core/rtnetlink.c,
// rtnl_fill_vfinfo.

import { VfleetError } from '../../base/errors.ts';
import type { VfIndex } from '../../base/identifiers.ts';
import { wordsOf } from '../netlink/attributes.ts';

export const IFLA_VF_INFO = 1;
export const IFLA_VF_MAC = 1;
export const IFLA_VF_VLAN = 2;
const IFLA_VF_TX_RATE = 3;
export const IFLA_VF_SPOOFCHK = 4;
export const IFLA_VF_LINK_STATE = 5;
export const IFLA_VF_RATE = 6;
export const IFLA_VF_RSS_QUERY_EN = 7;
const IFLA_VF_STATS = 8;
export const IFLA_VF_TRUST = 9;
export const IFLA_VF_VLAN_LIST = 12;
export const IFLA_VF_VLAN_INFO = 1;

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
const unset = -1;
/** struct ifla_vf_mac: the VF, and an address in the first bytes of a field for any hardware type; Ethernet uses 6. */
export const macFieldBytes = 32;
export const linkStates: readonly VfLinkState[] = ['auto', 'enable', 'disable'];

const headerBytes = 4;
/** Without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const typeMask = 0x3fff;
const colon = 0x3a;

/** Reads the value of one IFLA_VF_INFO. Throws `kernel.malformed` when it names no VF or a field is too short. */
export function decodeVfInfo(bytes: Uint8Array): VfInfo {
  return readVfInfo(wordsOf(bytes), 0, bytes.byteLength);
}

/** Same for a value that stands from `start` to `end`, in bytes, of a larger message in words. */
export function readVfInfo(words: Int32Array, start: number, end: number): VfInfo {
  let index: number | undefined;
  let mac: string | undefined;
  let vlan: number | undefined;
  let qos: number | undefined;
  let tag: VlanTag | undefined;
  let minTxRateMbps: number | undefined;
  let maxTxRateMbps: number | undefined;
  let oldTxRateMbps: number | undefined;
  let spoofCheck = unset;
  let linkState = unset;
  let rssQuery = unset;
  let trust = unset;
  let statistics: VfInfoStatistics | undefined;
  for (let at = start; at + headerBytes <= end;) {
    const header = wordAt(words, at);
    const length = header & 0xffff;
    const type = (header >>> 16) & typeMask;
    const value = at + headerBytes;
    const next = at + length;
    if (length < headerBytes || next > end) throw malformed('an attribute leaves its VF');
    switch (type) {
      case IFLA_VF_MAC:
        needs(value, next, 12);
        mac = macOf(wordAt(words, value + 4), wordAt(words, value + 8));
        break;
      case IFLA_VF_VLAN:
        needs(value, next, 12);
        vlan = wordAt(words, value + 4) >>> 0;
        qos = wordAt(words, value + 8) >>> 0;
        break;
      case IFLA_VF_RATE:
        needs(value, next, 12);
        minTxRateMbps = wordAt(words, value + 4) >>> 0;
        maxTxRateMbps = wordAt(words, value + 8) >>> 0;
        break;
      case IFLA_VF_TX_RATE:
        oldTxRateMbps = settingAt(words, value, next) >>> 0;
        break;
      case IFLA_VF_SPOOFCHK:
        spoofCheck = settingAt(words, value, next);
        break;
      case IFLA_VF_LINK_STATE:
        linkState = settingAt(words, value, next);
        break;
      case IFLA_VF_RSS_QUERY_EN:
        rssQuery = settingAt(words, value, next);
        break;
      case IFLA_VF_TRUST:
        trust = settingAt(words, value, next);
        break;
      case IFLA_VF_VLAN_LIST:
        tag = readVlanTag(words, value, next);
        index ??= tag?.index;
        break;
      case IFLA_VF_STATS:
        statistics = readStatistics(words, value, next);
        break;
      default:
    }
    // Every setting begins with the VF's index. The two nests do not.
    const isSetting = type >= IFLA_VF_MAC && type <= IFLA_VF_TRUST && type !== IFLA_VF_STATS;
    if (index === undefined && isSetting) index = wordAt(words, value) >>> 0;
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
  if (spoofCheck !== unset) settings.spoofCheck = spoofCheck !== 0;
  if (trust !== unset) settings.trust = trust !== 0;
  const linkStateName = linkStates[linkState];
  if (linkStateName !== undefined) settings.linkState = linkStateName;
  if (rssQuery !== unset) settings.rssQuery = rssQuery !== 0;
  return statistics === undefined
    ? { index: index as VfIndex, settings }
    : { index: index as VfIndex, settings, statistics };
}

/** The word at an offset in bytes that is inside. */
function wordAt(words: Int32Array, offset: number): number {
  return words[offset >> 2] ?? 0;
}

function malformed(what: string): VfleetError {
  return new VfleetError('kernel.malformed', what);
}

function needs(start: number, end: number, sizeBytes: number): void {
  if (end - start >= sizeBytes) return;
  throw malformed(`a VF attribute of ${end - start} bytes is shorter than ${sizeBytes}`);
}

/** Second word of a structure of the VF and a setting. */
function settingAt(words: Int32Array, start: number, end: number): number {
  needs(start, end, 8);
  return wordAt(words, start + 4);
}

/** An address from the bytes of two words. In one call: joining texts is slower than all else here. */
function macOf(first: number, second: number): string {
  return String.fromCharCode(
    highDigit(first),
    lowDigit(first),
    colon,
    highDigit(first >> 8),
    lowDigit(first >> 8),
    colon,
    highDigit(first >> 16),
    lowDigit(first >> 16),
    colon,
    highDigit(first >> 24),
    lowDigit(first >> 24),
    colon,
    highDigit(second),
    lowDigit(second),
    colon,
    highDigit(second >> 8),
    lowDigit(second >> 8),
  );
}

/** Character code of the upper digit of a number's lowest byte. */
function highDigit(value: number): number {
  return lowDigit(value >> 4);
}

function lowDigit(value: number): number {
  const digit = value & 0xf;
  return digit < 10 ? 0x30 + digit : 0x57 + digit;
}

interface VlanTag {
  readonly index: number;
  readonly vlan: number;
  readonly qos: number;
  readonly protocol: Protocol | undefined;
}

/** The first struct ifla_vf_vlan_info of a list: three words and a big-endian protocol. The kernel knows one tag only. */
function readVlanTag(words: Int32Array, start: number, end: number): VlanTag | undefined {
  let tag: VlanTag | undefined;
  for (let at = start; at + headerBytes <= end;) {
    const header = wordAt(words, at);
    const length = header & 0xffff;
    if (length < headerBytes || at + length > end) throw malformed('a VLAN leaves the list of its VF');
    if (((header >>> 16) & typeMask) === IFLA_VF_VLAN_INFO) {
      const value = at + headerBytes;
      needs(value, at + length, 16);
      tag ??= {
        index: wordAt(words, value) >>> 0,
        vlan: wordAt(words, value + 4) >>> 0,
        qos: wordAt(words, value + 8) >>> 0,
        protocol: protocolName(swapped(wordAt(words, value + 12))),
      };
    }
    at += (length + 3) & ~3;
  }
  return tag;
}

/** A 16-bit number in network byte order. */
export function swapped(value: number): number {
  return ((value & 0xff) << 8) | ((value >> 8) & 0xff);
}

function protocolName(protocol: number): Protocol | undefined {
  if (protocol === ETH_P_8021Q) return '802.1Q';
  return protocol === ETH_P_8021AD ? '802.1ad' : undefined;
}

/** Reads IFLA_VF_STATS; the cases are the values of IFLA_VF_STATS_*, 6 is padding. */
function readStatistics(words: Int32Array, start: number, end: number): VfInfoStatistics {
  const counters: Mutable<VfInfoStatistics> = {};
  for (let at = start; at + headerBytes <= end;) {
    const header = wordAt(words, at);
    const length = header & 0xffff;
    const value = at + headerBytes;
    const next = at + length;
    if (length < headerBytes || next > end) throw malformed('a counter leaves the statistics of its VF');
    switch ((header >>> 16) & typeMask) {
      case 0:
        counters.rxPackets = counterAt(words, value, next);
        break;
      case 1:
        counters.txPackets = counterAt(words, value, next);
        break;
      case 2:
        counters.rxBytes = counterAt(words, value, next);
        break;
      case 3:
        counters.txBytes = counterAt(words, value, next);
        break;
      case 4:
        counters.broadcast = counterAt(words, value, next);
        break;
      case 5:
        counters.multicast = counterAt(words, value, next);
        break;
      case 7:
        counters.rxDropped = counterAt(words, value, next);
        break;
      case 8:
        counters.txDropped = counterAt(words, value, next);
        break;
      default:
    }
    at += (length + 3) & ~3;
  }
  return counters;
}

/** A 64-bit counter, exact up to 2^53, without a BigInt for each. */
function counterAt(words: Int32Array, start: number, end: number): number {
  needs(start, end, 8);
  return (wordAt(words, start + 4) >>> 0) * 0x1_0000_0000 + (wordAt(words, start) >>> 0);
}
