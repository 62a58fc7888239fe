import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Errno } from '../kernel.ts';
import { bytesOfHex } from '../netlink/replay.fixture.ts';
import { igbDriverInformation, igbPermanentAddress } from './captured-ethtool.fixture.ts';
import {
  decodeDriverInformation,
  decodePermanentAddress,
  encodeDriverInformation,
  encodePermanentAddress,
  readDriverInformation,
  readPermanentAddress,
} from './driver-information.ts';
import type { EthtoolPort } from './driver-information.ts';

const malformed: unknown = expect.objectContaining({ code: 'kernel.malformed' });

function kernelWith(answer: Uint8Array | Errno): EthtoolPort {
  return { ethtoolIoctl: async () => answer };
}

const field = fc
  .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 31 })
  .filter((value) => value.trim() === value && value !== 'N/A');

describe('driver information', () => {
  test('of an igb, captured', async () => {
    const kernel = kernelWith(bytesOfHex(igbDriverInformation));
    expect(await readDriverInformation(kernel, 'eth0')).toEqual({
      driver: 'igb',
      version: '6.12.117+deb12-amd64',
      firmwareVersion: '2.1.0',
      busAddress: '0000:01:00.0',
    });
  });

  test('comes back as it was', () => {
    const information = fc.record(
      { driver: field, version: field, firmwareVersion: field, busAddress: field },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(information, (given) => {
        expect(decodeDriverInformation(encodeDriverInformation(given))).toEqual(given);
      }),
    );
  });

  test('that is empty or N/A is absent', () => {
    expect(decodeDriverInformation(encodeDriverInformation({ firmwareVersion: 'N/A' }))).toEqual({});
  });

  test('fills its fields to the end without a NUL', () => {
    const bytes = encodeDriverInformation({}).fill(0x61, 4, 36);
    expect(decodeDriverInformation(bytes)).toEqual({ driver: 'a'.repeat(32) });
  });

  test('that is cut off is malformed', () => {
    expect(() => decodeDriverInformation(new Uint8Array(195))).toThrow(malformed);
  });
});

describe('the permanent address', () => {
  test('of an igb, captured', async () => {
    const kernel = kernelWith(bytesOfHex(igbPermanentAddress));
    expect(await readPermanentAddress(kernel, 'eth0')).toBe('52:54:00:00:01:00');
  });

  test('comes back as it was', () => {
    const bytes = fc
      .uint8Array({ minLength: 1, maxLength: 32 })
      .filter((one) => one.some((byte) => byte > 0));
    const address = bytes.map((one) => Buffer.from(one).toString('hex').match(/../g)?.join(':') ?? '');
    fc.assert(
      fc.property(address, (given) => {
        expect(decodePermanentAddress(encodePermanentAddress(given, 40))).toBe(given);
      }),
    );
  });

  test('of zeros, or of no bytes, is none', () => {
    expect(decodePermanentAddress(encodePermanentAddress('00:00:00:00:00:00', 40))).toBeUndefined();
    expect(decodePermanentAddress(encodePermanentAddress('', 40))).toBeUndefined();
  });

  test.each(['20000000', '20000000 21000000', `20000000 ffffffff ${'11'.repeat(32)}`])(
    '%s is malformed',
    (hex) => {
      expect(() => decodePermanentAddress(bytesOfHex(hex))).toThrow(malformed);
    },
  );
});

describe('a driver', () => {
  test.each(['EOPNOTSUPP', 'ENODEV'])('that answers %s has nothing to tell', async (errno) => {
    expect(await readDriverInformation(kernelWith({ errno }), 'eth0')).toBeUndefined();
    expect(await readPermanentAddress(kernelWith({ errno }), 'eth0')).toBeUndefined();
  });

  test('that answers another errno throws it', async () => {
    await expect(readDriverInformation(kernelWith({ errno: 'EIO' }), 'eth0')).rejects.toMatchObject({
      code: 'kernel.refused',
      details: { operation: 'ETHTOOL_GDRVINFO eth0', errno: 'EIO' },
    });
  });

  test('whose answer has another length than the request is malformed', async () => {
    await expect(readDriverInformation(kernelWith(new Uint8Array(10)), 'eth0')).rejects.toThrow(malformed);
  });
});
