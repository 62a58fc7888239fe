// Owns the way from a spec file's text to a checked spec, with every problem of the file told at once.
// Knows no host: what the spec means on one is decided by resolution.ts.

import { HostSpec } from '../model/spec.ts';
import { checkFile } from './file-rules.ts';
import {
  type Position,
  type Problem,
  problemError,
  renderPath,
  type Report,
  type SpecPath,
} from './problem.ts';
import { checkShape } from './shape.ts';
import { parseYaml } from './yaml-source.ts';

/** A spec that is right in itself, and where its parts stand in the file. */
export interface ParsedSpec {
  readonly spec: HostSpec;
  /** The file as it is. */
  readonly text: string;
  readonly fileName: string;
  /** Place of a key's name or a list's item; of the nearest one above for a path that is not in the file. */
  readonly locate: (path: SpecPath) => Position;
}

/**
 * Reads a spec. `fileName` is used in messages only.
 * Throws `spec.syntax` (not YAML, not one mapping, too large) or `spec.invalid`, with a line per problem in
 * `details.problems`, in the order of the file. Throws nothing else, whatever the text is.
 */
export function parseSpec(text: string, fileName: string): ParsedSpec {
  const problems: Problem[] = [];
  const report: Report = (path, wording, position) => problems.push({ path, text: wording, position });
  const { value, locate } = parseYaml(text, fileName, report);
  const sound = checkShape(value, report);
  const broken = new Set(problems.map((problem) => renderPath(problem.path)));
  checkFile(sound, locate, (path) => broken.has(renderPath(path)), report);
  if (problems.length > 0) throw problemError('spec.invalid', fileName, problems, locate);
  return { spec: HostSpec.parse(value), text, fileName, locate };
}
