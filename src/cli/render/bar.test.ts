import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderBar } from './bar.ts';

describe('a bar', () => {
  it.each([
    [0, 0, '..........'],
    [0.001, 0.001, '#.........'],
    [0.5, 0.7, '#####==...'],
    [0.999, 0.999, '#########.'],
    [1, 1, '##########'],
    [1.4, 2, '##########'],
  ])('of %f and %f', (mean, most, text) => {
    expect(renderBar({ mean, most }, 10, false)).toBe(text);
  });

  it('is as long as asked for, in both alphabets', () => {
    fc.assert(
      fc.property(
        fc.double(),
        fc.double(),
        fc.integer({ min: 1, max: 200 }),
        fc.boolean(),
        (mean, most, width, isUtf8) => {
          expect(renderBar({ mean, most }, width, isUtf8)).toHaveLength(width);
        },
      ),
    );
  });
});
