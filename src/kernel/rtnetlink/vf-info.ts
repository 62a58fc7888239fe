// Owns IFLA_VF_INFO: what rtnetlink says of one VF and how its settings are written.
// Source of every number and layout: include/uapi/linux/if_link.h; the meaning of -1 and of the order:
// net/core/rtnetlink.c, rtnl_fill_vfinfo and do_setvfinfo.

import { VfleetError } from '../../base/errors.ts';
import type { VfIndex } from '../../base/identifiers.ts';
import { present } from '../../base/present.ts';
import {
  concatBytes,
  decodeAttributes,
  encodeAttribute,
  encodeAttributes,
  nested,
  u64,
} from '../netlink/attributes.ts';
import type { AttributesOf, AttributeTable, Codec } from '../netlink/attributes.ts';

export const IFLA_VF_INFO = 1;

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

const ETH_P_8021Q = 0x8100;
const ETH_P_8021AD = 0x88a8;
/** Drivers without ndo support leave -1 in these fields. */
const unset = 0xffffffff;
const macFieldBytes = 32;
/** The kernel writes it behind the rest; vfleet has no use for it, but it makes up an eighth of each entry. */
const IFLA_VF_BROADCAST = 13;
const broadcastField = new Uint8Array(macFieldBytes).fill(0xff, 0, 6);
const linkStates: readonly VfLinkState[] = ['auto', 'enable', 'disable'];

function words(count: number): Codec<number[]> {
  return {
    decode: (bytes) => {
      if (bytes.byteLength < 4 * count) {
        throw new VfleetError(
          'kernel.malformed',
          `a VF attribute of ${bytes.byteLength} bytes is shorter than ${4 * count}`,
        );
      }
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return Array.from({ length: count }, (_, index) => view.getUint32(4 * index, true));
    },
    encode: (values) => {
      const bytes = new Uint8Array(4 * count);
      const view = new DataView(bytes.buffer);
      values.forEach((value, index) => view.setUint32(4 * index, value, true));
      return bytes;
    },
  };
}

/** struct ifla_vf_mac: the address in the first bytes of a field for any hardware type; Ethernet uses 6. */
const vfMac: Codec<{ vf: number; mac: string }> = {
  decode: (bytes) => {
    const [vf = 0] = words(1).decode(bytes);
    if (bytes.byteLength < 10)
      throw new VfleetError('kernel.malformed', 'an IFLA_VF_MAC is shorter than an address');
    return {
      vf,
      mac: Array.from(bytes.subarray(4, 10), (byte) => byte.toString(16).padStart(2, '0')).join(':'),
    };
  },
  encode: ({ vf, mac }) => {
    const bytes = new Uint8Array(4 + macFieldBytes);
    bytes.set(words(1).encode([vf]));
    bytes.set(
      mac.split(':').map((byte) => parseInt(byte, 16)),
      4,
    );
    return bytes;
  },
};

/** struct ifla_vf_vlan_info: three words and a big-endian protocol, padded to 16 bytes. */
const vlanInfo: Codec<{ vf: number; vlan: number; qos: number; protocol: number }> = {
  decode: (bytes) => {
    const [vf = 0, vlan = 0, qos = 0] = words(3).decode(bytes);
    if (bytes.byteLength < 14) throw new VfleetError('kernel.malformed', 'an IFLA_VF_VLAN_INFO is too short');
    return { vf, vlan, qos, protocol: ((bytes[12] ?? 0) << 8) | (bytes[13] ?? 0) };
  },
  encode: ({ vf, vlan, qos, protocol }) => {
    const bytes = new Uint8Array(16);
    bytes.set(words(3).encode([vf, vlan, qos]));
    bytes[12] = protocol >> 8;
    bytes[13] = protocol & 0xff;
    return bytes;
  },
};

const vlanListTable = {
  info: { type: 1, codec: vlanInfo, repeated: true },
} as const satisfies AttributeTable;

const statisticsTable = {
  rxPackets: { type: 0, codec: u64 },
  txPackets: { type: 1, codec: u64 },
  rxBytes: { type: 2, codec: u64 },
  txBytes: { type: 3, codec: u64 },
  broadcast: { type: 4, codec: u64 },
  multicast: { type: 5, codec: u64 },
  rxDropped: { type: 7, codec: u64 },
  txDropped: { type: 8, codec: u64 },
} as const satisfies AttributeTable;

/** The attributes inside IFLA_VF_INFO; each repeats the VF's index in its first word. Old nests carry no NLA_F_NESTED. */
export const vfInfoTable = {
  mac: { type: 1, codec: vfMac },
  vlan: { type: 2, codec: words(3) },
  txRate: { type: 3, codec: words(2) },
  spoofCheck: { type: 4, codec: words(2) },
  linkState: { type: 5, codec: words(2) },
  rate: { type: 6, codec: words(3) },
  rssQuery: { type: 7, codec: words(2) },
  statistics: { type: 8, codec: nested(statisticsTable, { flagged: false }) },
  trust: { type: 9, codec: words(2) },
  vlanList: { type: 12, codec: nested(vlanListTable, { flagged: false }) },
} as const satisfies AttributeTable;

type VfInfoAttributes = AttributesOf<typeof vfInfoTable>;

function boolOf(value: readonly number[] | undefined): boolean | undefined {
  const setting = value?.[1];
  return setting === undefined || setting === unset ? undefined : setting !== 0;
}

function indexOf(attributes: VfInfoAttributes): number | undefined {
  const { mac, vlan, rate, txRate, spoofCheck, linkState, trust, rssQuery, vlanList } = attributes;
  return (
    mac?.vf ??
    vlan?.[0] ??
    rate?.[0] ??
    txRate?.[0] ??
    spoofCheck?.[0] ??
    linkState?.[0] ??
    trust?.[0] ??
    rssQuery?.[0] ??
    vlanList?.info?.[0]?.vf
  );
}

/** Reads the value of one IFLA_VF_INFO. Throws `kernel.malformed` when it names no VF or a field is too short. */
export function decodeVfInfo(bytes: Uint8Array): VfInfo {
  const attributes = decodeAttributes(vfInfoTable, bytes);
  const index = indexOf(attributes);
  if (index === undefined) throw new VfleetError('kernel.malformed', 'an IFLA_VF_INFO names no VF');
  const tag = attributes.vlanList?.info?.[0];
  const vlan = tag?.vlan ?? attributes.vlan?.[1];
  const settings: VfInfoSettings = present({
    mac: attributes.mac?.mac,
    vlan,
    qos: tag?.qos ?? attributes.vlan?.[2],
    vlanProtocol: protocolName(tag?.protocol),
    minTxRateMbps: attributes.rate?.[1],
    maxTxRateMbps: attributes.rate?.[2] ?? attributes.txRate?.[1],
    spoofCheck: boolOf(attributes.spoofCheck),
    trust: boolOf(attributes.trust),
    linkState: linkStates[attributes.linkState?.[1] ?? unset],
    rssQuery: boolOf(attributes.rssQuery),
  });
  const { statistics } = attributes;
  if (statistics === undefined) return { index: index as VfIndex, settings };
  const { unknown: _, ...counters } = statistics;
  return { index: index as VfIndex, settings, statistics: counters };
}

function protocolName(protocol: number | undefined): Protocol | undefined {
  if (protocol === ETH_P_8021Q) return '802.1Q';
  return protocol === ETH_P_8021AD ? '802.1ad' : undefined;
}

/**
 * Attributes that set the given settings of a VF and no others.
 * `vlan` goes with `qos` (default 0) and `vlanProtocol` (default 802.1Q). IFLA_VF_RATE carries minimum and maximum
 * together, so give both: one that is absent is sent as 0, unlimited.
 */
function attributesFor(index: number, settings: VfInfoSettings): VfInfoAttributes {
  const { mac, vlan, qos = 0, vlanProtocol, minTxRateMbps, maxTxRateMbps } = settings;
  const stacked = vlanProtocol === '802.1ad';
  const rated = minTxRateMbps !== undefined || maxTxRateMbps !== undefined;
  return present({
    mac: mac === undefined ? undefined : { vf: index, mac },
    vlan: vlan === undefined || stacked ? undefined : [index, vlan, qos],
    vlanList:
      vlan === undefined || !stacked
        ? undefined
        : { info: [{ vf: index, vlan, qos, protocol: ETH_P_8021AD }] },
    rate: rated ? [index, minTxRateMbps ?? 0, maxTxRateMbps ?? 0] : undefined,
    spoofCheck: settings.spoofCheck === undefined ? undefined : [index, Number(settings.spoofCheck)],
    linkState: settings.linkState === undefined ? undefined : [index, linkStates.indexOf(settings.linkState)],
    rssQuery: settings.rssQuery === undefined ? undefined : [index, Number(settings.rssQuery)],
    trust: settings.trust === undefined ? undefined : [index, Number(settings.trust)],
  }) as VfInfoAttributes;
}

/** One IFLA_VF_INFO that sets the given settings and no others. */
export function encodeVfSettings(index: number, settings: VfInfoSettings): Uint8Array {
  return encodeAttribute(IFLA_VF_INFO, encodeAttributes(vfInfoTable, attributesFor(index, settings)));
}

/** One IFLA_VF_INFO as the kernel's dump writes it (rtnl_fill_vfinfo), for the simulated host. */
export function encodeVfInfo(info: VfInfo): Uint8Array {
  const { index, settings, statistics } = info;
  const { vlan = 0, qos = 0, vlanProtocol } = settings;
  const flagOf = (value: boolean | undefined): number[] => [
    index,
    value === undefined ? unset : Number(value),
  ];
  const protocol = vlanProtocol === '802.1ad' ? ETH_P_8021AD : ETH_P_8021Q;
  const attributes: VfInfoAttributes = {
    mac: { vf: index, mac: settings.mac ?? '00:00:00:00:00:00' },
    vlan: [index, vlan, qos],
    rate: [index, settings.minTxRateMbps ?? 0, settings.maxTxRateMbps ?? 0],
    txRate: [index, settings.maxTxRateMbps ?? 0],
    spoofCheck: flagOf(settings.spoofCheck),
    linkState: [index, linkStates.indexOf(settings.linkState ?? 'auto')],
    rssQuery: flagOf(settings.rssQuery),
    trust: flagOf(settings.trust),
    vlanList: { info: [{ vf: index, vlan, qos, protocol }] },
    ...(statistics === undefined ? {} : { statistics }),
    unknown: [{ type: IFLA_VF_BROADCAST, bytes: broadcastField }],
  };
  return encodeAttribute(IFLA_VF_INFO, encodeAttributes(vfInfoTable, attributes));
}

/** Reads a request's IFLA_VF_INFO entries, for the simulated host: which VF, which attributes. */
export function decodeVfRequest(bytes: Uint8Array): VfInfo {
  return decodeVfInfo(bytes);
}

/** The value of IFLA_VFINFO_LIST. */
export function joinVfInfos(infos: readonly Uint8Array[]): Uint8Array {
  return concatBytes(infos);
}
