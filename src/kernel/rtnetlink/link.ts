// Owns rtnetlink's links: reading them with and without VFs, setting up, MTU and VF settings.
// Source of numbers and layouts: include/uapi/linux/rtnetlink.h, if_link.h and if.h.

import { VfleetError } from '../../base/errors.ts';
import type { IfIndex } from '../../base/identifiers.ts';
import {
  concatBytes,
  decodeAttributes,
  encodeAttribute,
  encodeAttributes,
  hardwareAddress,
  hexText,
  s32,
  text,
  u32,
  u8,
  nested,
  wordsOf,
} from '../netlink/attributes.ts';
import type { AttributesOf, AttributeTable } from '../netlink/attributes.ts';
import type { NetlinkClient, NetlinkRequest } from '../netlink/client.ts';
import type { NetlinkMessage, WrittenPayload } from '../netlink/message.ts';
import { IFLA_VF_INFO, readVfInfo } from './vf-info.ts';
import type { VfInfo } from './vf-info.ts';
import { headerOf, maxVfSettingsWords, writeVfSettings } from './vf-settings.ts';
import type { VfSettingsRequest } from './vf-settings.ts';

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_SETLINK = 19;
export const IFLA_VFINFO_LIST = 22;
const IFLA_NUM_VF = 21;
const IFLA_EXT_MASK = 29;
export const IFF_UP = 0x1;
/** VFs are listed only on request: RTEXT_FILTER_VF. Their statistics are left out: RTEXT_FILTER_SKIP_STATS. */
export const RTEXT_FILTER_VF = 1;
export const RTEXT_FILTER_SKIP_STATS = 8;
/** struct ifinfomsg: family, pad, type (16), index (32, signed), flags (32), change mask (32). */
export const ifinfomsgBytes = 16;
/** The length of IFLA_VFINFO_LIST has 16 bits, and the settings of so many VFs fit in it whatever they are. */
const maxVfsPerMessage = Math.floor((0xffff - 4) / (4 * maxVfSettingsWords));
const NLA_F_NESTED = 0x8000;

const linkInfoTable = { kind: { type: 1, codec: text } } as const satisfies AttributeTable;

/** Attributes of a link that vfleet reads or writes. */
export const linkTable = {
  address: { type: 1, codec: hardwareAddress },
  ifName: { type: 3, codec: text },
  mtu: { type: 4, codec: u32 },
  lowerLink: { type: 5, codec: u32 },
  master: { type: 10, codec: u32 },
  operState: { type: 16, codec: u8 },
  linkInfo: { type: 18, codec: nested(linkInfoTable, { flagged: false }) },
  numVf: { type: IFLA_NUM_VF, codec: u32 },
  extMask: { type: IFLA_EXT_MASK, codec: u32 },
  carrier: { type: 33, codec: u8 },
  physPortId: { type: 34, codec: hexText },
  physSwitchId: { type: 36, codec: hexText },
  linkNetnsId: { type: 37, codec: s32 },
  physPortName: { type: 38, codec: text },
  minMtu: { type: 50, codec: u32 },
  maxMtu: { type: 51, codec: u32 },
  permanentAddress: { type: 54, codec: hardwareAddress },
  parentDeviceName: { type: 56, codec: text },
  parentBusName: { type: 57, codec: text },
} as const satisfies AttributeTable;

/** A link of one network namespace. Optional fields are absent when the kernel does not report them. */
export interface Link {
  readonly ifIndex: IfIndex;
  readonly flags: number;
  readonly up: boolean;
  readonly name: string;
  readonly mtu: number;
  readonly attributes: AttributesOf<typeof linkTable>;
  /** Present when VFs were asked for; in the order of the kernel's list. */
  readonly vfs?: readonly VfInfo[];
}

/** How much of a link is read. */
export interface LinkOptions {
  /** Its VFs, with their settings. */
  readonly vfs?: boolean;
  /** Counters as well, of the link and of its VFs. */
  readonly statistics?: boolean;
}

interface IfInfo {
  readonly ifIndex?: number;
  readonly flags?: number;
  readonly change?: number;
}

/** Bytes of struct ifinfomsg. */
export function encodeIfInfo(info: IfInfo): Uint8Array {
  const bytes = new Uint8Array(ifinfomsgBytes);
  const view = new DataView(bytes.buffer);
  view.setInt32(4, info.ifIndex ?? 0, true);
  view.setUint32(8, info.flags ?? 0, true);
  view.setUint32(12, info.change ?? 0, true);
  return bytes;
}

/** Index, flags and change mask of struct ifinfomsg. Throws `kernel.malformed` when it is cut off. */
export function decodeIfInfo(payload: Uint8Array): Required<IfInfo> {
  if (payload.byteLength < ifinfomsgBytes) {
    throw new VfleetError('kernel.malformed', `a link message of ${payload.byteLength} bytes has no header`);
  }
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return {
    ifIndex: view.getInt32(4, true),
    flags: view.getUint32(8, true),
    change: view.getUint32(12, true),
  };
}

/**
 * Real length of IFLA_VFINFO_LIST. Its 16-bit length wraps with more than about 220 VFs (nla_nest_end stores the low
 * bits), but all entries are there: walk them, at most IFLA_NUM_VF, and believe the furthest end whose low bits agree.
 * The walk may run over the end of the list, into an attribute that looks like an entry, when the kernel left out VFs
 * that the driver refused to describe.
 */
function lengthOfVfList(words: Int32Array, offset: number, stored: number, numVf: number): number {
  const sizeBytes = 4 * words.length;
  let believed = stored;
  let end = offset + 4;
  for (let seen = 0; ; seen++) {
    if (((end - offset) & 0xffff) === stored) believed = end - offset;
    if (seen === numVf || end + 4 > sizeBytes) return believed;
    const header = words[end >> 2] ?? 0;
    const length = header & 0xffff;
    if (length < 4 || ((header >>> 16) & 0x3fff) !== IFLA_VF_INFO) return believed;
    end += (length + 3) & ~3;
    if (end > sizeBytes) return believed;
  }
}

/** Reads the payload of an RTM_NEWLINK. Throws `kernel.malformed`. */
export function decodeLink(payload: Uint8Array): Link {
  const { ifIndex, flags } = decodeIfInfo(payload);
  let vfs: VfInfo[] | undefined;
  const attributes = decodeBody(linkTable, payload, (list) => {
    vfs = decodeVfList(list);
  });
  const link = {
    ifIndex: ifIndex as IfIndex,
    flags,
    up: (flags & IFF_UP) !== 0,
    name: attributes.ifName ?? '',
    mtu: attributes.mtu ?? 0,
    attributes,
  };
  return vfs === undefined ? link : { ...link, vfs };
}

/** Attributes of an RTM_NEWLINK, with the list of its VFs by itself. */
function decodeBody<Table extends Pick<typeof linkTable, 'numVf'> & AttributeTable>(
  table: Table,
  payload: Uint8Array,
  take: (list: Uint8Array) => void,
): AttributesOf<Table> {
  const body = payload.subarray(ifinfomsgBytes);
  return decodeAttributes(table, body, {
    type: IFLA_VFINFO_LIST,
    lengthOf: ({ numVf }, offset, stored) => lengthOfVfList(wordsOf(body), offset, stored, numVf ?? 0),
    take,
  });
}

function decodeVfList(bytes: Uint8Array): VfInfo[] {
  const words = wordsOf(bytes);
  const vfs: VfInfo[] = [];
  for (let at = 0; at + 4 <= bytes.byteLength;) {
    const header = words[at >> 2] ?? 0;
    const length = header & 0xffff;
    if (length < 4 || at + length > bytes.byteLength)
      throw new VfleetError('kernel.malformed', 'a VF leaves the VF list');
    if (((header >>> 16) & 0x3fff) === IFLA_VF_INFO) vfs.push(readVfInfo(words, at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return vfs;
}

/**
 * Reads one link. With `vfs`, the kernel holds the RTNL lock for 0.1 to 2 ms per VF, so ask only when needed;
 * `statistics: false` leaves the counters out, which makes it cheaper.
 * Throws `kernel.refused` (ENODEV: no such link).
 */
export async function readLink(
  client: NetlinkClient,
  ifIndex: number,
  options: LinkOptions = {},
): Promise<Link> {
  const [answer] = await client.request(linkRequest(ifIndex, options));
  return linkOf(answer, ifIndex, options);
}

/**
 * The list of a link's VFs as the kernel wrote it, without statistics: to be compared with another one and no more. Empty
 * when there is none. Throws as {@link readLink}.
 */
export async function readVfList(client: NetlinkClient, ifIndex: number): Promise<Uint8Array> {
  const [answer] = await client.request(linkRequest(ifIndex, { vfs: true }));
  let list = new Uint8Array();
  if (answer !== undefined)
    decodeBody({ numVf: linkTable.numVf }, answer.payload, (found) => {
      list = found.slice();
    });
  return list;
}

function linkRequest(ifIndex: number, options: LinkOptions): NetlinkRequest {
  const mask =
    (options.vfs === true ? RTEXT_FILTER_VF : 0) |
    (options.statistics === true ? 0 : RTEXT_FILTER_SKIP_STATS);
  return {
    operation: `RTM_GETLINK ${ifIndex}`,
    type: RTM_GETLINK,
    payload: concatBytes([encodeIfInfo({ ifIndex }), encodeAttribute(IFLA_EXT_MASK, u32.encode(mask))]),
  };
}

function linkOf(answer: NetlinkMessage | undefined, ifIndex: number, options: LinkOptions): Link {
  if (answer === undefined)
    throw new VfleetError('kernel.malformed', `RTM_GETLINK ${ifIndex} was answered with nothing`);
  const link = decodeLink(answer.payload);
  return options.vfs === true && link.vfs === undefined ? { ...link, vfs: [] } : link;
}

/** Reads all links of the namespace, without VFs and statistics. */
export async function listLinks(client: NetlinkClient): Promise<Link[]> {
  const answers = await client.dump({
    operation: 'RTM_GETLINK',
    type: RTM_GETLINK,
    payload: concatBytes([
      encodeIfInfo({}),
      encodeAttribute(IFLA_EXT_MASK, u32.encode(RTEXT_FILTER_SKIP_STATS)),
    ]),
  });
  return answers.filter(({ type }) => type === RTM_NEWLINK).map(({ payload }) => decodeLink(payload));
}

/** Sets MTU and administrative state of a link; what is absent stays. Throws `kernel.refused`. */
export async function setLink(
  client: NetlinkClient,
  ifIndex: number,
  change: { mtu?: number | undefined; up?: boolean | undefined },
): Promise<void> {
  const header = encodeIfInfo({
    ifIndex,
    flags: change.up === true ? IFF_UP : 0,
    change: change.up === undefined ? 0 : IFF_UP,
  });
  const attributes = encodeAttributes(linkTable, change.mtu === undefined ? {} : { mtu: change.mtu });
  await client.request({
    operation: `RTM_SETLINK ${ifIndex}`,
    type: RTM_SETLINK,
    payload: concatBytes([header, attributes]),
  });
}

/**
 * Sets VF settings of a PF's link, 496 VFs in a message.
 * The kernel works through the list and stops at the first refusal, without saying at which VF it was
 * (net/core/rtnetlink.c, do_setlink); what came before stays set. Throws `kernel.refused`.
 */
export async function setVfSettings(
  client: NetlinkClient,
  ifIndex: number,
  requests: readonly VfSettingsRequest[],
): Promise<void> {
  for (const request of settingRequests(ifIndex, requests)) await client.request(request);
}

/**
 * Sets VF settings as {@link setVfSettings} does and reads the link with its VFs afterwards, which costs no further trip to
 * the kernel. Throws `kernel.refused`.
 */
export async function setAndReadVfs(
  client: NetlinkClient,
  ifIndex: number,
  requests: readonly VfSettingsRequest[],
): Promise<readonly VfInfo[]> {
  const options = { vfs: true } as const;
  const parts = settingRequests(ifIndex, requests);
  const last = parts.pop();
  for (const part of parts) await client.request(part);
  const together = [...(last === undefined ? [] : [last]), linkRequest(ifIndex, options)];
  const answers = await client.requestAll(together);
  for (const answer of answers) if (!Array.isArray(answer)) throw answer;
  const [answer] = answers.at(-1) as NetlinkMessage[];
  return linkOf(answer, ifIndex, options).vfs ?? [];
}

function settingRequests(ifIndex: number, requests: readonly VfSettingsRequest[]): NetlinkRequest[] {
  const parts: NetlinkRequest[] = [];
  for (let from = 0; from < requests.length; from += maxVfsPerMessage) {
    parts.push({
      operation: `RTM_SETLINK ${ifIndex}`,
      type: RTM_SETLINK,
      payload: payloadOf(ifIndex, requests.slice(from, from + maxVfsPerMessage)),
    });
  }
  return parts;
}

/** ifinfomsg and one IFLA_VFINFO_LIST. */
function payloadOf(ifIndex: number, requests: readonly VfSettingsRequest[]): WrittenPayload {
  return {
    maxWords: ifinfomsgBytes / 4 + 1 + requests.length * maxVfSettingsWords,
    write(words, start) {
      words.set([0, ifIndex, 0, 0], start);
      const list = start + ifinfomsgBytes / 4;
      let end = list + 1;
      for (const { index, settings } of requests) end = writeVfSettings(words, end, index, settings);
      words[list] = headerOf(IFLA_VFINFO_LIST | NLA_F_NESTED, end - list);
      return end;
    },
  };
}
