// Owns not parsing the same spec twice: who follows a host asks for it at every look, and it changes rarely.

import { parseSpec } from './parsed-spec.ts';
import type { ParsedSpec } from './parsed-spec.ts';

/** A `parseSpec` that remembers the last text and what it meant. */
export function rememberSpec(): typeof parseSpec {
  let last: ParsedSpec | undefined;
  return (text, fileName) => {
    if (last?.text !== text || last.fileName !== fileName) last = parseSpec(text, fileName);
    return last;
  };
}
