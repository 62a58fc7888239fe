import { describe, expect, it } from 'vitest';
import { listText } from './number-list.ts';

describe('lists of numbers', () => {
  it.each([
    [[], ''],
    [[4], '4'],
    [[3, 1, 2, 9, 11, 10], '1-3,9-11'],
  ])('writes %j as %s', (numbers, text) => {
    expect(listText(numbers)).toBe(text);
  });
});
