import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCpuList } from './cpu-list.ts';

describe('a list of CPUs', () => {
  it.each([
    ['', []],
    ['(null)', []],
    ['0', [0]],
    ['0-3,8,16-17', [0, 1, 2, 3, 8, 16, 17]],
    ['4,0-1,1', [0, 1, 4]],
    ['16383', [16_383]],
  ])('%j is read', (text, cpus) => {
    expect(parseCpuList(text)).toEqual(cpus);
  });

  it.each([undefined, ',', '1,', '3-1', '-1', '0-', 'a', '0-16384', '99999999999', '0 1', '0x3'])(
    '%j is none',
    (text) => {
      expect(parseCpuList(text)).toBeUndefined();
    },
  );

  it('comes back as it was written', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat({ max: 16_383 }), { maxLength: 50 }), (cpus) => {
        expect(parseCpuList(cpus.join(','))).toEqual([...cpus].sort((a, b) => a - b));
      }),
    );
  });

  it('is never more than the kernel can have, whatever it says', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('0', '1', '9', '-', ','), maxLength: 60 }), (text) => {
        expect(parseCpuList(text)?.length ?? 0).toBeLessThanOrEqual(16_384);
      }),
      { numRuns: 2000 },
    );
  });
});
