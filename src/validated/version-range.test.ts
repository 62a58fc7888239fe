import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, parseVersion } from './version.ts';
import { isInRange, parseVersionRange } from './version-range.ts';

function takes(rangeText: string, versionText: string): boolean | string {
  const range = parseVersionRange(rangeText);
  const version = parseVersion(versionText);
  if (typeof range === 'string') return range;
  return version !== undefined && isInRange(range, version);
}

describe('a range of versions', () => {
  it.each([
    ['22.5.7', '22.5.7', true],
    ['22.5.7', '22.5.8', false],
    ['22.5', '22.5.7', false],
    ['22.5.*', '22.5.7', true],
    ['22.5.*', '22.5', true],
    ['22.5.*', '22.50.1', false],
    ['22.5.*', '22.6', false],
    ['*', '6.12.9-amd64', true],
    ['>=6.1 <6.13', '6.1.0-37-amd64', true],
    ['>=6.1 <6.13', '6.12.9-amd64', true],
    ['>=6.1 <6.13', '6.13.0-amd64', false],
    ['>=6.1 <6.13', '6.13.0-rc1', false],
    ['>=6.1 <6.13', '6.0.19', false],
    ['<=6.12', '6.12.9-amd64', true],
    ['>6.12', '6.12.9-amd64', false],
    ['>6.12', '6.13.0', true],
    ['=5.14.0-427', '5.14.0-427.13.1.el9_4', true],
    ['=5.14.0-427', '5.14.0-362.el9', false],
    ['4.40 0x8001c967 1.3534.0', '4.40 0x8001c967 1.3534.0', true],
    ['4.40 0x8001c967 1.3534.0', '4.40 0x8001c968 1.3534.0', false],
    ['4.40.*', '4.40 0x8001c967 1.3534.0', true],
    ['>=4.40 0x8001c967 <4.50', '4.40 0x8001c967 1.3534.0', true],
    ['>=4.40 0x8001c967 <4.50', '4.40 0x8001c000 1.3534.0', false],
    ['>= 7.2', '7.2.15', true],
    ['6.12.9-*', '6.12.9-amd64', 'has a * that is no part of its own at the end, as in 22.5.*'],
    ['', '1', 'is empty; give it a version, or leave the key out'],
    ['>=', '1', 'has no version behind >='],
    ['>=6.1<6.13', '6.5', 'has operators side by side; put a space between two bounds'],
    ['6.1 <6.13', '6.5', 'has an operator behind a version; operators stand first, as in >=6.1 <6.13'],
    ['>=22.*', '22.1', 'has a * behind an operator; write 22.5.* alone'],
    ['22.*.1', '22.5.1', 'has a * that is no part of its own at the end, as in 22.5.*'],
    ['--', '1', 'is no version'],
  ])('%j with %s: %s', (range, version, expected) => {
    expect(takes(range, version)).toBe(expected);
  });

  const dotted = fc
    .array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 4 })
    .map((numbers) => numbers.join('.'));

  it('takes a version that is written as its range', () => {
    fc.assert(
      fc.property(dotted, (text) => {
        expect([takes(text, text), takes(`${text}.*`, text)]).toEqual([true, true]);
      }),
    );
  });

  it('is on exactly one side of a bound, or at it', () => {
    fc.assert(
      fc.property(dotted, dotted, (bound, text) => {
        const sides = [takes(`<${bound}`, text), takes(`${bound}.*`, text), takes(`>${bound}`, text)];
        expect(sides.filter((side) => side === true)).toHaveLength(1);
        expect(takes(`>=${bound}`, text)).toBe(takes(`<${bound}`, text) === false);
        expect(takes(`<=${bound}`, text)).toBe(takes(`>${bound}`, text) === false);
      }),
    );
  });

  it('has no holes: between two versions that a range takes, it takes every one', () => {
    fc.assert(
      fc.property(dotted, dotted, dotted, dotted, dotted, (low, high, ...texts) => {
        const [first, middle, last] = texts.sort((a, b) =>
          compareVersions(parseVersion(a) ?? [], parseVersion(b) ?? []),
        );
        const range = `>=${low} <=${high}`;
        fc.pre(takes(range, first) === true && takes(range, last) === true);
        expect(takes(range, middle)).toBe(true);
      }),
    );
  });

  it('takes any text without failing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(['string', 'object']).toContain(typeof parseVersionRange(text));
      }),
    );
  });
});
