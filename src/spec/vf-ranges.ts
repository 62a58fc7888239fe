// Owns the keys of `vfs` that stand for VFs: an index (`"3"`) or a range of them (`"0-2"`).
// Says what a key is; whether such VFs exist is the business of others.

import { maxVfs } from '../model/spec.ts';

/** VFs from `first` to `last`, both included. `key` is as the file spells it. */
export interface VfRange {
  readonly key: string;
  readonly first: number;
  readonly last: number;
}

/** The keys of VFs, as a pattern for the JSON Schema too. */
export const vfKeyPattern = '^[0-9]+(-[0-9]+)?$';
const vfKey = new RegExp(vfKeyPattern);

/** The range that a key means, or a sentence that says why it is none; undefined when it does not look like one. */
export function parseVfRange(key: string): VfRange | string | undefined {
  if (!vfKey.test(key)) {
    return /^[0-9]/.test(key) ? 'is no VF index such as 3 and no range such as 0-2' : undefined;
  }
  const [first = 0, last = first] = key.split('-').map(Number);
  const highest = Math.max(first, last);
  if (highest >= maxVfs) return `${highest} is more than ${maxVfs - 1}, the highest VF index`;
  if (first > last) return `ends before it begins; write ${last}-${first}`;
  return { key, first, last };
}

/** Whether a range holds more than one VF. */
export function holdsSeveral(range: VfRange): boolean {
  return range.last > range.first;
}

/** Pairs of ranges that share a VF: each range with the one before it (by first index) that reaches furthest. */
export function overlapsOf(ranges: readonly VfRange[]): readonly { range: VfRange; earlier: VfRange }[] {
  const sorted = [...ranges].sort((a, b) => a.first - b.first || a.last - b.last);
  const overlaps: { range: VfRange; earlier: VfRange }[] = [];
  let furthest: VfRange | undefined;
  for (const range of sorted) {
    if (furthest !== undefined && range.first <= furthest.last) overlaps.push({ range, earlier: furthest });
    if (furthest === undefined || range.last > furthest.last) furthest = range;
  }
  return overlaps;
}

/** How many VFs the ranges hold together, overlaps counted once. */
export function coveredCount(ranges: readonly VfRange[]): number {
  const sorted = [...ranges].sort((a, b) => a.first - b.first);
  let covered = 0;
  let next = 0;
  for (const { first, last } of sorted) {
    covered += Math.max(0, last - Math.max(first, next) + 1);
    next = Math.max(next, last + 1);
  }
  return covered;
}
