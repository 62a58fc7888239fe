import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { IfIndex } from '../../base/identifiers.ts';
import { decodeAttributes, encodeAttributes } from '../netlink/attributes.ts';
import { NetlinkClient } from '../netlink/client.ts';
import { bytesOfHex, replay } from '../netlink/replay.fixture.ts';
import { ethtoolIgbDialogue } from './captured-ethtool.fixture.ts';
import {
  readStandardStatistics,
  standardStatisticsOf,
  statisticsGroups,
  statisticsTable,
} from './standard-statistics.ts';

const malformed: unknown = expect.objectContaining({ code: 'kernel.malformed' });

describe('standard statistics', () => {
  test('of an igb, captured: the groups are there and empty, so that it counts none', async () => {
    const [family, , , , statistics] = ethtoolIgbDialogue;
    if (family === undefined || statistics === undefined) throw new Error('the dialogue is too short');
    const client = new NetlinkClient(replay([family, statistics]));
    expect(await readStandardStatistics(client, 2 as IfIndex)).toBeUndefined();
  });

  // Put together from net/ethtool/stats.c: each counter is a nest around one attribute, numbered from 0.
  const answer = bytesOfHex(`
    14000280 08000100 02000000 07000200 6138 3000
    34000480 08000200 01000000 08000300 12000000
      10000480 0c000000 0500000000000000
      10000480 0c000300 0000000001000000
    54000480 08000200 03000000 08000300 14000000
      20000580 08000700 40000000 08000800 7f000000 0c000900 0900000000000000
      20000680 08000700 ef050000 08000800 00000000 0c000900 0200000000000000
      04000100`);

  test('have the names of the standards', () => {
    expect(standardStatisticsOf(decodeAttributes(statisticsTable, answer))).toEqual(
      new Map([
        ['eth-mac.FramesTransmittedOK', 5],
        ['eth-mac.FramesReceivedOK', 2 ** 32],
        ['rmon.rx.etherStatsPkts64to127Octets', 9],
        ['rmon.tx.etherStatsPkts1519toMaxOctets', 2],
      ]),
    );
  });

  test('that are newer than this program are called by their numbers', () => {
    const group = [
      { id: 1, counter: [{ id: 50, value: 1 }] },
      { id: 9, counter: [{ id: 0, value: 2 }] },
    ];
    expect(standardStatisticsOf({ group })).toEqual(
      new Map([
        ['eth-mac.counter-50', 1],
        ['group-9.counter-0', 2],
      ]),
    );
  });

  test('come back from the table as they were', () => {
    const word = fc.nat(0xffff_ffff);
    const bucket = fc.record({ low: word, high: word, value: fc.maxSafeNat() }, { requiredKeys: [] });
    const some = { minLength: 1, maxLength: 4 };
    const group = fc.record(
      {
        id: word,
        stringSet: word,
        counter: fc.array(fc.record({ id: fc.nat(100), value: fc.maxSafeNat() }), some),
        rxBucket: fc.array(bucket, some),
        txBucket: fc.array(bucket, some),
      },
      { requiredKeys: [] },
    );
    const bits = fc.record({ noMask: fc.constant(true as const), sizeBits: word, bits: fc.uint8Array() });
    const value = fc.record({ groups: bits, group: fc.array(group, some) }, { requiredKeys: [] });
    fc.assert(
      fc.property(value, (given) => {
        const bytes = encodeAttributes(statisticsTable, given);
        expect(decodeAttributes(statisticsTable, bytes)).toEqual(given);
      }),
    );
  });

  test.each([
    ['a nest without a counter', '10000480 08000200 01000000 04000480'],
    ['a counter of 4 bytes', '18000480 08000200 01000000 0c000480 08000000 05000000'],
  ])('%s is malformed', (_, hex) => {
    expect(() => decodeAttributes(statisticsTable, bytesOfHex(hex))).toThrow(malformed);
  });

  test('every group has its names once', () => {
    for (const { counters } of statisticsGroups) expect(new Set(counters).size).toBe(counters.length);
    expect(statisticsGroups.map(({ counters }) => counters.length)).toEqual([1, 22, 3, 4]);
  });
});
