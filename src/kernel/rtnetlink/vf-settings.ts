// Owns how the settings of VFs are written for RTM_SETLINK: one IFLA_VF_INFO each, in place, as words.
// By hand for the same reason as vf-info.ts. Layouts: include/uapi/linux/if_link.h; the order in which the kernel works
// through them: net/core/rtnetlink.c, do_setvfinfo.

import {
  ETH_P_8021AD,
  IFLA_VF_INFO,
  IFLA_VF_LINK_STATE,
  IFLA_VF_MAC,
  IFLA_VF_RATE,
  IFLA_VF_RSS_QUERY_EN,
  IFLA_VF_SPOOFCHK,
  IFLA_VF_TRUST,
  IFLA_VF_VLAN,
  IFLA_VF_VLAN_INFO,
  IFLA_VF_VLAN_LIST,
  linkStates,
  swapped,
} from './vf-info.ts';
import type { VfInfoSettings } from './vf-info.ts';

/** Settings for one VF of a PF's link. */
export interface VfSettingsRequest {
  readonly index: number;
  readonly settings: VfInfoSettings;
}

const macFieldWords = 8;
/** The most that one VF takes: every attribute once, the VLAN in a list. */
export const maxVfSettingsWords = 33;

/**
 * Writes one IFLA_VF_INFO that sets the given settings and no others, and gives back where it ends. `start` and what it
 * gives back count words. `vlan` goes with `qos` (default 0) and `vlanProtocol` (default 802.1Q). IFLA_VF_RATE carries
 * minimum and maximum together, so give both: one that is absent is sent as 0, unlimited.
 */
export function writeVfSettings(
  words: Int32Array,
  start: number,
  index: number,
  settings: VfInfoSettings,
): number {
  const { mac, vlan, qos = 0, vlanProtocol, minTxRateMbps, maxTxRateMbps } = settings;
  const { spoofCheck, linkState, rssQuery, trust } = settings;
  let at = start + 1;
  if (mac !== undefined) at = writeMac(words, at, index, mac);
  if (vlan !== undefined) {
    at =
      vlanProtocol === '802.1ad'
        ? writeVlanList(words, at, index, vlan, qos)
        : writeTwo(words, at, IFLA_VF_VLAN, index, vlan, qos);
  }
  if (spoofCheck !== undefined) at = writeOne(words, at, IFLA_VF_SPOOFCHK, index, spoofCheck ? 1 : 0);
  if (linkState !== undefined)
    at = writeOne(words, at, IFLA_VF_LINK_STATE, index, linkStates.indexOf(linkState));
  if (minTxRateMbps !== undefined || maxTxRateMbps !== undefined)
    at = writeTwo(words, at, IFLA_VF_RATE, index, minTxRateMbps ?? 0, maxTxRateMbps ?? 0);
  if (rssQuery !== undefined) at = writeOne(words, at, IFLA_VF_RSS_QUERY_EN, index, rssQuery ? 1 : 0);
  if (trust !== undefined) at = writeOne(words, at, IFLA_VF_TRUST, index, trust ? 1 : 0);
  words[start] = headerOf(IFLA_VF_INFO, at - start);
  return at;
}

/** Bytes of one IFLA_VF_INFO, as {@link writeVfSettings} writes it. */
export function encodeVfSettings(index: number, settings: VfInfoSettings): Uint8Array {
  const words = new Int32Array(maxVfSettingsWords);
  const end = writeVfSettings(words, 0, index, settings);
  return new Uint8Array(words.buffer, 0, 4 * end);
}

/** struct nlattr of an attribute that is so many words long with its header: length below, type above. */
export function headerOf(type: number, lengthWords: number): number {
  return (type << 16) | (4 * lengthWords);
}

/** A structure of the VF and one setting. */
function writeOne(words: Int32Array, at: number, type: number, index: number, setting: number): number {
  words[at] = headerOf(type, 3);
  words[at + 1] = index;
  words[at + 2] = setting;
  return at + 3;
}

/** A structure of the VF and two settings. */
function writeTwo(
  words: Int32Array,
  at: number,
  type: number,
  index: number,
  first: number,
  second: number,
): number {
  words[at] = headerOf(type, 4);
  words[at + 1] = index;
  words[at + 2] = first;
  words[at + 3] = second;
  return at + 4;
}

function writeMac(words: Int32Array, at: number, index: number, mac: string): number {
  words[at] = headerOf(IFLA_VF_MAC, 2 + macFieldWords);
  words[at + 1] = index;
  words[at + 2] = byteAt(mac, 0) | (byteAt(mac, 3) << 8) | (byteAt(mac, 6) << 16) | (byteAt(mac, 9) << 24);
  words[at + 3] = byteAt(mac, 12) | (byteAt(mac, 15) << 8);
  // The field is 8 words long, for addresses of any hardware.
  words[at + 4] = 0;
  words[at + 5] = 0;
  words[at + 6] = 0;
  words[at + 7] = 0;
  words[at + 8] = 0;
  words[at + 9] = 0;
  return at + 2 + macFieldWords;
}

/** The byte whose two digits stand at a position of the text. */
function byteAt(mac: string, position: number): number {
  return (digitOf(mac.charCodeAt(position)) << 4) | digitOf(mac.charCodeAt(position + 1));
}

/** Value of a hexadecimal digit by its character code: 0x30 to 0x39, and letters from 0x41 and 0x61 on. */
function digitOf(code: number): number {
  return (code & 0xf) + 9 * (code >> 6);
}

/** IFLA_VF_VLAN_LIST with one struct ifla_vf_vlan_info, whose protocol is in network byte order. */
function writeVlanList(words: Int32Array, at: number, index: number, vlan: number, qos: number): number {
  const end = writeTwo(words, at + 1, IFLA_VF_VLAN_INFO, index, vlan, qos) + 1;
  words[end - 1] = swapped(ETH_P_8021AD);
  words[at + 1] = headerOf(IFLA_VF_VLAN_INFO, end - at - 1);
  words[at] = headerOf(IFLA_VF_VLAN_LIST, end - at);
  return end;
}
