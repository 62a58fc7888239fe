// Owns the question whether the last apply came to an end. What becomes of one that did not is recover.ts's.

import { VfleetError } from '../base/errors.ts';
import { hasLastJournalEnded, readLastJournal } from './journal.ts';
import type { Journal } from './journal.ts';

/**
 * The journal of the last apply if that was cut off, or could not be undone; undefined when it ended properly, or there was
 * none. To be asked under the lock of the host: an apply that is under way has no end either. Throws `journal.corrupt`.
 */
export async function readCutOff(stateFolder: string): Promise<Journal | undefined> {
  // The usual case, for which no journal is read as a whole.
  if (hasLastJournalEnded(stateFolder)) return undefined;
  const last = await readLastJournal(stateFolder);
  return last?.end === undefined ? last : undefined;
}

/** Throws `apply.cut-off` when the last apply was cut off, and as {@link readCutOff}. Needs the host's lock. */
export async function checkNotCutOff(stateFolder: string): Promise<void> {
  const begin = (await readCutOff(stateFolder))?.begin;
  if (begin === undefined) return;
  throw new VfleetError(
    'apply.cut-off',
    `${begin.command} ${begin.id} of ${begin.startedAt} was cut off, so the host may be half changed`,
    { hint: 'run `vfleet recover`' },
  );
}
