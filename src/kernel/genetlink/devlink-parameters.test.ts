import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeAttributes, encodeAttributes } from '../netlink/attributes.ts';
import { bytesOfHex } from '../netlink/replay.fixture.ts';
import { parameterTable } from './devlink-attributes.ts';
import { parameterAttributesOf, parameterOf } from './devlink-parameters.ts';
import type { DevlinkParameter, ParameterType } from './devlink-parameters.ts';

const card = { bus: 'pci', device: '0000:01:00.0' };

function integer(max: number): fc.Arbitrary<string> {
  return fc.integer({ min: 0, max }).map(String);
}
const valuesByType: Readonly<Record<ParameterType, fc.Arbitrary<string>>> = {
  u8: integer(0xff),
  u16: integer(0xffff),
  u32: integer(0xffff_ffff),
  u64: integer(Number.MAX_SAFE_INTEGER),
  string: fc.string().filter((value) => !value.includes('\0')),
  flag: fc.boolean().map(String),
};
const parameter = fc.constantFrom(...(Object.keys(valuesByType) as ParameterType[])).chain((type) => {
  const value = valuesByType[type];
  const values = fc.record(
    { runtime: value, driverinit: value, permanent: value, 'mode 7': value },
    { requiredKeys: [] },
  );
  return fc.record({ name: fc.constant('max_macs'), generic: fc.boolean(), type: fc.constant(type), values });
});

describe('parameters', () => {
  test('of every type and mode come back as they were', () => {
    fc.assert(
      fc.property(parameter, (given) => {
        const whole: DevlinkParameter = { ...card, ...given };
        const bytes = encodeAttributes(parameterTable, parameterAttributesOf(whole));
        expect(parameterOf(card, decodeAttributes(parameterTable, bytes))).toEqual(whole);
      }),
    );
  });

  test('that are off have no bytes, and stay off', () => {
    const attributes = { name: 'enable_r', type: 6, values: { value: [{ mode: 0 }, { mode: 2 }] } };
    expect(parameterOf(card, attributes).values).toEqual({ runtime: 'false', permanent: 'false' });
    expect(parameterAttributesOf(parameterOf(card, attributes))).toEqual(attributes);
  });

  test('of a type that is newer than this program are shown in hex', () => {
    const value = [{ mode: 0, data: bytesOfHex('0102ff') }];
    const found = parameterOf(card, { name: 'future', type: 11, values: { value } });
    expect(found).toEqual({ ...card, name: 'future', generic: false, values: { runtime: '0102ff' } });
  });

  test('whose bytes are fewer than the type needs are malformed', () => {
    const value = [{ mode: 0, data: bytesOfHex('0102') }];
    expect(() => parameterOf(card, { name: 'max_macs', type: 3, values: { value } })).toThrow(
      expect.objectContaining({ code: 'kernel.malformed' }),
    );
  });

  test('without values are listed as such', () => {
    expect(parameterOf(card, { name: 'empty', type: 1 }).values).toEqual({});
  });
});
