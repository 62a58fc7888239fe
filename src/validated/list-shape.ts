// Owns the wording of what breaks the shape of a validated hardware list: keys, kinds of values, ranges of versions.
// Knows no host.

import type { z } from 'zod';
import { ValidatedEntry, ValidatedList } from '../model/validated-list.ts';
import { valueAt } from '../spec/problem.ts';
import type { Report, SpecPath } from '../spec/problem.ts';
import { suggestWord } from '../base/suggestion.ts';
import { listed, shown } from '../spec/wording.ts';
import { parseVersionRange } from './version-range.ts';

/** Keys by the mapping that they stand in; entries have a number in its place. */
const knownKeys: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(ValidatedList.shape),
  entry: Object.keys(ValidatedEntry.shape),
  server: ['vendor', 'product'],
  nic: ['id', 'subsystem'],
  driver: ['name', 'version'],
  hypervisor: ['qemu', 'libvirt'],
};

/** Where ranges of versions stand in an entry. */
const rangePaths: readonly (readonly [string, string?])[] = [
  ['firmware'],
  ['driver', 'version'],
  ['kernel'],
  ['hypervisor', 'qemu'],
  ['hypervisor', 'libvirt'],
];

/** The list that a file's values are; undefined when something breaks the shape, which goes to `report`. */
export function checkListShape(value: Record<string, unknown>, report: Report): ValidatedList | undefined {
  const result = ValidatedList.safeParse(value);
  for (const issue of result.error?.issues ?? []) {
    const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)));
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) report([...path, key], unknownKey(path, key));
    } else report(path, issueWording(issue, valueAt(value, path)));
  }
  if (!result.success) return undefined;
  for (const [index, entry] of result.data.entries.entries()) checkRanges(entry, index, report);
  return result.data;
}

function checkRanges(entry: ValidatedEntry, index: number, report: Report): void {
  for (const path of rangePaths) {
    const text = valueAt(
      entry,
      path.filter((key) => key !== undefined),
    );
    const range = typeof text === 'string' ? parseVersionRange(text) : undefined;
    if (typeof range === 'string') {
      report(['entries', index, ...path.filter((key) => key !== undefined)], `${shown(text)} ${range}`);
    }
  }
}

function unknownKey(path: SpecPath, key: string): string {
  const parent = path.at(-1);
  const known = knownKeys[typeof parent === 'number' ? 'entry' : (parent ?? '')] ?? [];
  const near = suggestWord(key, known);
  return near === undefined
    ? `unknown key; known are ${listed(known)}`
    : `unknown key; did you mean ${near}?`;
}

function issueWording(issue: z.core.$ZodIssue, given: unknown): string {
  if (given === undefined) return 'is missing';
  if (given === null) return 'is empty; give it a value, or leave it out';
  if (issue.code === 'invalid_value')
    return `${shown(given)} is not ${issue.values.map(String).join(' or ')}`;
  if (issue.code === 'invalid_format') return `${shown(given)} ${issue.message}`;
  if (issue.code === 'too_small') return 'is empty; give it a value, or leave it out';
  if (issue.code === 'too_big') return `is longer than ${issue.maximum} characters`;
  if (issue.code !== 'invalid_type') return `${shown(given)} does not fit: ${issue.message}`;
  if (issue.expected === 'array') return `must be a list, not ${shown(given)}`;
  if (issue.expected !== 'string') return `must be a mapping, not ${shown(given)}`;
  return typeof given === 'number' || typeof given === 'boolean'
    ? `must be text, and ${shown(given)} is not; put it in quotes`
    : `must be text, not ${shown(given)}`;
}
