// Owns the records of a journal: what an apply intended, what was before, how far it came and how it ended.
// And of the spec that was applied, which begins and ends with the journals.

import { z } from 'zod';
import { Step } from './plan.ts';
import { Target } from './target.ts';

export const journalVersion = 1;

/** A spec that was applied, as its file was then. */
export const AppliedSpec = z.strictObject({
  /** Where it was read from: an absolute path. */
  fileName: z.string(),
  text: z.string(),
  /** RFC 3339, UTC. */
  appliedAt: z.string(),
});
export type AppliedSpec = z.infer<typeof AppliedSpec>;

/** First record, written and synced before anything is touched. */
export const JournalBegin = z.strictObject({
  record: z.literal('begin'),
  journalVersion: z.literal(journalVersion),
  id: z.int(),
  /** `enforce`: the agent put drift back; a revert passes it over. */
  command: z.enum(['apply', 'revert', 'enforce']),
  /** Journal that a revert takes back. */
  reverts: z.int().optional(),
  startedAt: z.string(),
  /** What was set is gone with the boot it was set in. */
  bootId: z.string(),
  pid: z.int(),
  allowDisruption: z.boolean(),
  /** What is done, in order. */
  steps: z.array(Step),
  /** What the host shall be; the apply is complete when a plan towards it is empty. */
  target: Target,
  /** What was; undo, recover and revert plan towards it. */
  before: Target,
  /** The applied spec before and after, each absent when there is none; absent: it stays as it is. */
  spec: z.strictObject({ before: AppliedSpec.optional(), after: AppliedSpec.optional() }).optional(),
  /** Generations of the leases whose VFs were not there: removing these again takes nothing from anybody. */
  leasesWithoutVf: z.array(z.string()).optional(),
});
export type JournalBegin = z.infer<typeof JournalBegin>;

export const JournalRecord = z.discriminatedUnion('record', [
  JournalBegin,
  /** Written and synced before step `index` starts. */
  z.strictObject({ record: z.literal('step'), index: z.int() }),
  /** Step `index` is done and verified. */
  z.strictObject({ record: z.literal('done'), index: z.int() }),
  /** Undoing has begun, because of `why`. */
  z.strictObject({ record: z.literal('undoing'), why: z.string() }),
  /** The end: everything holds, everything was put back, or a reboot took it all away. */
  z.strictObject({ record: z.literal('committed'), at: z.string() }),
  z.strictObject({ record: z.literal('undone'), at: z.string() }),
  z.strictObject({ record: z.literal('lost-to-reboot'), at: z.string() }),
]);
export type JournalRecord = z.infer<typeof JournalRecord>;
