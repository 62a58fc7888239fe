// Owns the counters that IEEE 802.3 and RFC 2819 define and that ethtool's netlink gives by those names.
// A driver's own counters are in driver-statistics.ts.
// Source: ETHTOOL_MSG_STATS_GET in include/uapi/linux/ethtool_netlink.h; the names: net/ethtool/stats.c.

import { VfleetError } from '../../base/errors.ts';
import type { IfIndex } from '../../base/identifiers.ts';
import {
  binary,
  encodeAttribute,
  encodeAttributes,
  flag,
  nested,
  readAttributeHeaders,
  u32,
  u64,
} from '../netlink/attributes.ts';
import type { AttributesOf, AttributeTable, Codec } from '../netlink/attributes.ts';
import type { NetlinkClient } from '../netlink/client.ts';
import { askEthtool, header, requestHeader } from './ethtool-family.ts';

export const ETHTOOL_MSG_STATS_GET = 32;
export const ETHTOOL_MSG_STATS_GET_REPLY = 33;

interface Counter {
  readonly id: number;
  readonly value: number;
}

/** A nest with one attribute: its type is the counter's number, from 0, so that no table can list it. */
const counter: Codec<Counter> = {
  decode: (bytes) => {
    const [attribute] = readAttributeHeaders(bytes).attributes;
    if (attribute === undefined) throw new VfleetError('kernel.malformed', 'a statistic has no value');
    return { id: attribute.type, value: u64.decode(attribute.value) };
  },
  encode: ({ id, value }) => encodeAttribute(id, u64.encode(value)),
  nested: true,
};

const bucketTable = {
  low: { type: 7, codec: u32 },
  high: { type: 8, codec: u32 },
  value: { type: 9, codec: u64 },
} as const satisfies AttributeTable;

const groupTable = {
  id: { type: 2, codec: u32 },
  stringSet: { type: 3, codec: u32 },
  counter: { type: 4, codec: counter, repeated: true },
  rxBucket: { type: 5, codec: nested(bucketTable), repeated: true },
  txBucket: { type: 6, codec: nested(bucketTable), repeated: true },
} as const satisfies AttributeTable;

/** ETHTOOL_A_BITSET_*, compact form. */
const bitsetTable = {
  noMask: { type: 1, codec: flag },
  sizeBits: { type: 2, codec: u32 },
  bits: { type: 4, codec: binary },
} as const satisfies AttributeTable;

export const statisticsTable = {
  header: { type: 2, codec: header },
  groups: { type: 3, codec: nested(bitsetTable) },
  group: { type: 4, codec: nested(groupTable), repeated: true },
} as const satisfies AttributeTable;

interface GroupNames {
  readonly name: string;
  /** ETH_SS_STATS_*: the kernel's string set with the same names (include/uapi/linux/ethtool.h). */
  readonly stringSet: number;
  readonly counters: readonly string[];
}

/** ETHTOOL_STATS_* by value, with ETHTOOL_A_STATS_* by value. */
export const statisticsGroups: readonly GroupNames[] = [
  { name: 'eth-phy', stringSet: 17, counters: ['SymbolErrorDuringCarrier'] },
  {
    name: 'eth-mac',
    stringSet: 18,
    counters: [
      'FramesTransmittedOK',
      'SingleCollisionFrames',
      'MultipleCollisionFrames',
      'FramesReceivedOK',
      'FrameCheckSequenceErrors',
      'AlignmentErrors',
      'OctetsTransmittedOK',
      'FramesWithDeferredXmissions',
      'LateCollisions',
      'FramesAbortedDueToXSColls',
      'FramesLostDueToIntMACXmitError',
      'CarrierSenseErrors',
      'OctetsReceivedOK',
      'FramesLostDueToIntMACRcvError',
      'MulticastFramesXmittedOK',
      'BroadcastFramesXmittedOK',
      'FramesWithExcessiveDeferral',
      'MulticastFramesReceivedOK',
      'BroadcastFramesReceivedOK',
      'InRangeLengthErrors',
      'OutOfRangeLengthField',
      'FrameTooLongErrors',
    ],
  },
  {
    name: 'eth-ctrl',
    stringSet: 19,
    counters: ['MACControlFramesTransmitted', 'MACControlFramesReceived', 'UnsupportedOpcodesReceived'],
  },
  {
    name: 'rmon',
    stringSet: 20,
    counters: [
      'etherStatsUndersizePkts',
      'etherStatsOversizePkts',
      'etherStatsFragments',
      'etherStatsJabbers',
    ],
  },
];

export type StatisticsAttributes = AttributesOf<typeof statisticsTable>;
type Bucket = AttributesOf<typeof bucketTable>;

/**
 * Reads the standard counters of an interface: `eth-mac.FramesReceivedOK`, and of frame sizes
 * `rmon.rx.etherStatsPkts65to127Octets` (`1519toMax` for an open end). Only counters that the driver counts are there;
 * exact up to 2^53. Undefined when it counts none, or the kernel is older than 5.13.
 * Throws `kernel.refused`, `kernel.malformed`.
 */
export async function readStandardStatistics(
  client: NetlinkClient,
  ifIndex: IfIndex,
): Promise<Map<string, number> | undefined> {
  const answer = await askEthtool(client, ifIndex, {
    name: 'STATS_GET',
    command: ETHTOOL_MSG_STATS_GET,
    table: statisticsTable,
    attributes: encodeAttributes(statisticsTable, {
      header: requestHeader(ifIndex),
      groups: { noMask: true, sizeBits: statisticsGroups.length, bits: Uint8Array.of(0b1111, 0, 0, 0) },
    }),
  });
  if (answer === undefined) return undefined;
  const counters = standardStatisticsOf(answer);
  return counters.size === 0 ? undefined : counters;
}

/** Counters of an answer by name; one that is newer than this program is called by its numbers. */
export function standardStatisticsOf(answer: StatisticsAttributes): Map<string, number> {
  const named = new Map<string, number>();
  for (const { id = 0, counter: counters = [], rxBucket = [], txBucket = [] } of answer.group ?? []) {
    const group = statisticsGroups[id] ?? { name: `group-${id}`, counters: [] };
    for (const one of counters)
      named.set(`${group.name}.${group.counters[one.id] ?? `counter-${one.id}`}`, one.value);
    for (const bucket of rxBucket) named.set(`${group.name}.rx.${bucketName(bucket)}`, bucket.value ?? 0);
    for (const bucket of txBucket) named.set(`${group.name}.tx.${bucketName(bucket)}`, bucket.value ?? 0);
  }
  return named;
}

function bucketName({ low = 0, high = 0 }: Bucket): string {
  return `etherStatsPkts${low}to${high === 0 ? 'Max' : high}Octets`;
}
