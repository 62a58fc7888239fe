// Owns the list of facts that could not be read: one note for each fact of each PF, in words that name all PFs alike.

import { VfleetError } from '../base/errors.ts';
import type { Snapshot } from '../model/snapshot.ts';

export interface UnreadNote {
  /** Address of the PF. */
  readonly pf: string;
  /** Path of the fact below the PF: `sriov.vfBars`. */
  readonly fact: string;
  /** What was not read, before and after the names of the PFs that it was not read of. */
  readonly what: readonly [before: string, after: string];
  readonly why: string;
}

/** Words for what hides behind the 64 bytes that everybody may read. */
export const configSpaceWords = ['PCI configuration space of', ' beyond 64 bytes'] as const;
export const needsSysAdmin = 'needs CAP_SYS_ADMIN';

/** Notes as a snapshot lists them. Those with the same words and reason share one sentence, which names all their PFs. */
export function unreadOf(notes: readonly UnreadNote[]): Snapshot['unread'] {
  const keyOf = ({ what, why }: UnreadNote): string => JSON.stringify([what, why]);
  const pfsByKey = new Map<string, Set<string>>();
  for (const note of notes) {
    const key = keyOf(note);
    pfsByKey.set(key, (pfsByKey.get(key) ?? new Set()).add(note.pf));
  }
  return notes.map((note) => ({
    what: `${note.what[0]} ${[...(pfsByKey.get(keyOf(note)) ?? [])].join(', ')}${note.what[1]}`,
    why: note.why,
    fact: `pfs.${note.pf}.${note.fact}`,
  }));
}

/**
 * The answer of a reading, or undefined and why it could not be: what one file or program refuses to tell is no reason to
 * show nothing of the host. Bugs are thrown on.
 */
export async function readOrReason<T>(
  reading: Promise<T>,
): Promise<{ readonly value: T; readonly why?: never } | { readonly value?: never; readonly why: string }> {
  try {
    return { value: await reading };
  } catch (error) {
    if (!(error instanceof VfleetError) || error.code === 'internal.bug') throw error;
    return { why: error.message };
  }
}
