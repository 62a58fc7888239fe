import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOfHex } from '../netlink/replay.fixture.ts';
import { igbStringSets } from './captured-ethtool.fixture.ts';
import type { EthtoolPort } from './driver-information.ts';
import {
  answerCounterRequest,
  decodeCounterCount,
  decodeCounterNames,
  decodeCounterValues,
  encodeCountRequest,
  ETHTOOL_GSSET_INFO,
  ETHTOOL_GSTATS,
  ETHTOOL_GSTRINGS,
  readDriverStatistics,
} from './driver-statistics.ts';

const malformed: unknown = expect.objectContaining({ code: 'kernel.malformed' });

function commandOf(request: Uint8Array): number {
  return new DataView(request.buffer, request.byteOffset).getUint32(0, true);
}

/** A driver with counters; `onRequest` runs before each answer and may change them. */
function driverWith(
  counters: Map<string, number>,
  onRequest: (command: number) => void = () => undefined,
): EthtoolPort {
  return {
    ethtoolIoctl: async (_, request) => {
      onRequest(commandOf(request));
      return answerCounterRequest(request, counters) ?? { errno: 'EOPNOTSUPP' };
    },
  };
}

describe('driver statistics', () => {
  test('come back as they were', async () => {
    const name = fc
      .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 31 })
      .filter((value) => value.trim() === value);
    const counters = fc.array(fc.tuple(name, fc.maxSafeNat()), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(counters, async (pairs) => {
        const given = new Map(pairs);
        expect(await readDriverStatistics(driverWith(given), 'eth0')).toEqual(given);
      }),
    );
  });

  test('captured: an igb has 67 counters', () => {
    expect(decodeCounterCount(bytesOfHex(igbStringSets))).toBe(67);
  });

  test('are absent without counters, without the operation and without the interface', async () => {
    expect(await readDriverStatistics(driverWith(new Map()), 'eth0')).toBeUndefined();
    for (const errno of ['EOPNOTSUPP', 'ENODEV']) {
      expect(await readDriverStatistics({ ethtoolIoctl: async () => ({ errno }) }, 'eth0')).toBeUndefined();
    }
  });

  test('keep the first of two values with one name, and leave out what has none', async () => {
    const kernel: EthtoolPort = {
      ethtoolIoctl: async (_, request) => {
        const answer = answerCounterRequest(
          request,
          new Map([
            ['a', 1],
            ['b', 2],
            ['c', 3],
          ]),
        );
        if (answer === undefined || commandOf(request) !== ETHTOOL_GSTRINGS) return answer ?? request;
        answer[12 + 32] = 0x61;
        answer[12 + 64] = 0;
        return answer;
      },
    };
    expect(await readDriverStatistics(kernel, 'eth0')).toEqual(new Map([['a', 1]]));
  });

  test.each([ETHTOOL_GSTRINGS, ETHTOOL_GSTATS])(
    'are read again when the driver got more of them before request %i',
    async (command) => {
      const counters = new Map([['a', 1]]);
      let changes = 0;
      const kernel = driverWith(counters, (asked) => {
        if (asked === command && changes++ === 0) counters.set('b', 2);
      });
      expect(await readDriverStatistics(kernel, 'eth0')).toEqual(
        new Map([
          ['a', 1],
          ['b', 2],
        ]),
      );
    },
  );

  test('are read again when the driver got fewer of them', async () => {
    const counters = new Map([
      ['a', 1],
      ['b', 2],
    ]);
    const kernel = driverWith(counters, (asked) => {
      if (asked === ETHTOOL_GSTATS) counters.delete('b');
    });
    expect(await readDriverStatistics(kernel, 'eth0')).toEqual(new Map([['a', 1]]));
  });

  test('that never stand still are given up after three attempts', async () => {
    const counters = new Map([['a', 1]]);
    let asked = 0;
    const kernel = driverWith(counters, (command) => {
      if (command === ETHTOOL_GSSET_INFO) asked += 1;
      if (command === ETHTOOL_GSTRINGS) counters.set(`more${counters.size}`, 1);
    });
    expect(await readDriverStatistics(kernel, 'eth0')).toBeUndefined();
    expect(asked).toBe(3);
  });

  test('that a driver refuses are thrown', async () => {
    const kernel: EthtoolPort = { ethtoolIoctl: async () => ({ errno: 'EIO' }) };
    await expect(readDriverStatistics(kernel, 'eth0')).rejects.toMatchObject({
      details: { operation: 'ETHTOOL_GSSET_INFO eth0', errno: 'EIO' },
    });
  });

  test('of a number that no driver has are malformed, and nothing is allocated for them', async () => {
    const kernel: EthtoolPort = {
      ethtoolIoctl: async (_, request) => {
        const answer = Uint8Array.from(request);
        new DataView(answer.buffer).setUint32(16, 0xffff_ffff, true);
        return answer;
      },
    };
    await expect(readDriverStatistics(kernel, 'eth0')).rejects.toThrow(malformed);
  });

  test('that do not fit in their bytes are malformed', () => {
    expect(() => decodeCounterCount(encodeCountRequest().subarray(0, 19))).toThrow(malformed);
    expect(() => decodeCounterNames(bytesOfHex('1b000000 01000000 01000000'))).toThrow(malformed);
    expect(() => decodeCounterNames(bytesOfHex('1b000000 01000000'))).toThrow(malformed);
    expect(() => decodeCounterValues(bytesOfHex('1d000000 02000000 0500000000000000'))).toThrow(malformed);
    expect(() => decodeCounterValues(bytesOfHex('1d000000'))).toThrow(malformed);
  });
});
