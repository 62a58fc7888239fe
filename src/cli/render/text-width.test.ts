import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginningOf, columnsOf } from './text-width.ts';

describe('the width of a text', () => {
  it.each([
    ['', 0],
    ['web-1…', 6],
    ['größe', 5],
    ['e\u0301', 1],
    ['日本語', 6],
    ['ｱｲｳ', 3],
    ['ＡＢ', 4],
    ['서버', 4],
    ['🚀', 2],
    ['→≤', 2],
  ])('of %j is %i', (text, width) => {
    expect(columnsOf(text)).toBe(width);
  });

  it('bounds the beginning of any text', () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.stringMatching(/^[日本a-c🚀]*$/u));
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 20 }), (whole, columns) => {
        const beginning = beginningOf(whole, columns);
        expect(whole.startsWith(beginning)).toBe(true);
        expect(columnsOf(beginning)).toBeLessThanOrEqual(columns);
        expect(beginning === whole).toBe(columnsOf(whole) <= columns);
      }),
    );
  });
});
