import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpuMapOf, parseNumberSet, renderNumberSet } from './number-set.ts';

const numbers = fc
  .uniqueArray(fc.nat(16_383), { minLength: 1, maxLength: 60 })
  .map((set) => set.sort((a, b) => a - b));

describe('a set of numbers', () => {
  test('is read back as it was rendered', () => {
    fc.assert(
      fc.property(numbers, (set) => {
        expect(parseNumberSet(renderNumberSet(set))).toEqual(set);
      }),
    );
  });

  test('is rendered with ranges, and read with exceptions', () => {
    expect(renderNumberSet([8, 1, 2, 3, 3])).toBe('1-3,8');
    expect(parseNumberSet('0-4,^2, 9')).toEqual([0, 1, 3, 4, 9]);
  });

  test('is a bit for each as libvirt sends it', () => {
    expect(cpuMapOf([0, 3, 9]).toString('hex')).toBe('0902');
    fc.assert(
      fc.property(numbers, (set) => {
        const bits = [...cpuMapOf(set)].flatMap((byte, index) =>
          [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (byte >> bit) & 1).map((bit) => index * 8 + bit),
        );
        expect(bits).toEqual(set);
      }),
    );
  });
});
