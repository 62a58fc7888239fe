// Owns what `revert` means: the record of what was before the last apply that succeeded, as a target.

import { VfleetError } from '../base/errors.ts';
import type { Target } from '../model/target.ts';
import { readLastJournal } from './journal.ts';

/**
 * The target that leads back to before the last apply, and that apply's number. Throws `journal.none` when nothing was
 * applied, or when the last one was taken back already.
 */
export async function readRevertTarget(
  stateFolder: string,
): Promise<{ id: number; target: Target; appliedAt: string }> {
  const last = await readLastJournal(stateFolder, (journal) => journal.end === 'committed');
  if (last === undefined) {
    throw new VfleetError('journal.none', 'nothing was applied on this host, so there is nothing to revert');
  }
  if (last.begin.command === 'revert') {
    throw new VfleetError('journal.none', `the last apply was already reverted (${last.begin.startedAt})`);
  }
  return { id: last.begin.id, target: last.begin.before, appliedAt: last.begin.startedAt };
}
