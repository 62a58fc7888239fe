// Owns the check of a file's shape against the schema: keys, kinds of values, limits of single values.
// What belongs together in a file is checked by file-rules.ts, what a host allows by host-rules.ts.

import type { z } from 'zod';
import { Network } from '../model/network.ts';
import type { EswitchMode } from '../model/pf.ts';
import { HostSpec, PfMatch, PfSpec, VfSpec, type VfsSpec } from '../model/spec.ts';
import { valueAt } from './problem.ts';
import type { Report, SpecPath } from './problem.ts';
import { suggestWord } from '../base/suggestion.ts';
import { parseVfRange } from './vf-ranges.ts';
import { alternatives, listed, shown } from './wording.ts';

/** What is left of a spec when everything that is wrong in itself has been taken out of it. */
export interface SoundSpec {
  readonly networks?: readonly (SoundNetwork | null)[];
  readonly pfs?: readonly (SoundPf | null)[];
}
export type SoundNetwork = Partial<Network>;
export interface SoundPf {
  readonly match?: PfMatch;
  readonly expect?: number;
  readonly mtu?: number;
  readonly up?: boolean;
  readonly eswitch?: EswitchMode;
  readonly networks?: readonly (string | null)[];
  readonly vfs?: VfsSpec;
}

const vfSpecKeys = Object.keys(VfSpec.shape);
const pfSpecKeys = Object.keys(PfSpec.shape);
const networkKeys = Object.keys(Network.shape);

/** What the highest value stands for, by key. */
const limitMeanings: Readonly<Record<string, string>> = {
  vlan: 'the highest VLAN',
  qos: 'the highest priority',
  mtu: 'the highest MTU',
  count: 'the most VFs a PF can have',
};

/**
 * Reports everything in the value that breaks the schema. Takes it out of the value, which is changed, and returns
 * what is left, so that the other rules can be checked in the same run.
 */
export function checkShape(value: Record<string, unknown>, report: Report): SoundSpec {
  checkVfKeys(value, report);
  // A key that is missing cannot be taken out, so that nothing is learnt from a second pass.
  const issues = HostSpec.safeParse(value).error?.issues ?? [];
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) {
        const path = [...pathOf(issue), key];
        report(path, unknownKey(path));
      }
    } else {
      const path = pathOf(issue);
      const given = valueAt(value, path);
      const wording = issueWording(issue, path, given);
      if (wording !== undefined) report(path, wording);
    }
  }
  for (const issue of issues) {
    const path = pathOf(issue);
    if (issue.code !== 'unrecognized_keys') takeOut(value, path);
    else for (const key of issue.keys) takeOut(value, [...path, key]);
  }
  return value;
}

/** The keys of `vfs` that are neither `count`, `default` nor VFs; the schema takes any name there. */
function checkVfKeys(value: Record<string, unknown>, report: Report): void {
  if (!Array.isArray(value['pfs'])) return;
  for (const [index, pf] of (value['pfs'] as unknown[]).entries()) {
    if (!isMapping(pf) || !isMapping(pf['vfs'])) continue;
    for (const key of Object.keys(pf['vfs'])) {
      if (key === 'count' || key === 'default') continue;
      const range = parseVfRange(key);
      if (typeof range === 'object') continue;
      const path = ['pfs', index, 'vfs', key];
      report(path, range ?? unknownKey(path));
      takeOut(value, path);
    }
  }
}

function unknownKey(path: SpecPath): string {
  const key = String(path.at(-1));
  if (key === '<<')
    return 'merge keys have no meaning here; repeat the values, or use an alias for a whole mapping';
  if (path[0] === 'networks') return unknownWord(key, networkKeys);
  const depth = path.length;
  const isInVf = depth === 5;
  const isInVfs = depth === 4 && path[2] === 'vfs';
  const isInMatch = depth === 4 && path[2] === 'match';
  const known = isInVf
    ? vfSpecKeys
    : isInVfs
      ? ['count', 'default']
      : isInMatch
        ? Object.keys(PfMatch.shape)
        : depth === 3
          ? pfSpecKeys
          : Object.keys(HostSpec.shape);
  if (!isInVf && !isInMatch && depth > 1 && vfSpecKeys.includes(key)) {
    return 'unknown key here; it belongs under vfs.default or under the index of a VF';
  }
  if (depth === 3 && (key === 'count' || key === 'default')) return 'unknown key here; it belongs under vfs';
  if (depth === 1 && pfSpecKeys.includes(key)) return 'unknown key here; it belongs under an entry of pfs';
  return unknownWord(key, known, isInVfs ? ['VFs such as "3" or "0-2"'] : []);
}

function unknownWord(key: string, known: readonly string[], others: readonly string[] = []): string {
  const near = suggestWord(key, known);
  return near === undefined
    ? `unknown key; known are ${listed([...known, ...others])}`
    : `unknown key; did you mean ${near}?`;
}

function issueWording(issue: z.core.$ZodIssue, path: SpecPath, given: unknown): string | undefined {
  if (given === undefined) return 'is missing';
  if (given === null)
    return typeof path.at(-1) === 'number' ? 'is empty' : 'is empty; give it a value, or leave the key out';
  const { code } = issue;
  if (code === 'invalid_type') return kindWording(issue.expected, given);
  if (code === 'invalid_value') return valueWording(given, issue.values.map(String));
  if (code === 'invalid_format') return `${shown(given)} ${issue.message}`;
  if (code === 'too_big') {
    // Numbers beyond what JavaScript can count are told twice: once for that, once for the real limit.
    if (issue.maximum >= Number.MAX_SAFE_INTEGER) return undefined;
    const meaning = limitMeanings[String(path.at(-1))];
    return `${shown(given)} is more than ${issue.maximum}${meaning === undefined ? '' : `, ${meaning}`}`;
  }
  if (code === 'too_small') {
    if (issue.minimum <= Number.MIN_SAFE_INTEGER) return undefined;
    if (typeof given === 'string') return 'is empty; give it a value, or leave the key out';
    return `${shown(given)} is less than ${issue.minimum}`;
  }
  // The model's own rule about an empty match: keys that are unknown have been told, and the match is not empty.
  if (code === 'custom') return isMapping(given) && Object.keys(given).length > 0 ? undefined : issue.message;
  return `${shown(given)} does not fit: ${issue.message}`;
}

function valueWording(given: unknown, known: readonly string[]): string {
  const near = typeof given === 'string' && known.length > 1 ? suggestWord(given, known) : undefined;
  return `${shown(given)} is not ${alternatives(known)}${near === undefined ? '' : `; did you mean ${near}?`}`;
}

function kindWording(expected: string, given: unknown): string {
  switch (expected) {
    case 'string':
      return typeof given === 'number' || typeof given === 'boolean'
        ? `must be text, and ${shown(given)} is not; put it in quotes`
        : `must be text, not ${shown(given)}`;
    case 'boolean':
      return `must be true or false, not ${shown(given)}`;
    case 'int':
    case 'number':
      return `must be a whole number, not ${shown(given)}`;
    case 'array':
      return `must be a list, not ${shown(given)}`;
    default:
      return `must be a mapping, not ${shown(given)}`;
  }
}

function pathOf(issue: z.core.$ZodIssue): SpecPath {
  return issue.path.map((key) => (typeof key === 'number' ? key : String(key)));
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Removes a key; an item of a list becomes null, so that the others keep their indexes. */
function takeOut(value: unknown, path: SpecPath): void {
  const parent = valueAt(value, path.slice(0, -1));
  const key = path.at(-1);
  if (Array.isArray(parent) && typeof key === 'number') parent[key] = null;
  else if (isMapping(parent) && typeof key === 'string') delete parent[key];
}
