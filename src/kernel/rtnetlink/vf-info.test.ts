import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOfHex } from '../netlink/replay.fixture.ts';
import { encodeVfInfo } from './vf-info-table.ts';
import { decodeVfInfo } from './vf-info.ts';
import { encodeVfSettings } from './vf-settings.ts';
import type { VfInfo, VfInfoSettings } from './vf-info.ts';
import type { VfIndex } from '../../base/identifiers.ts';

const malformed: unknown = expect.objectContaining({ code: 'kernel.malformed' });
const attributeHeaderBytes = 4;

const mac = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map((bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':'));
const rate = fc.integer({ min: 0, max: 0xffff_ffff });
const settings = {
  mac,
  vlan: fc.integer({ min: 0, max: 4094 }),
  qos: fc.integer({ min: 0, max: 7 }),
  vlanProtocol: fc.constantFrom('802.1Q' as const, '802.1ad' as const),
  minTxRateMbps: rate,
  maxTxRateMbps: rate,
  spoofCheck: fc.boolean(),
  trust: fc.boolean(),
  linkState: fc.constantFrom('auto' as const, 'enable' as const, 'disable' as const),
  rssQuery: fc.boolean(),
};
const counter = fc.maxSafeNat();
const statistics = fc.record({
  rxPackets: counter,
  txPackets: counter,
  rxBytes: counter,
  txBytes: counter,
  broadcast: counter,
  multicast: counter,
  rxDropped: counter,
  txDropped: counter,
});
const index = fc.integer({ min: 0, max: 255 }) as fc.Arbitrary<VfIndex>;

/** Value of the one attribute that these bytes are. */
function valueOf(attribute: Uint8Array): Uint8Array {
  const length = new DataView(attribute.buffer, attribute.byteOffset).getUint16(0, true);
  return attribute.subarray(attributeHeaderBytes, length);
}

describe('a VF of a dump', () => {
  test('comes back as it was', () => {
    const info = fc.record(
      { index, settings: fc.record(settings), statistics },
      { requiredKeys: ['index', 'settings'] },
    );
    fc.assert(
      fc.property(info, (given: VfInfo) => {
        expect(decodeVfInfo(valueOf(encodeVfInfo(given)))).toEqual(given);
      }),
    );
  });

  test('without spoof check, trust and RSS query in its driver has none of them', () => {
    const bytes = encodeVfInfo({ index: 3 as VfIndex, settings: { mac: '02:00:00:00:00:01', vlan: 7 } });
    const { settings: found } = decodeVfInfo(valueOf(bytes));
    expect(found).toMatchObject({ mac: '02:00:00:00:00:01', vlan: 7 });
    expect(Object.keys(found)).not.toContain('spoofCheck');
    expect(Object.keys(found)).not.toContain('trust');
    expect(Object.keys(found)).not.toContain('rssQuery');
  });

  test.each([
    ['names no VF', '08000f00 00000000'],
    ['has a MAC of 2 bytes', '0a000100 00000000 0200'],
    ['has a VLAN without QoS', '0c000200 00000000 01000000'],
    ['has a VLAN list whose entry is cut off', '10000c00 0c000100 00000000 01000000'],
    ['has a counter of 4 bytes', '08000400 00000000 0c000800 08000000 01000000'],
  ])('that %s is malformed', (_, hex) => {
    expect(() => decodeVfInfo(bytesOfHex(hex))).toThrow(malformed);
  });
});

describe('a change of a VF', () => {
  test('says what is set and nothing else', () => {
    const change = fc.record(settings, { requiredKeys: [] }).filter((one) => Object.keys(one).length > 0);
    fc.assert(
      fc.property(index, change, (vf, given) => {
        const { qos, vlanProtocol, ...rest } = given;
        const tagged = given.vlan !== undefined;
        const rated = given.minTxRateMbps !== undefined || given.maxTxRateMbps !== undefined;
        fc.pre(tagged || Object.keys(rest).length > 0);
        const wanted: VfInfoSettings = {
          ...rest,
          // QoS goes with the VLAN, and both rates go together.
          ...(tagged ? { qos: qos ?? 0 } : {}),
          ...(tagged && vlanProtocol === '802.1ad' ? { vlanProtocol } : {}),
          ...(rated
            ? { minTxRateMbps: given.minTxRateMbps ?? 0, maxTxRateMbps: given.maxTxRateMbps ?? 0 }
            : {}),
        };
        expect(decodeVfInfo(valueOf(encodeVfSettings(vf, given)))).toEqual({
          index: vf,
          settings: wanted,
        });
      }),
    );
  });

  test('is written as iproute2 writes `ip link set eth0 vf 2 mac … vlan 100 qos 3`', () => {
    expect(encodeVfSettings(2, { mac: '52:54:00:aa:00:01', vlan: 100, qos: 3 })).toEqual(
      bytesOfHex(`3c000100
        28000100 02000000 525400aa0001 0000 00000000 00000000 00000000 00000000 00000000 00000000
        10000200 02000000 64000000 03000000`),
    );
  });

  test('to 802.1ad goes in a list of tags, with the protocol in network byte order', () => {
    expect(encodeVfSettings(1, { vlan: 200, vlanProtocol: '802.1ad' })).toEqual(
      bytesOfHex('1c000100 18000c00 14000100 01000000 c8000000 00000000 88a80000'),
    );
  });
});
