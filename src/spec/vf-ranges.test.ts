// Checks the arithmetic of VF ranges against sets.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coveredCount, overlapsOf, parseVfRange, type VfRange } from './vf-ranges.ts';

const range: fc.Arbitrary<VfRange> = fc
  .tuple(fc.nat(30), fc.nat(6))
  .map(([first, length]) => ({ key: `${first}-${first + length}`, first, last: first + length }));

function vfsOf({ first, last }: VfRange): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
}

describe('a key of VFs', () => {
  it.each([
    ['0', { key: '0', first: 0, last: 0 }],
    ['007', { key: '007', first: 7, last: 7 }],
    ['1-2', { key: '1-2', first: 1, last: 2 }],
    ['65534', { key: '65534', first: 65534, last: 65534 }],
    ['65535', '65535 is more than 65534, the highest VF index'],
    ['2-1', 'ends before it begins; write 1-2'],
    [`9-${'9'.repeat(400)}`, 'Infinity is more than 65534, the highest VF index'],
    ['1-2-3', 'is no VF index such as 3 and no range such as 0-2'],
    ['1.5', 'is no VF index such as 3 and no range such as 0-2'],
    ['-1', undefined],
    ['all', undefined],
    ['', undefined],
  ])('%j is understood', (key, meaning) => {
    expect(parseVfRange(key)).toEqual(meaning);
  });
});

describe('ranges', () => {
  it('overlap when a VF is in two of them', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 8 }), (ranges) => {
        const all = ranges.flatMap(vfsOf);
        expect(overlapsOf(ranges).length > 0).toBe(new Set(all).size < all.length);
        for (const { range, earlier } of overlapsOf(ranges)) {
          expect(vfsOf(range).some((vf) => vfsOf(earlier).includes(vf))).toBe(true);
        }
      }),
    );
  });

  it('cover each VF once', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 8 }), (ranges) => {
        expect(coveredCount(ranges)).toBe(new Set(ranges.flatMap(vfsOf)).size);
      }),
    );
  });
});
