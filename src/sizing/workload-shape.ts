// Owns the wording of what breaks the shape of a workload file: keys, kinds of values, limits of single values.
// Rules between values are workload-rules.ts's.

import { z } from 'zod';
import { valueAt } from '../spec/problem.ts';
import type { Report, SpecPath } from '../spec/problem.ts';
import { suggestWord } from '../base/suggestion.ts';
import { alternatives, listed, shown } from '../spec/wording.ts';
import {
  ClassCard,
  ClassPort,
  HostClass,
  HostSnapshot,
  SizingPolicy,
  VmClass,
  VmNic,
  Workload,
} from '../model/workload.ts';

/** The keys that may stand in a mapping, by the last named key on the way to it. */
const knownKeys: Readonly<Record<string, readonly string[]>> = {
  vms: Object.keys(VmClass.shape),
  nics: Object.keys(VmNic.shape),
  policy: Object.keys(SizingPolicy.shape),
  hosts: ['snapshots', 'classes'],
  snapshots: Object.keys(HostSnapshot.shape),
  classes: Object.keys(HostClass.shape),
  cards: Object.keys(ClassCard.shape),
  ports: Object.keys(ClassPort.shape),
  pcie: ['generation', 'lanes'],
};

/** Reports everything in the value that breaks the schema; returns the workload when nothing does. */
export function checkWorkloadShape(value: Record<string, unknown>, report: Report): Workload | undefined {
  const parsed = Workload.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) reportIssue(issue, [], value, report);
  return undefined;
}

function reportIssue(issue: z.core.$ZodIssue, above: SpecPath, value: unknown, report: Report): void {
  const path = [...above, ...issue.path.map((key) => (typeof key === 'number' ? key : String(key)))];
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) report([...path, key], unknownKey(key, path));
    return;
  }
  const given = valueAt(value, path);
  if (issue.code === 'invalid_union') {
    // The only union is a count or the word `unlimited`: what is said of the number is what helps.
    const ofNumber = issue.errors[0]?.[0];
    if (typeof given === 'number' && ofNumber !== undefined) reportIssue(ofNumber, path, value, report);
    else report(path, `${shown(given)} is no number of hosts, and not unlimited`);
    return;
  }
  const wording = issueWording(issue, path, given);
  if (wording !== undefined) report(path, wording);
}

function unknownKey(key: string, path: SpecPath): string {
  if (key === '<<') return 'merge keys have no meaning here; repeat the values, or use an alias';
  const place = path.findLast((step) => typeof step === 'string');
  const known = place === undefined ? Object.keys(Workload.shape) : (knownKeys[place] ?? []);
  const near = suggestWord(key, known);
  return near === undefined
    ? `unknown key; known are ${listed(known)}`
    : `unknown key; did you mean ${near}?`;
}

function issueWording(issue: z.core.$ZodIssue, path: SpecPath, given: unknown): string | undefined {
  if (given === undefined) return 'is missing';
  if (given === null) {
    return typeof path.at(-1) === 'number' ? 'is empty' : 'is empty; give it a value, or leave the key out';
  }
  const { code } = issue;
  if (code === 'invalid_type') return kindWording(issue.expected, given);
  if (code === 'invalid_value') return `${shown(given)} is not ${alternatives(issue.values.map(String))}`;
  if (code === 'invalid_format') return `${shown(given)} ${issue.message}`;
  if (code === 'too_big') return tooBig(given, issue.maximum);
  if (code === 'too_small') return tooSmall(given, issue.minimum, issue.inclusive !== false);
  return `${shown(given)} does not fit: ${issue.message}`;
}

function tooBig(given: unknown, maximum: number | bigint): string | undefined {
  // Numbers beyond what JavaScript can count are told twice: once for that, once for the real limit.
  if (maximum >= Number.MAX_SAFE_INTEGER) return undefined;
  if (Array.isArray(given)) return `has ${given.length} entries, more than ${maximum}`;
  if (typeof given === 'string') return `has ${given.length} characters, more than ${maximum}`;
  return `${shown(given)} is more than ${maximum}`;
}

function tooSmall(given: unknown, minimum: number | bigint, isInclusive: boolean): string | undefined {
  if (minimum <= Number.MIN_SAFE_INTEGER) return undefined;
  if (Array.isArray(given) || typeof given === 'string') return 'is empty';
  return isInclusive
    ? `${shown(given)} is less than ${minimum}`
    : `${shown(given)} is not more than ${minimum}`;
}

function kindWording(expected: string, given: unknown): string {
  switch (expected) {
    case 'string':
      return `must be text, not ${shown(given)}`;
    case 'boolean':
      return `must be true or false, not ${shown(given)}`;
    case 'int':
      return `must be a whole number, not ${shown(given)}`;
    case 'number':
      return `must be a number, not ${shown(given)}`;
    case 'array':
      return `must be a list, not ${shown(given)}`;
    default:
      return `must be a mapping, not ${shown(given)}`;
  }
}
