// Owns IFLA_VF_INFO as the simulated host needs it: any request taken apart by a table, and a VF as the kernel dumps it.
// vfleet itself reads and writes VFs with vf-info.ts. Numbers and layouts: include/uapi/linux/if_link.h.

import { VfleetError } from '../../base/errors.ts';
import { concatBytes, encodeAttribute, encodeAttributes, nested, u64 } from '../netlink/attributes.ts';
import type { AttributesOf, AttributeTable, Codec } from '../netlink/attributes.ts';
import { ETH_P_8021AD, ETH_P_8021Q, IFLA_VF_INFO, linkStates, macFieldBytes } from './vf-info.ts';
import type { VfInfo } from './vf-info.ts';

/** The kernel writes it behind the rest; vfleet has no use for it, but it makes up an eighth of each entry. */
const IFLA_VF_BROADCAST = 13;
/** Drivers without ndo support leave -1 in these fields. */
const unset = 0xffffffff;
const broadcastField = new Uint8Array(macFieldBytes).fill(0xff, 0, 6);

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

/** The value of IFLA_VFINFO_LIST. */
export function joinVfInfos(infos: readonly Uint8Array[]): Uint8Array {
  return concatBytes(infos);
}
