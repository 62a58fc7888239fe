// Owns the problems of a spec: where each is, how its line reads, and the one error that carries all of them.
// Judges nothing itself.

import { VfleetError } from '../base/errors.ts';
import type { VfleetErrorCode } from '../base/errors.ts';
import { printable, quoted } from './wording.ts';

/** Keys and indexes that lead from the top of the file to a value. */
export type SpecPath = readonly (string | number)[];

/** A place in the file; both count from 1, columns in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Problem {
  readonly path: SpecPath;
  readonly text: string;
  /** Where it is, when that is not where its path leads (a key that is given twice). */
  readonly position?: Position | undefined;
}

/** Place of a key's name or a list's item. */
export type Locate = (path: SpecPath) => Position;
/** Whether something was found wrong with a value itself, so that it is missing from the spec. */
export type IsBroken = (path: SpecPath) => boolean;

/** Takes a problem at a path. */
export type Report = (path: SpecPath, text: string, position?: Position) => void;

/** Lines that one error lists; a file that is wrong all over is not a reason to fill a terminal. */
const maxProblemLines = 200;

/** What stands at a place in a value that was read from a file; undefined where the place is not there. */
export function valueAt(value: unknown, path: SpecPath): unknown {
  let current = value;
  for (const key of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<string | number, unknown>)[key];
  }
  return current;
}

/** A path for people: `pfs[0].vfs["1-2"].vlan`. */
export function renderPath(path: SpecPath): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else if (!/^[A-Za-z][A-Za-z0-9]{0,59}$/.test(key)) text += `[${quoted(key)}]`;
    else text += text === '' ? key : `.${key}`;
  }
  return text;
}

/** One line: `line 7, pfs[0].vfs.count: 9 is more than this PF's 7`. */
function renderProblem(problem: Problem, position: Position): string {
  const path = renderPath(problem.path);
  return `line ${position.line}${path === '' ? '' : `, ${path}`}: ${problem.text}`;
}

/**
 * The error for problems of a file, at least one, in the order of the file and each once.
 * Its message is the only problem, or `N problems in FILE`; `details.problems` has a line for each.
 */
export function problemError(
  code: VfleetErrorCode,
  fileName: string,
  problems: readonly Problem[],
  locate: Locate,
): VfleetError {
  const placed = problems.map((problem) => ({ problem, position: problem.position ?? locate(problem.path) }));
  placed.sort((a, b) => comparePositions(a.position, b.position));
  return linesError(
    code,
    fileName,
    placed.map(({ problem, position }) => renderProblem(problem, position)),
  );
}

/** The same for problems that are lines already. */
export function linesError(code: VfleetErrorCode, fileName: string, lines: readonly string[]): VfleetError {
  const once = [...new Set(lines)];
  const message = once.length === 1 ? (once[0] ?? '') : `${once.length} problems in ${printable(fileName)}`;
  const listed = once.slice(0, maxProblemLines);
  if (once.length > maxProblemLines) listed.push(`and ${once.length - maxProblemLines} more`);
  return new VfleetError(code, message, { details: { file: fileName, problems: listed } });
}

/** Orders places as the file has them. */
export function comparePositions(a: Position, b: Position): number {
  return a.line - b.line || a.column - b.column;
}
