import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMulticastMac, parseMacAddress } from '../base/identifiers.ts';
import { chooseMac, deriveMac } from './mac.ts';

const anyOwner = fc.string({ unit: 'binary', maxLength: 40 });
const anyOrdinal = fc.integer({ min: 0, max: 5000 });

describe('the MAC address of a VM on a network', () => {
  it('is locally administered, of one interface, and always the same', () => {
    fc.assert(
      fc.property(anyOwner, anyOwner, anyOrdinal, (owner, network, ordinal) => {
        const mac = deriveMac(owner, network, ordinal);
        expect(parseMacAddress(mac)).toBe(mac);
        expect(isMulticastMac(mac)).toBe(false);
        expect(parseInt(mac.slice(0, 2), 16) & 2).toBe(2);
        expect(deriveMac(owner, network, ordinal)).toBe(mac);
      }),
    );
  });

  it('does not change from one version of vfleet to the next', () => {
    expect(deriveMac('5f0c6a1e-7d1b-4f7a-9a55-000000000001', 'storage', 0)).toBe('1a:95:51:2e:6a:03');
    expect(deriveMac('5f0c6a1e-7d1b-4f7a-9a55-000000000001', 'storage', 1)).toBe('92:7d:fd:ea:5c:e9');
  });

  it('is another for another VM, network or place, also where names run into each other', () => {
    const macs = [
      deriveMac('a', 'bc', 0),
      deriveMac('ab', 'c', 0),
      deriveMac('a', 'bc', 1),
      deriveMac('a', 'b', 0),
      deriveMac('"a","b', '', 0),
      deriveMac('"a', 'b"', 0),
    ];
    expect(new Set(macs).size).toBe(macs.length);
  });

  it('is the first that nobody has', () => {
    const users = new Map([
      [deriveMac('vm', 'net', 0), 'lease'],
      [deriveMac('vm', 'net', 1), 'lease'],
    ] as const);
    expect(chooseMac(undefined, 'vm', 'net', users)).toBe(deriveMac('vm', 'net', 2));
    expect(chooseMac(undefined, 'vm', 'net', new Map())).toBe(deriveMac('vm', 'net', 0));
  });

  it('may be given, and then is nobody else’s', () => {
    const users = new Map([['52:54:00:00:00:01', 'VM web-1']]);
    expect(chooseMac('52-54-00-00-00-0A', 'vm', 'net', users)).toBe('52:54:00:00:00:0a');
    expect(() => chooseMac('52:54:00:00:00:01', 'vm', 'net', users)).toThrow(/in use by VM web-1/);
    for (const mac of ['', 'x', '00:00:00:00:00:00', '01:00:5e:00:00:01', '52:54:00:00:00:01"><'])
      expect(() => chooseMac(mac, 'vm', 'net', users)).toThrow(
        expect.objectContaining({ code: 'usage.invalid' }),
      );
  });
});
