import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, maxVersionLength, parseVersion, type Version } from './version.ts';

function version(text: string): Version {
  const parsed = parseVersion(text);
  if (parsed === undefined) throw new Error(`${text} is no version`);
  return parsed;
}

function order(a: string, b: string): number {
  return Math.sign(compareVersions(version(a), version(b)));
}

/** Versions that look like those of the field, with many shared parts, so that ties and near misses are common. */
const fieldVersion = fc
  .array(
    fc.tuple(
      fc.constantFrom('.', '-', ' ', '_', '+', '~', '/'),
      fc.constantFrom(
        '0',
        '1',
        '2',
        '9',
        '10',
        '007',
        '0x1f',
        'rc',
        'rc1',
        'el9',
        'amd64',
        'beta',
        'pre',
        'deb13',
        'A',
      ),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts) => parts.flat().join('').slice(1));

describe('the order of versions', () => {
  it.each([
    ['22.5.7', '22.5.10'],
    ['9.20 0x8000d9c5 1.3353.0', '9.20 0x8000d9c6 1.0.0'],
    ['4.40 0x8001c967 1.3534.0', '4.50 0x80000001 1.0.0'],
    ['6.12.9-amd64', '6.12.10-amd64'],
    ['6.1.0-37-amd64', '6.12.9-amd64'],
    ['5.14.0-427.el9', '5.14.0-427.13.1.el9_4'],
    ['5.14.0-362.24.1.el9_3', '5.14.0-427.el9'],
    ['6.12', '6.12.0'],
    ['6.12.9', '6.12.9-amd64'],
    ['6.13-rc7', '6.13'],
    ['6.13.0-rc1', '6.13.0-rc2'],
    ['6.13~rc1', '6.13'],
    ['1.0-alpha', '1.0-beta'],
    ['1.0-beta', '1.0-rc1'],
    ['229.0.163.0/pkg 229.1.123.0', '230.0.1.0/pkg 1'],
    ['mfw 8.25.7.0 storm 8.20.0.0', 'mfw 8.25.8.0 storm 8.20.0.0'],
    ['99999999999999999999998', '99999999999999999999999'],
  ])('puts %s before %s', (older, newer) => {
    expect([order(older, newer), order(newer, older)]).toEqual([-1, 1]);
  });

  it.each([
    ['22.5.7', '22.05.7'],
    ['6.12.9-AMD64', '6.12.9_amd64'],
    ['4.40 0x8001C967 1.3534.0', '4.40  0x8001c967  1.3534.0'],
  ])('takes %s and %s for the same', (a, b) => {
    expect(order(a, b)).toBe(0);
  });

  it.each(['', '   ', '...', '()', 'x'.repeat(maxVersionLength + 1)])('finds no version in %j', (text) => {
    expect(parseVersion(text)).toBeUndefined();
  });

  it('is the same read from either side', () => {
    fc.assert(
      fc.property(fieldVersion, fieldVersion, (a, b) => {
        // 0 and -0 are the same order.
        expect(order(a, b) + order(b, a)).toBe(0);
        expect(order(a, a)).toBe(0);
      }),
    );
  });

  it('is transitive', () => {
    fc.assert(
      fc.property(fieldVersion, fieldVersion, fieldVersion, (a, b, c) => {
        const [low, middle, high] = [a, b, c].sort(order) as [string, string, string];
        expect(order(low, middle)).toBeLessThanOrEqual(0);
        expect(order(middle, high)).toBeLessThanOrEqual(0);
        expect(order(low, high)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 500 },
    );
  });

  it('does not care which of two versions that are the same is compared', () => {
    fc.assert(
      fc.property(fieldVersion, fieldVersion, (a, b) => {
        const written = a.toUpperCase().replaceAll(/[. _+/-]+/g, ' ');
        expect(order(written, b)).toBe(order(a, b));
      }),
    );
  });

  it('orders numbers by value', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n }), fc.bigInt({ min: 0n }), (a, b) => {
        fc.pre(a.toString().length + b.toString().length < maxVersionLength);
        expect(order(`1.${a}`, `1.${b}`)).toBe(a === b ? 0 : a < b ? -1 : 1);
      }),
    );
  });

  it('takes any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        const parsed = parseVersion(text);
        expect(parsed === undefined || parsed.length > 0).toBe(true);
      }),
    );
  });
});
