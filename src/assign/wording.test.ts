import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoted } from './wording.ts';

describe('a name in a message', () => {
  it('is left alone when it is plain', () => {
    expect(quoted('web-1')).toBe('web-1');
    expect(quoted('"><hostdev')).toBe('"\\"><hostdev"');
    expect(quoted('')).toBe('""');
  });

  it('is on one line and moves no cursor, and can be read back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const text = quoted(name);
        expect(text).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        expect(text.startsWith('"') ? JSON.parse(text) : text).toBe(name);
      }),
    );
  });
});
