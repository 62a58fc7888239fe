// Checks that docs/validated.md tells the truth: its examples are lists, every key is on it, and its versions stand in
// the order that it says.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ValidatedEntry } from '../model/validated-list.ts';
import { facts } from './comparison.ts';
import { parseValidatedList } from './parsed-list.ts';
import { isInRange, parseVersionRange } from './version-range.ts';
import { compareVersions, parseVersion, type Version } from './version.ts';

const page = readFileSync(new URL('../../docs/validated.md', import.meta.url), 'utf8');

function version(text: string): Version {
  const parsed = parseVersion(text);
  if (parsed === undefined) throw new Error(`${text} is no version`);
  return parsed;
}

describe('the page about validated hardware', () => {
  it('has examples that are lists', () => {
    const examples = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = '']) => text);
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      expect(parseValidatedList(example, 'validated.md').list.entries.length).toBeGreaterThan(0);
    }
  });

  it('describes every key', () => {
    const plainKeys = Object.keys(ValidatedEntry.shape).filter(
      (key) => !facts.some((fact) => fact.key.startsWith(`${key}.`)),
    );
    for (const key of [...plainKeys, ...facts.map((fact) => fact.key)])
      expect(page).toMatch(new RegExp(`^\\| \`${key.replace('.', '\\.')}\` +\\| `, 'm'));
  });

  it('shows versions in their order', () => {
    const line = /^`.*` < .*$/m.exec(page)?.[0] ?? '';
    const order = line.split(' < ').map((text) => version(text.replaceAll('`', '')));
    expect(order.length).toBe(4);
    for (const [index, later] of order.slice(1).entries()) {
      expect(compareVersions(order[index] ?? [], later)).toBeLessThan(0);
    }
  });

  it.each([
    ['6.12.9', '6.12.9-amd64', false],
    ['22.5.*', '22.5', true],
    ['22.5.*', '22.50', false],
    ['<=6.12', '6.12.9', true],
    ['>6.12', '6.12.9', false],
    ['=6.12', '6.12.9', true],
    ['<6.13', '6.13-rc1', false],
    ['>=6.1 <6.13', '6.1', true],
    ['>=6.1 <6.13', '6.12.99', true],
  ])('says of %s and %s: %s', (rangeText, versionText, isTaken) => {
    expect(page).toContain(rangeText);
    const range = parseVersionRange(rangeText);
    if (typeof range === 'string') throw new Error(range);
    expect(isInRange(range, version(versionText))).toBe(isTaken);
  });
});
