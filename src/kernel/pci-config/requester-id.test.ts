import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PciAddress, VfIndex } from '../../base/identifiers.ts';
import { addressOfRequesterId, requesterIdOf } from '../../base/identifiers.ts';
import { checkVfAddress, requesterIdOfVf } from './requester-id.ts';

const pf = '0000:01:00.0' as PciAddress;
const igb = { firstVfOffset: 128, vfStride: 2 };

function vf(index: number): VfIndex {
  return index as VfIndex;
}

test('the VFs of an igb are at 01:10.0, 01:10.2, 01:10.4', () => {
  expect([0, 1, 2].map((index) => requesterIdOfVf(0x0100, igb, vf(index)))).toEqual([0x180, 0x182, 0x184]);
  expect(checkVfAddress(pf, igb, vf(1), '0000:01:10.2' as PciAddress)).toEqual({
    requesterId: 0x182,
    conflict: undefined,
  });
});

test('the second port of a card counts from its own requester ID', () => {
  expect(checkVfAddress('0000:01:00.1' as PciAddress, igb, vf(0), '0000:01:10.1' as PciAddress)).toEqual({
    requesterId: 0x181,
    conflict: undefined,
  });
});

test('VFs run over into the next bus', () => {
  const mlx5 = { firstVfOffset: 2, vfStride: 1 };
  const place = checkVfAddress('0000:3b:00.0' as PciAddress, mlx5, vf(254), '0000:3c:00.0' as PciAddress);
  expect(place).toEqual({ requesterId: 0x3c00, conflict: undefined });
});

test('a link to another place, another domain or none is a conflict', () => {
  expect(checkVfAddress(pf, igb, vf(1), '0000:01:10.4' as PciAddress)).toEqual({
    requesterId: 0x182,
    conflict: 'virtfn1 leads to 0000:01:10.4; offset and stride say 0000:01:10.2',
  });
  expect(checkVfAddress(pf, igb, vf(1), '0001:01:10.2' as PciAddress).conflict).toBe(
    'virtfn1 leads to 0001:01:10.2; offset and stride say 0000:01:10.2',
  );
  expect(checkVfAddress(pf, igb, vf(1), undefined).conflict).toBe(
    'virtfn1 is missing; offset and stride say 0000:01:10.2',
  );
});

test('without offset and stride nothing is computed, and only a missing link is a conflict', () => {
  expect(checkVfAddress(pf, undefined, vf(0), '0000:01:10.0' as PciAddress)).toEqual({
    requesterId: undefined,
    conflict: undefined,
  });
  expect(checkVfAddress(pf, undefined, vf(0), undefined)).toEqual({
    requesterId: undefined,
    conflict: 'virtfn0 is missing, and there is no offset and stride',
  });
});

test('a requester ID is 16 bits and agrees with the address that is made of it', () => {
  const word = fc.integer({ min: 0, max: 0xffff });
  fc.assert(
    fc.property(word, word, word, word, (pfId, firstVfOffset, vfStride, index) => {
      const requesterId = requesterIdOfVf(pfId, { firstVfOffset, vfStride }, vf(index));
      expect(requesterId).toBe((pfId + firstVfOffset + vfStride * index) % 65536);
      const address = addressOfRequesterId('0000', requesterId);
      expect(requesterIdOf(address)).toBe(requesterId);
      const pfAddress = addressOfRequesterId('0000', pfId);
      expect(
        checkVfAddress(pfAddress, { firstVfOffset, vfStride }, vf(index), address).conflict,
      ).toBeUndefined();
    }),
  );
});
