// Owns what the text of a VF's record says, and the words for one that says nothing: whoever wrote it, and whatever is in it.

import type { z } from 'zod';
import { messageOf } from '../base/errors.ts';
import type { VfKey } from '../model/lease.ts';

/** What acts on a terminal, or begins another line. */
const notPlain = /[\p{C}\p{Zl}\p{Zp}]+/gu;
/** Parsers quote what they do not understand, and that can be the whole text. */
const maxReasonLength = 200;

/** What a record of a VF says. Throws a plain Error that says why it cannot be understood. */
export function parseVfRecord<VfRecord extends { readonly key: VfKey }>(
  text: string,
  schema: z.ZodType<VfRecord>,
  key: VfKey,
): VfRecord {
  const parsed = schema.safeParse(JSON.parse(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  const { pf, vf } = parsed.data.key;
  if (pf !== key.pf || vf !== key.vf) throw new Error(`it is that of VF ${vf} of ${pf}`);
  return parsed.data;
}

/** Says on one line of a file that it cannot be read or understood, and why. */
export function describeCorrupt(what: 'lease' | 'quarantine', path: string, cause: unknown): string {
  const why = messageOf(cause).replaceAll(notPlain, ' ').slice(0, maxReasonLength);
  return `the ${what} in ${path} cannot be understood: ${why}`;
}
