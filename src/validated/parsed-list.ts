// Owns the way from the text of a validated hardware list to its entries, with every problem of the file told at once.
// Knows no host.

import type { ValidatedList } from '../model/validated-list.ts';
import { type Problem, problemError, type Report } from '../spec/problem.ts';
import { parseYaml } from '../spec/yaml-source.ts';
import { checkListShape } from './list-shape.ts';

/** A list that is right in itself, and where its entries stand in the file. */
export interface ParsedValidatedList {
  readonly list: ValidatedList;
  readonly fileName: string;
  /** Line of an entry, by its index from 0; lines count from 1. */
  readonly lineOf: (entryIndex: number) => number;
}

/**
 * Reads a validated hardware list. `fileName` is used in messages only.
 * Throws `spec.syntax` (not YAML, not one mapping, too large) or `spec.invalid`, with a line per problem in
 * `details.problems`, in the order of the file. Throws nothing else, whatever the text is.
 */
export function parseValidatedList(text: string, fileName: string): ParsedValidatedList {
  const problems: Problem[] = [];
  const report: Report = (path, wording, position) => problems.push({ path, text: wording, position });
  const { value, locate } = parseYaml(text, fileName, report);
  const list = checkListShape(value, report);
  if (list === undefined || problems.length > 0)
    throw problemError('spec.invalid', fileName, problems, locate);
  return { list, fileName, lineOf: (entryIndex) => locate(['entries', entryIndex]).line };
}
