// Owns the ranges of versions that a validated hardware list names: exact, `22.5.*`, `>=6.1 <6.13`.
// Knows nothing of what a version is of.

import { compareVersions, maxVersionLength, parseVersion, type Version } from './version.ts';

type Operator = '>=' | '>' | '<=' | '<' | '=';

interface Bound {
  readonly operator: Operator;
  readonly version: Version;
}

/** What a range takes; all bounds must hold. No bound: any version. */
export interface VersionRange {
  readonly bounds: readonly Bound[];
  /** The text names one version; without it, a bound takes every version that begins like its own. */
  readonly isExact: boolean;
}

const boundPattern = /^(>=|<=|>|<|=)\s*(.*)$/;

/** Bounds begin with an operator; a version may have spaces of its own (`>=4.40 0x8001c967`). */
const boundStart = /\s+(?=[<>=])/;

/**
 * Reads a range, or says in words what is wrong with it.
 * `22.5.7`: this version only. `22.5.*`: all that begin with 22.5. `*`: any.
 * `>=6.1 <6.13`: bounds, of which all must hold. A bound stands for all versions that begin like it: `<=6.12` takes
 * 6.12.9, `>6.12` does not, and `<6.13` does not take 6.13-rc1.
 */
export function parseVersionRange(text: string): VersionRange | string {
  const trimmed = text.trim();
  if (trimmed === '') return 'is empty; give it a version, or leave the key out';
  if (trimmed.length > maxVersionLength) return `is longer than ${maxVersionLength} characters`;
  if (trimmed === '*') return { bounds: [], isExact: false };
  if (!/^[<>=]/.test(trimmed)) return parseVersionOrPrefix(trimmed);
  const bounds: Bound[] = [];
  for (const part of trimmed.split(boundStart)) {
    const [, operator = '', operand = ''] = boundPattern.exec(part) ?? [];
    if (operand.includes('*')) return 'has a * behind an operator; write 22.5.* alone';
    if (/[<>=]/.test(operand)) return 'has operators side by side; put a space between two bounds';
    const version = parseVersion(operand);
    if (version === undefined) return `has no version behind ${operator}`;
    bounds.push({ operator: operator as Operator, version });
  }
  return { bounds, isExact: false };
}

function parseVersionOrPrefix(text: string): VersionRange | string {
  if (/[<>]/.test(text)) return 'has an operator behind a version; operators stand first, as in >=6.1 <6.13';
  const isPrefix = text.endsWith('.*');
  const operand = isPrefix ? text.slice(0, -2) : text;
  if (operand.includes('*')) return 'has a * that is no part of its own at the end, as in 22.5.*';
  const version = parseVersion(operand);
  if (version === undefined) return 'is no version';
  return { bounds: [{ operator: '=', version }], isExact: !isPrefix };
}

/** Whether a range takes a version. */
export function isInRange(range: VersionRange, version: Version): boolean {
  return range.bounds.every(({ operator, version: bound }) => {
    const compared = range.isExact ? version : version.slice(0, bound.length);
    return holds(operator, compareVersions(compared, bound));
  });
}

function holds(operator: Operator, order: number): boolean {
  switch (operator) {
    case '>=':
      return order >= 0;
    case '>':
      return order > 0;
    case '<=':
      return order <= 0;
    case '<':
      return order < 0;
    case '=':
      return order === 0;
  }
}
