import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeVitalProductData, parseVitalProductData } from './vital-product-data.ts';

// Identifier string, read-only part with V0, PN and SN, the end tag, and memory that was never written.
const product = 'XL710 40GbE Controller';
const partNumber = 'K65849-001';

function large(tag: number, ...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  return Buffer.concat([Uint8Array.of(tag, body.length & 0xff, body.length >> 8), body]);
}

function field(keyword: string, value: string): Uint8Array {
  return Buffer.concat([Buffer.from(keyword), Uint8Array.of(value.length), Buffer.from(value)]);
}

const whole = Buffer.concat([
  large(0x82, product),
  large(0x90, field('V0', 'FFV20.5.13'), field('PN', partNumber), field('SN', '3CFDFE9D5E40')),
  Uint8Array.of(0x78),
  new Uint8Array(64).fill(0xff),
]);

describe('vital product data', () => {
  it('names product and part', () => {
    expect(parseVitalProductData(whole)).toEqual({ product, partNumber });
  });

  it('is understood when its end is missing', () => {
    expect(parseVitalProductData(whole.subarray(0, 30))).toEqual({ product, partNumber: undefined });
    expect(parseVitalProductData(whole.subarray(0, 24))).toEqual({
      product: undefined,
      partNumber: undefined,
    });
    const afterPartNumber = whole.indexOf(partNumber) + partNumber.length;
    expect(parseVitalProductData(whole.subarray(0, afterPartNumber)).partNumber).toBe(partNumber);
    expect(parseVitalProductData(whole.subarray(0, afterPartNumber - 1)).partNumber).toBeUndefined();
  });

  it('passes over small resources and the part that can be written', () => {
    const bytes = Buffer.concat([
      Uint8Array.of(0x12, 1, 2),
      large(0x91, field('PN', 'no')),
      large(0x82, 'name'),
    ]);
    expect(parseVitalProductData(bytes)).toEqual({ product: 'name', partNumber: undefined });
  });

  it.each([
    ['nothing', new Uint8Array(0)],
    ['zeros', new Uint8Array(256)],
    ['ones', new Uint8Array(256).fill(0xff)],
    ['blanks', large(0x82, '  \0  ')],
  ])('of %s says nothing', (_, bytes) => {
    expect(parseVitalProductData(bytes)).toEqual({ product: undefined, partNumber: undefined });
  });

  it('gives text that can be printed', () => {
    expect(parseVitalProductData(large(0x82, Uint8Array.of(0x41, 0x1b, 0x42, 0xe9, 0x0a, 0, 0x43)))).toEqual({
      product: 'A B',
      partNumber: undefined,
    });
  });

  it('is read as the simulated host writes it', () => {
    const text = fc.stringMatching(/^[!-~]{1,60}$/);
    fc.assert(
      fc.property(text, text, (name, part) => {
        const bytes = encodeVitalProductData({ product: name, partNumber: part });
        expect(parseVitalProductData(bytes)).toEqual({ product: name, partNumber: part });
        // Up to the checksum all bytes add up to 0 (PCI Local Bus Specification 3.0, I.3.2).
        expect(bytes.subarray(0, -1).reduce((sum, byte) => (sum + byte) & 0xff, 0)).toBe(0);
      }),
    );
  });

  it('may be any bytes', () => {
    const anyBytes = fc.uint8Array({ maxLength: 600 });
    const damaged = fc
      .tuple(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length))
      .map(([at, byte, length]) => {
        const copy = Uint8Array.from(whole);
        copy[at] = byte;
        return copy.subarray(0, length);
      });
    fc.assert(
      fc.property(fc.oneof(anyBytes, damaged), (bytes) => {
        for (const text of Object.values(parseVitalProductData(bytes)) as (string | undefined)[])
          expect(text ?? 'x').toMatch(/^[!-~](?:[ -~]*[!-~])?$/);
      }),
      { numRuns: 20_000 },
    );
  });
});
