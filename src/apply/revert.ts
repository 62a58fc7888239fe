// Owns what `revert` means: the record of what was before the last apply that succeeded, as a target.

import { VfleetError } from '../base/errors.ts';
import type { AppliedSpec } from '../model/journal.ts';
import type { Target } from '../model/target.ts';
import { readLastJournal } from './journal.ts';

export interface RevertTarget {
  /** Number of the apply that is taken back. */
  readonly id: number;
  /** Leads back to before it. */
  readonly target: Target;
  /** The spec that was applied before it; undefined: none. */
  readonly spec: AppliedSpec | undefined;
  readonly appliedAt: string;
}

/**
 * What leads back to before the last apply. Throws `journal.none` when nothing was applied, or when the last one was
 * taken back already.
 */
export async function readRevertTarget(stateFolder: string): Promise<RevertTarget> {
  const last = await readLastJournal(
    stateFolder,
    ({ end, begin }) => end === 'committed' && begin.command !== 'enforce',
  );
  if (last === undefined) {
    throw new VfleetError('journal.none', 'nothing was applied on this host, so there is nothing to revert');
  }
  if (last.begin.command === 'revert') {
    throw new VfleetError('journal.none', `the last apply was already reverted (${last.begin.startedAt})`);
  }
  const { id, before: target, spec, startedAt: appliedAt } = last.begin;
  return { id, target, spec: spec?.before, appliedAt };
}
