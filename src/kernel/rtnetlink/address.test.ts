import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { IfIndex } from '../../base/identifiers.ts';
import { NetlinkClient } from '../netlink/client.ts';
import { bytesOfHex, replay } from '../netlink/replay.fixture.ts';
import { decodeAddress, encodeAddress, listAddresses } from './address.ts';
import { addressDialogue } from './captured-links.fixture.ts';
import { formatIpAddress } from './ip-address.ts';

const malformed: unknown = expect.objectContaining({ code: 'kernel.malformed' });

describe('addresses', () => {
  test('of a captured dump', async () => {
    const addresses = await listAddresses(new NetlinkClient(replay(addressDialogue)));
    const [ipv4, ipv6, site, link] = addresses;
    expect(addresses).toHaveLength(7);
    expect(ipv4).toEqual({
      ifIndex: 1,
      family: 'ipv4',
      address: '127.0.0.1',
      prefixLength: 8,
      scope: 'host',
    });
    expect(ipv6).toEqual({ ifIndex: 1, family: 'ipv6', address: '::1', prefixLength: 128, scope: 'host' });
    expect(site).toMatchObject({ ifIndex: 2, address: 'fec0::5054:ff:fe00:100', scope: 'site' });
    expect(link).toMatchObject({ ifIndex: 2, address: 'fe80::5054:ff:fe00:100', scope: 'link' });
  });

  test('come back as they were', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    );
    const scope = fc.oneof(
      fc.constantFrom('global', 'site', 'link', 'host', 'nowhere'),
      fc.integer({ min: 1, max: 199 }).map(String),
    );
    const ifIndex = fc.integer({ min: 1, max: 0x7fff_ffff }) as fc.Arbitrary<IfIndex>;
    fc.assert(
      fc.property(ifIndex, bytes, fc.nat(128), scope, (index, address, prefixLength, named) => {
        const given = {
          ifIndex: index,
          family: address.byteLength === 4 ? ('ipv4' as const) : ('ipv6' as const),
          address: formatIpAddress(address),
          prefixLength,
          scope: named,
        };
        expect(decodeAddress(encodeAddress(given))).toEqual(given);
      }),
    );
  });

  test('of a point-to-point link are our own end', () => {
    const payload = bytesOfHex('02200000 05000000 08000100 0a000002 08000200 0a000001');
    expect(decodeAddress(payload)).toMatchObject({ address: '10.0.0.1', prefixLength: 32 });
  });

  test('of another family are passed over', () => {
    expect(decodeAddress(bytesOfHex('2d080000 05000000 05000100 09000000'))).toBeUndefined();
  });

  test.each([
    ['without a header', '02080000'],
    ['without an address', '02080000 05000000'],
    ['with one of the other family', '0a800000 05000000 08000100 0a000001'],
    ['with one that is cut off', '02080000 05000000 08000100 0a00'],
  ])('%s are malformed', (_, hex) => {
    expect(() => decodeAddress(bytesOfHex(hex))).toThrow(malformed);
  });
});
