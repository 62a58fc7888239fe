import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  binary,
  decodeAttributes,
  encodeAttribute,
  encodeAttributes,
  flag,
  hardwareAddress,
  hexText,
  nested,
  numbered,
  readAttributeHeaders,
  s32,
  text,
  u16,
  u32,
  u64,
  u8,
} from './attributes.ts';
import type { AttributeTable, Codec } from './attributes.ts';
import { bytesOfHex } from './replay.fixture.ts';

const malformed: unknown = expect.objectContaining({ code: 'kernel.malformed' });

function upTo(max: number): fc.Arbitrary<number> {
  return fc.integer({ min: 0, max });
}
const hexBytes = fc.uint8Array({ maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const plainText = fc.string().filter((value) => !value.includes('\0'));

describe('codecs', () => {
  const codecs: readonly (readonly [string, Codec<unknown>, fc.Arbitrary<unknown>])[] = [
    ['u8', u8, upTo(0xff)],
    ['u16', u16, upTo(0xffff)],
    ['u32', u32, upTo(0xffff_ffff)],
    ['s32', s32, fc.integer()],
    ['u64', u64, fc.maxSafeNat()],
    ['text', text, plainText],
    ['hexText', hexText, hexBytes],
    ['hardwareAddress', hardwareAddress, hexBytes.map((hex) => hex.match(/../g)?.join(':') ?? '')],
    ['binary', binary, fc.uint8Array()],
    ['flag', flag, fc.constant(true)],
    ['numbered', numbered(u16), fc.array(upTo(0xffff))],
  ] as readonly (readonly [string, Codec<unknown>, fc.Arbitrary<unknown>])[];

  test.each(codecs)('%s comes back as it was', (_, codec, values) => {
    fc.assert(
      fc.property(values, (value) => {
        expect(codec.decode(codec.encode(value))).toEqual(value);
      }),
    );
  });

  test.each([
    ['u8', u8, 1],
    ['u16', u16, 2],
    ['u32', u32, 4],
    ['s32', s32, 4],
    ['u64', u64, 8],
  ] as const)('a %s that is too short is malformed', (_, codec, sizeBytes) => {
    expect(() => codec.decode(new Uint8Array(sizeBytes - 1))).toThrow(malformed);
  });

  test('text ends at the first NUL, or with the attribute', () => {
    expect(text.decode(bytesOfHex('6c6f 00 78'))).toBe('lo');
    expect(text.decode(bytesOfHex('6c6f'))).toBe('lo');
  });
});

describe('tables', () => {
  const inner = {
    name: { type: 1, codec: text },
    id: { type: 2, codec: u32 },
  } as const satisfies AttributeTable;
  const table = {
    count: { type: 3, codec: u16 },
    on: { type: 4, codec: flag },
    one: { type: 5, codec: nested(inner) },
    many: { type: 6, codec: nested(inner, { flagged: false }), repeated: true },
  } as const satisfies AttributeTable;

  const innerValue = fc.record({ name: plainText, id: upTo(0xffff_ffff) }, { requiredKeys: [] });
  const value = fc.record(
    {
      count: upTo(0xffff),
      on: fc.constant(true as const),
      one: innerValue,
      many: fc.array(innerValue, { minLength: 1, maxLength: 4 }),
      unknown: fc.array(fc.record({ type: fc.integer({ min: 7, max: 0x3fff }), bytes: fc.uint8Array() }), {
        minLength: 1,
        maxLength: 3,
      }),
    },
    { requiredKeys: [] },
  );

  test('what a table writes it reads again, unknown attributes too', () => {
    fc.assert(
      fc.property(value, (given) => {
        expect(decodeAttributes(table, encodeAttributes(table, given))).toEqual(given);
      }),
    );
  });

  test('NLA_F_NESTED is written where the row says so, and never needed to read', () => {
    expect(encodeAttributes(table, { one: { id: 1 } })).toEqual(bytesOfHex('0c000580 08000200 01000000'));
    expect(encodeAttributes(table, { many: [{ id: 1 }] })).toEqual(bytesOfHex('0c000600 08000200 01000000'));
    expect(decodeAttributes(table, bytesOfHex('0c000500 08000200 01000000'))).toEqual({ one: { id: 1 } });
    expect(decodeAttributes(table, bytesOfHex('0c000680 08000200 01000000'))).toEqual({ many: [{ id: 1 }] });
  });

  test.each([
    ['is longer than the message', '0c000300 0100'],
    ['is shorter than its header', '03000300 01000000'],
    ['has length 0', '00000300 01000000'],
    ['leaves its nest', '0c000580 0c000200 01000000'],
  ])('an attribute that %s is malformed', (_, hex) => {
    expect(() => decodeAttributes(table, bytesOfHex(hex))).toThrow(malformed);
  });

  test('padding behind the last attribute may be missing', () => {
    expect(decodeAttributes(table, bytesOfHex('06000300 0500'))).toEqual({ count: 5 });
    expect(decodeAttributes(table, bytesOfHex('06000300 05000000 00'))).toEqual({ count: 5 });
  });

  test('an attribute that its 16-bit length cannot hold is our own mistake', () => {
    expect(encodeAttribute(1, new Uint8Array(0xfffb)).byteLength).toBe(0x10000);
    expect(() => encodeAttribute(1, new Uint8Array(0xfffc))).toThrow(
      expect.objectContaining({ code: 'internal.bug' }),
    );
  });

  test('the walk stops where the bytes make no sense, and keeps what was before', () => {
    const { attributes, truncated } = readAttributeHeaders(bytesOfHex('05000100 07000000 ff000200'));
    expect(attributes).toEqual([{ type: 1, value: Uint8Array.of(7) }]);
    expect(truncated).toBe(true);
  });
});
