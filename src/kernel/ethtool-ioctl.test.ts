// Against the real kernel of the machine that runs the tests; every network namespace has lo.

import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  ETHTOOL_GDRVINFO,
  driverInfoBytes,
  readPermanentAddress,
  requestOf,
} from './ethtool/driver-information.ts';
import {
  decodeCounterCount,
  encodeCountRequest,
  ETH_SS_STATS,
  ETHTOOL_GSTRINGS,
  readDriverStatistics,
} from './ethtool/driver-statistics.ts';
import { ethtoolIoctl } from './ethtool-ioctl.ts';
import { isErrno } from './kernel.ts';

const kernel = { ethtoolIoctl };

async function countersOf(ifName: string): Promise<number> {
  const answer = await ethtoolIoctl(ifName, encodeCountRequest());
  return isErrno(answer) ? 0 : (decodeCounterCount(answer) ?? 0);
}

describe('SIOCETHTOOL', () => {
  test('answers in an array as long as the request', async () => {
    const request = encodeCountRequest();
    const answer = await ethtoolIoctl('lo', request);
    expect(isErrno(answer)).toBe(false);
    expect(answer).toHaveLength(request.byteLength);
    expect(request).toEqual(encodeCountRequest());
  });

  test('gives the errno of a refusal', async () => {
    const request = requestOf(driverInfoBytes, ETHTOOL_GDRVINFO);
    expect(await ethtoolIoctl('lo', request)).toEqual({ errno: 'EOPNOTSUPP' });
    expect(await ethtoolIoctl('no-such-name', request)).toEqual({ errno: 'ENODEV' });
  });

  test.each(['', 'sixteen-letters-', 'lo\0', 'ö'.repeat(8)])('knows no interface called %j', async (name) => {
    expect(await ethtoolIoctl(name, encodeCountRequest())).toEqual({ errno: 'ENODEV' });
  });

  test('tells that lo has no permanent address and no counters', async () => {
    expect(await readPermanentAddress(kernel, 'lo')).toBeUndefined();
    expect(await readDriverStatistics(kernel, 'lo')).toBeUndefined();
  });

  test('serves many at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => ethtoolIoctl('lo', encodeCountRequest())),
    );
    expect(answers.filter((answer) => !isErrno(answer))).toHaveLength(50);
  });

  test('survives a driver that gives more names than there is room for', async () => {
    const names = readdirSync('/sys/class/net');
    const counts = await Promise.all(names.map(countersOf));
    const counting = names.filter((_, index) => (counts[index] ?? 0) > 0);
    for (const name of counting) {
      const request = requestOf(12, ETHTOOL_GSTRINGS, ETH_SS_STATS, 0);
      expect(await ethtoolIoctl(name, request)).toHaveLength(12);
      expect((await readDriverStatistics(kernel, name))?.size).toBeGreaterThan(0);
    }
    // On a machine where no interface counts, lo still answers.
    expect(names).toContain('lo');
  });
});
