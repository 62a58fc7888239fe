// Rubbish for every parser of what a kernel says over netlink and SIOCETHTOOL: bytes at random, and real answers with
// something broken in them. Nothing but an answer or `kernel.malformed` may come out.

import { expect, test } from 'vitest';
import { messageOf, VfleetError } from '../../base/errors.ts';
import type { IfIndex, VfIndex } from '../../base/identifiers.ts';
import {
  ethtoolDumpDialogue,
  ethtoolIgbDialogue,
  igbDriverInformation,
  igbPermanentAddress,
  igbStringSets,
} from '../ethtool/captured-ethtool.fixture.ts';
import { decodeDriverInformation, decodePermanentAddress, requestOf } from '../ethtool/driver-information.ts';
import {
  answerCounterRequest,
  decodeCounterCount,
  decodeCounterNames,
  decodeCounterValues,
  ETH_SS_STATS,
  ETHTOOL_GSTATS,
  ETHTOOL_GSTRINGS,
  readDriverStatistics,
} from '../ethtool/driver-statistics.ts';
import { linkInfoTable, linkModesTable, linkSettingsOf, linkStateTable } from '../ethtool/link-settings.ts';
import { standardStatisticsOf, statisticsTable } from '../ethtool/standard-statistics.ts';
import { devlinkDialogue } from '../genetlink/captured-devlink.fixture.ts';
import { devlinkTable } from '../genetlink/devlink-attributes.ts';
import { parameterOf } from '../genetlink/devlink-parameters.ts';
import { infoOf, portOf, reporterOf } from '../genetlink/devlink.ts';
import { decodeFamily, decodeGenlMessage } from '../genetlink/family.ts';
import { decodeAddress } from '../rtnetlink/address.ts';
import { addressDialogue, loopbackDialogue, vfDialogue } from '../rtnetlink/captured-links.fixture.ts';
import { decodeLinkEvents } from '../rtnetlink/link-events.ts';
import { decodeLink, encodeIfInfo, IFLA_VFINFO_LIST, linkTable } from '../rtnetlink/link.ts';
import { encodeVfInfo, joinVfInfos } from '../rtnetlink/vf-info-table.ts';
import { decodeVfInfo } from '../rtnetlink/vf-info.ts';
import { concatBytes, decodeAttributes, encodeAttribute, encodeAttributes } from './attributes.ts';
import { NetlinkClient } from './client.ts';
import { decodeAcknowledgement, decodeMessages, refusalOf } from './message.ts';
import { bytesOfHex, ScriptedTransport } from './replay.fixture.ts';
import type { Exchange } from './replay.fixture.ts';

/** Byte arrays in all; `VFLEET_FUZZ_RUNS=3000000` for a long run. */
const runs = Number(process.env['VFLEET_FUZZ_RUNS'] ?? 200_000);
const seed = Number(process.env['VFLEET_FUZZ_SEED'] ?? 1);
/** Three million arrays take some minutes. */
const longMs = 3_600_000;
/** Whole conversations cost more than single parsers. */
const conversationRuns = Math.ceil(runs / 50);

/** xorshift32: the same rubbish for the same seed. */
function randomizer(start: number): () => number {
  let state = start >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
}

function datagramsOf(...dialogues: readonly (readonly Exchange[])[]): Uint8Array[] {
  return dialogues.flat().flatMap(({ received }) => received.map(bytesOfHex));
}

function payloadsOf(...dialogues: readonly (readonly Exchange[])[]): Uint8Array[] {
  return datagramsOf(...dialogues)
    .flatMap(decodeMessages)
    .filter(({ type }) => type > 3)
    .map(({ payload }) => payload);
}

/** A link with more VFs than the length of its list can say. */
function wrappedLink(): Uint8Array {
  const infos = Array.from({ length: 256 }, (_, index) =>
    encodeVfInfo({
      index: index as VfIndex,
      settings: { mac: '02:00:00:00:00:01', vlan: 1 },
      statistics: { rxPackets: 1, txPackets: 1, rxBytes: 1, txBytes: 1, rxDropped: 1, txDropped: 1 },
    }),
  );
  const entries = joinVfInfos(infos);
  const header = encodeAttribute(IFLA_VFINFO_LIST, new Uint8Array(0));
  new DataView(header.buffer).setUint16(0, (entries.byteLength + 4) & 0xffff, true);
  const numVf = encodeAttributes(linkTable, { numVf: 256 });
  return concatBytes([encodeIfInfo({ ifIndex: 1 }), numVf, header, entries]);
}

interface Parser {
  readonly name: string;
  readonly samples: readonly Uint8Array[];
  /** How much longer it takes than the others; it gets so many arrays fewer. */
  readonly cost?: number;
  parse(bytes: Uint8Array): unknown;
}

const eth0 = 2 as IfIndex;
const card = { bus: 'pci', device: '0000:01:00.0' };
const counters = new Map(Array.from({ length: 8 }, (_, index) => [`counter-${index}`, index]));
const devlinkPayloads = payloadsOf(devlinkDialogue.slice(1));
const ethtoolPayloads = payloadsOf(ethtoolDumpDialogue.slice(1), ethtoolIgbDialogue.slice(1));

function devlinkOf(bytes: Uint8Array) {
  return decodeAttributes(devlinkTable, decodeGenlMessage(bytes).attributes);
}

const parsers: readonly Parser[] = [
  {
    name: 'messages and acknowledgements',
    samples: datagramsOf(devlinkDialogue, ethtoolIgbDialogue),
    parse: (bytes) =>
      decodeMessages(bytes).map((message) => refusalOf('fuzz', decodeAcknowledgement(message)).message),
  },
  {
    name: 'links with VFs',
    samples: [...payloadsOf(vfDialogue, loopbackDialogue)],
    parse: decodeLink,
  },
  { name: 'links with a list that wraps', samples: [wrappedLink()], cost: 50, parse: decodeLink },
  {
    name: 'VFs',
    samples: [encodeVfInfo({ index: 1 as VfIndex, settings: {}, statistics: { rxBytes: 1 } }).subarray(4)],
    parse: decodeVfInfo,
  },
  { name: 'link events', samples: datagramsOf(vfDialogue, loopbackDialogue), parse: decodeLinkEvents },
  { name: 'addresses', samples: payloadsOf(addressDialogue), parse: decodeAddress },
  {
    name: 'families',
    samples: payloadsOf(devlinkDialogue.slice(0, 1), ethtoolIgbDialogue.slice(0, 1)),
    parse: (bytes) => decodeFamily(decodeGenlMessage(bytes).attributes),
  },
  { name: 'devlink information', samples: devlinkPayloads, parse: (bytes) => infoOf(devlinkOf(bytes)) },
  {
    name: 'devlink ports',
    samples: devlinkPayloads,
    parse: (bytes) => portOf({ ...devlinkOf(bytes), ...card }),
  },
  {
    name: 'devlink health reporters',
    samples: devlinkPayloads,
    parse: (bytes) => reporterOf({ ...devlinkOf(bytes), ...card }),
  },
  {
    name: 'devlink parameters',
    samples: devlinkPayloads,
    parse: (bytes) => parameterOf(card, devlinkOf(bytes).parameter ?? {}),
  },
  {
    name: 'ethtool link settings',
    samples: ethtoolPayloads,
    parse: (bytes) => {
      const { attributes } = decodeGenlMessage(bytes);
      return linkSettingsOf(
        eth0,
        decodeAttributes(linkInfoTable, attributes),
        decodeAttributes(linkModesTable, attributes),
        decodeAttributes(linkStateTable, attributes),
      );
    },
  },
  {
    name: 'ethtool statistics',
    samples: [
      ...ethtoolPayloads,
      encodeAttributes(statisticsTable, {
        group: [{ id: 1, counter: [{ id: 0, value: 1 }], rxBucket: [{ low: 1, high: 2, value: 3 }] }],
      }),
    ],
    parse: (bytes) => standardStatisticsOf(decodeAttributes(statisticsTable, bytes)),
  },
  { name: 'driver information', samples: [bytesOfHex(igbDriverInformation)], parse: decodeDriverInformation },
  { name: 'permanent addresses', samples: [bytesOfHex(igbPermanentAddress)], parse: decodePermanentAddress },
  { name: 'counts of counters', samples: [bytesOfHex(igbStringSets)], parse: decodeCounterCount },
  {
    name: 'names of counters',
    samples: [answered(requestOf(12 + 8 * 32, ETHTOOL_GSTRINGS, ETH_SS_STATS, 8))],
    parse: decodeCounterNames,
  },
  {
    name: 'values of counters',
    samples: [answered(requestOf(8 + 8 * 8, ETHTOOL_GSTATS, 8))],
    parse: decodeCounterValues,
  },
];

function answered(request: Uint8Array): Uint8Array {
  return answerCounterRequest(request, counters) ?? request;
}

/** Lengths and types as they occur, and those at the edges of what fits. */
const interesting = [0, 1, 2, 3, 4, 5, 7, 8, 12, 16, 0x7fff, 0x8000, 0x8004, 0xffff, 0xfffc];

/** A copy of a sample with something broken in it, or bytes at random. */
function spoiled(samples: readonly Uint8Array[], random: () => number): Uint8Array {
  const sample = samples[random() % samples.length] ?? new Uint8Array(0);
  if (random() % 8 === 0) return Uint8Array.from({ length: random() % 200 }, () => random());
  const bytes = Uint8Array.from(sample);
  const view = new DataView(bytes.buffer);
  for (let change = 1 + (random() % 4); change > 0 && bytes.byteLength >= 4; change--) {
    const at = random() % (bytes.byteLength - 3);
    switch (random() % 4) {
      case 0:
        bytes[at] = random();
        break;
      case 1:
        // Where a length or a type stands.
        view.setUint16(at & ~1, interesting[random() % interesting.length] ?? 0, true);
        break;
      case 2:
        view.setUint32(at & ~3, random(), true);
        break;
      default:
        bytes.copyWithin(at, random() % bytes.byteLength, random() % bytes.byteLength);
    }
  }
  return random() % 4 === 0 ? bytes.subarray(0, random() % (bytes.byteLength + 1)) : bytes;
}

function isAllowed(thrown: unknown): boolean {
  return thrown instanceof VfleetError && thrown.code === 'kernel.malformed';
}

test.each(parsers)(
  '$name',
  (parser) => {
    // A parser that refuses everything would pass the rest.
    expect(parser.samples.some((sample) => outcomeOf(parser, sample) === 'parsed')).toBe(true);
    const random = randomizer(seed);
    const share = Math.ceil(runs / parsers.length / (parser.cost ?? 1));
    let parsed = 0;
    const failures: string[] = [];
    for (let run = 0; run < share && failures.length < 5; run++) {
      const bytes = spoiled(parser.samples, random);
      const outcome = outcomeOf(parser, bytes);
      if (outcome === 'parsed') parsed += 1;
      else if (outcome !== 'malformed') failures.push(`${outcome} at ${Buffer.from(bytes).toString('hex')}`);
    }
    expect(failures).toEqual([]);
    expect(parsed).toBeGreaterThan(0);
  },
  longMs,
);

/** `parsed`, `malformed`, or what should never have been thrown. */
function outcomeOf(parser: Parser, bytes: Uint8Array): string {
  try {
    parser.parse(bytes);
    return 'parsed';
  } catch (thrown) {
    return isAllowed(thrown) ? 'malformed' : messageOf(thrown);
  }
}

test(
  'a conversation with a kernel that talks rubbish ends',
  async () => {
    const random = randomizer(seed);
    const samples = datagramsOf(vfDialogue, devlinkDialogue, ethtoolDumpDialogue);
    const codes = new Set<string>();
    for (let run = 0; run < conversationRuns; run++) {
      const transport = new ScriptedTransport(({ sequence }) => {
        const rubbish = Array.from({ length: 1 + (random() % 4) }, () => {
          const bytes = spoiled(samples, random);
          // Of another conversation it would only be passed over.
          if (bytes.byteLength >= 16)
            new DataView(bytes.buffer, bytes.byteOffset).setUint32(8, sequence, true);
          return bytes;
        });
        return [...rubbish, { errno: 'EBADF' }];
      });
      const client = new NetlinkClient(transport);
      const ask = { operation: 'fuzz', type: 18, payload: new Uint8Array(16) };
      try {
        await (random() % 2 === 0 ? client.request(ask) : client.dump(ask));
        codes.add('answer');
      } catch (thrown) {
        if (!(thrown instanceof VfleetError)) throw thrown;
        codes.add(thrown.code);
      }
    }
    expect([...codes].sort()).toEqual(['answer', 'kernel.malformed', 'kernel.refused']);
  },
  longMs,
);

test(
  'a driver that talks rubbish about its counters ends',
  async () => {
    const random = randomizer(seed);
    for (let run = 0; run < conversationRuns; run++) {
      const kernel = {
        ethtoolIoctl: async (_: string, request: Uint8Array) =>
          random() % 3 === 0 ? spoiled([answered(request)], random) : answered(request),
      };
      try {
        await readDriverStatistics(kernel, 'eth0');
      } catch (thrown) {
        if (!isAllowed(thrown)) throw thrown;
      }
    }
    expect(
      await readDriverStatistics({ ethtoolIoctl: async (_, request) => answered(request) }, 'eth0'),
    ).toEqual(counters);
  },
  longMs,
);
