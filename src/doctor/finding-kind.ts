// Owns the form of a row in the tables of finding kinds.
// Texts only; the rules that use the rows are in rules/.

import type { FindingGroup, Severity } from '../model/finding.ts';

/**
 * One kind of finding. Texts may hold `ADDRESS` and `NETDEV` (those of the PF the finding is about) and names of entries of the
 * firmware set-up or of commands in braces (`{iommu}`, `{enable-sriov}`): they are filled in for the host at hand.
 */
export interface FindingKind {
  readonly severity: Severity;
  /** The finding in a few words. */
  readonly title: string;
  /** Why it matters, in one or two sentences. */
  readonly why: string;
  /** What to do. Absent: nothing. */
  readonly todo?: string;
}

/** The rows of a group: each id begins with the group's name. */
export type FindingKinds<Group extends FindingGroup> = Readonly<Record<`${Group}.${string}`, FindingKind>>;
