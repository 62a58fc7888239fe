import fc from 'fast-check';
import { isIP } from 'node:net';
import { describe, expect, test } from 'vitest';
import { bytesOfHex } from '../netlink/replay.fixture.ts';
import { formatIpAddress, parseIpAddress } from './ip-address.ts';

describe('IP addresses', () => {
  test.each([
    ['7f000001', '127.0.0.1'],
    ['00000000 00000000 00000000 00000000', '::'],
    ['00000000 00000000 00000000 00000001', '::1'],
    ['fe800000 00000000 00fc00ff fe000001', 'fe80::fc:ff:fe00:1'],
    ['20010db8 00000000 00000000 00000000', '2001:db8::'],
    // RFC 5952, 4.2.2: one group of zeros alone is not shortened.
    ['20010db8 00000001 00010001 00010001', '2001:db8:0:1:1:1:1:1'],
    // 4.2.3: the longest run, the first of two that are equal.
    ['20010000 00000001 00000000 00000001', '2001:0:0:1::1'],
    ['20010db8 00000000 00010000 00000001', '2001:db8::1:0:0:1'],
    ['00000000 00000000 0000ffff c0000280', '::ffff:192.0.2.128'],
    ['00000000 00000000 00010000 00000000', '::1:0:0:0'],
    ['00010000 00000000 00000000 00000000', '1::'],
  ])('%s is %s', (hex, text) => {
    expect(formatIpAddress(bytesOfHex(hex))).toBe(text);
    expect(parseIpAddress(text)).toEqual(bytesOfHex(hex));
  });

  test('are text that others read, and come back as they were', () => {
    const sparse = fc.array(fc.oneof(fc.constant(0), fc.nat(255)), { minLength: 16, maxLength: 16 });
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      sparse.map((numbers) => Uint8Array.from(numbers)),
    );
    fc.assert(
      fc.property(bytes, (given) => {
        const text = formatIpAddress(given);
        expect(isIP(text)).toBe(given.byteLength === 4 ? 4 : 6);
        expect(parseIpAddress(text)).toEqual(given);
      }),
    );
  });

  test('agree with the normal form of the URL parser', () => {
    const sparse = fc.array(fc.constantFrom(0, 0, 0, 1), { minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(
        sparse.map((numbers) => Uint8Array.from(numbers)),
        (given) => {
          expect(new URL(`http://[${formatIpAddress(given)}]/`).hostname).toBe(`[${formatIpAddress(given)}]`);
        },
      ),
    );
  });

  test.each(['', '1.2.3', '1.2.3.4.5', '::g', 'fe80::1%eth0', '1:2:3:4:5:6:7:8:9', '::1::2'])(
    '%j is none',
    (text) => {
      expect(parseIpAddress(text)).toBeUndefined();
    },
  );

  test.each([0, 3, 5, 15, 17])('%i bytes are none', (sizeBytes) => {
    expect(() => formatIpAddress(new Uint8Array(sizeBytes))).toThrow(
      expect.objectContaining({ code: 'kernel.malformed' }),
    );
  });
});
