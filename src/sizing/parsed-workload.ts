// Owns the way from a workload file's text to a checked workload, with every problem of the file told at once.
// Knows no host: what the workload means on one is decided by the packing.

import { type Position, type Problem, problemError, type Report, type SpecPath } from '../spec/problem.ts';
import { parseYaml } from '../spec/yaml-source.ts';
import { checkWorkloadRules } from './workload-rules.ts';
import { checkWorkloadShape } from './workload-shape.ts';
import type { Workload } from '../model/workload.ts';

/** A workload that is right in itself, and where its parts stand in the file. */
export interface ParsedWorkload {
  readonly workload: Workload;
  readonly fileName: string;
  /** Place of a key's name or a list's item; of the nearest one above for a path that is not in the file. */
  readonly locate: (path: SpecPath) => Position;
}

/**
 * Reads a workload file. `fileName` is used in messages only.
 * Throws `spec.syntax` (not YAML, not one mapping, too large) or `spec.invalid`, with a line per problem in
 * `details.problems`, in the order of the file. Throws nothing else, whatever the text is.
 */
export function parseWorkload(text: string, fileName: string): ParsedWorkload {
  const problems: Problem[] = [];
  const report: Report = (path, wording, position) => problems.push({ path, text: wording, position });
  const { value, locate } = parseYaml(text, fileName, report);
  const workload = checkWorkloadShape(value, report);
  if (workload !== undefined) checkWorkloadRules(workload, locate, report);
  if (workload === undefined || problems.length > 0) {
    throw problemError('spec.invalid', fileName, problems, locate);
  }
  return { workload, fileName, locate };
}
