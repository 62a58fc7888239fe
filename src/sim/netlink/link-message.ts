// Owns the bytes of RTM_NEWLINK and RTM_DELLINK as a kernel of 6.12 writes them (net/core/rtnetlink.c rtnl_fill_ifinfo).
// The VF list's length wraps in its 16 bits, as it does there.

import {
  concatBytes,
  encodeAttribute,
  encodeAttributes,
  text,
  u32,
  u8,
} from '../../kernel/netlink/attributes.ts';
import { encodeIfInfo, IFLA_VFINFO_LIST, linkTable } from '../../kernel/rtnetlink/link.ts';
import { encodeVfInfo } from '../../kernel/rtnetlink/vf-info-table.ts';
import type { VfInfoStatistics } from '../../kernel/rtnetlink/vf-info.ts';
import type { VfIndex } from '../../base/identifiers.ts';
import type { SimLink } from '../host-index.ts';
import { linkFactsOf } from '../link-facts.ts';

const ARPHRD_ETHER = 1;
const ARPHRD_LOOPBACK = 772;
/** IF_OPER_* of include/uapi/linux/if.h. */
const operStates = { unknown: 0, down: 2, up: 6 };
/** struct rtnl_link_stats64 with 25 counters. */
const statisticsBytes = 200;
const IFLA_STATS64 = 23;
const attributeHeaderBytes = 4;

/** Attributes that vfleet does not read and every real message has: a reader has to get past them. */
const plainAttributes = concatBytes([
  encodeAttribute(13, u32.encode(1000)), // IFLA_TXQLEN
  encodeAttribute(17, u8.encode(0)), // IFLA_LINKMODE
  encodeAttribute(27, u32.encode(0)), // IFLA_GROUP
  encodeAttribute(30, u32.encode(0)), // IFLA_PROMISCUITY
  encodeAttribute(31, u32.encode(8)), // IFLA_NUM_TX_QUEUES
  encodeAttribute(40, u32.encode(65_535)), // IFLA_GSO_MAX_SEGS
  encodeAttribute(41, u32.encode(65_536)), // IFLA_GSO_MAX_SIZE
  encodeAttribute(32, u32.encode(8)), // IFLA_NUM_RX_QUEUES
  encodeAttribute(6, text.encode('mq')), // IFLA_QDISC
  encodeAttribute(35, u32.encode(1)), // IFLA_CARRIER_CHANGES
  encodeAttribute(39, u8.encode(0)), // IFLA_PROTO_DOWN
  encodeAttribute(14, new Uint8Array(32)), // IFLA_MAP
  encodeAttribute(2, new Uint8Array(6).fill(0xff)), // IFLA_BROADCAST
]);

const zeroStatistics: VfInfoStatistics = {
  rxPackets: 0,
  txPackets: 0,
  rxBytes: 0,
  txBytes: 0,
  broadcast: 0,
  multicast: 0,
  rxDropped: 0,
  txDropped: 0,
};

/** Payload of a link message. */
export function encodeLinkMessage(link: SimLink, options: { vfs: boolean; statistics: boolean }): Uint8Array {
  const facts = linkFactsOf(link);
  const { netdev } = link;
  const header = encodeIfInfo({ ifIndex: netdev.ifIndex, flags: facts.flags });
  new DataView(header.buffer).setUint16(2, facts.isLoopback ? ARPHRD_LOOPBACK : ARPHRD_ETHER, true);
  const operState = facts.hasCarrier ? operStates.up : operStates.down;
  const parts = [
    header,
    encodeAttributes(linkTable, {
      ifName: netdev.name,
      operState: facts.isLoopback ? operStates.unknown : operState,
      mtu: netdev.mtu,
      minMtu: facts.minMtu,
      maxMtu: facts.maxMtu,
      ...(netdev.lower === undefined ? {} : { lowerLink: netdev.lower }),
      ...(netdev.master === undefined ? {} : { master: netdev.master }),
      ...(netdev.kind === undefined ? {} : { linkInfo: { kind: netdev.kind } }),
      carrier: facts.hasCarrier ? 1 : 0,
      address: netdev.mac,
      ...(facts.physPortId === undefined ? {} : { physPortId: facts.physPortId }),
      ...(facts.physPortName === undefined ? {} : { physPortName: facts.physPortName }),
      ...(facts.physSwitchId === undefined ? {} : { physSwitchId: facts.physSwitchId }),
    }),
    plainAttributes,
    ...(options.statistics ? [encodeAttribute(IFLA_STATS64, new Uint8Array(statisticsBytes))] : []),
    ...(options.vfs ? vfAttributes(link, options.statistics) : []),
    encodeAttributes(linkTable, {
      ...(facts.permanentMac === undefined ? {} : { permanentAddress: facts.permanentMac }),
      ...(facts.parent === undefined
        ? {}
        : { parentDeviceName: facts.parent.device, parentBusName: facts.parent.bus }),
    }),
  ];
  return concatBytes(parts);
}

/** IFLA_NUM_VF of everything that has a device, IFLA_VFINFO_LIST of a PF's own interface (rtnl_fill_vf). */
function vfAttributes(link: SimLink, statistics: boolean): Uint8Array[] {
  if (link.role === 'virtual') return [];
  const hasVfs = link.role === 'pf' || link.role === 'representor';
  const number = encodeAttributes(linkTable, { numVf: hasVfs ? link.pf.vfs.length : 0 });
  if (link.role !== 'pf') return [number];
  const { counts } = link.profile.card.rules;
  const entries = link.pf.vfs.map(({ index, settings, statistics: counters }) =>
    encodeVfInfo({
      index: index as VfIndex,
      settings,
      ...(statistics
        ? { statistics: counts === true ? { ...zeroStatistics, ...counters } : zeroStatistics }
        : {}),
    }),
  );
  return [number, encodeWrappingNest(IFLA_VFINFO_LIST, concatBytes(entries))];
}

/** A nest as nla_nest_end closes it: of a length over 65535 only the low 16 bits are stored. */
function encodeWrappingNest(type: number, value: Uint8Array): Uint8Array {
  const header = new Uint8Array(attributeHeaderBytes);
  const view = new DataView(header.buffer);
  view.setUint16(0, (attributeHeaderBytes + value.byteLength) & 0xffff, true);
  view.setUint16(2, type, true);
  return concatBytes([header, value]);
}
