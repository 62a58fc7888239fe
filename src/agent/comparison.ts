// Owns one look at the host: the applied spec, the leases and what the kernel says, put side by side.
// Changes nothing. A change that is under way right now is no difference.

import { appliedSpecStamp, readAppliedSpec } from '../apply/applied-spec.ts';
import { lockHost } from '../apply/host-lock.ts';
import type { AssigningHost } from '../assign/assigning-host.ts';
import { VfleetError } from '../base/errors.ts';
import { readSnapshot } from '../inventory/snapshot.ts';
import { lockVf } from '../lease/vf-lock.ts';
import type { CorruptLease, Lease, VfKey } from '../model/lease.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { PfTarget } from '../model/target.ts';
import { planTarget } from '../planner/plan-target.ts';
import { rememberSpec } from '../spec/last-parsed.ts';
import type { ParsedSpec } from '../spec/parsed-spec.ts';
import { isNamed } from '../spec/pf-match.ts';
import { resolveSpec } from '../spec/resolution.ts';
import { driftOf } from './drift.ts';
import type { DriftFact } from './drift.ts';

export interface Comparison {
  readonly facts: readonly DriftFact[];
  /** Why something cannot be compared, one line each. */
  readonly problems: readonly string[];
  /**
   * What the spec asks for, PF by PF; empty when it cannot be resolved. VFs whose leases cannot be understood are not in it:
   * what they shall be, those say.
   */
  readonly targets: readonly PfTarget[];
  readonly snapshot: Snapshot;
  readonly leases: readonly Lease[];
  readonly corrupt: readonly CorruptLease[];
  /** The applied spec, and which record of it that was. */
  readonly spec: ParsedSpec;
  readonly specStamp: string;
}

const parseApplied = rememberSpec();

/**
 * Compares the host with the applied spec; VFs with a lease shall be what that says. Undefined when no spec was applied.
 * Throws what reading the host throws.
 */
export async function compareHost(
  host: Pick<AssigningHost, 'session' | 'stateFolder' | 'leases'>,
): Promise<Comparison | undefined> {
  const specStamp = appliedSpecStamp(host.stateFolder);
  const applied = readAppliedSpec(host.stateFolder);
  if (applied === undefined) return undefined;
  const parsed = parseApplied(applied.text, applied.fileName);
  const snapshot = await readSnapshot(host.session, {
    detail: 'settings',
    isWanted: (pf) => isNamed(parsed.spec, pf),
  });
  const { leases, corrupt } = await host.leases.list();
  const problems = corrupt.map(({ key, why }) => `VF ${key.vf} of ${key.pf}: ${why}`);
  const unclear = new Set(corrupt.map(({ key }) => nameOf(key)));
  const wanted = collect(problems, () => resolveSpec(parsed, snapshot, leases).pfs) ?? [];
  const targets = wanted.map((pf) => ({
    ...pf,
    vfs: pf.vfs.filter(({ index }) => !unclear.has(nameOf({ pf: pf.address, vf: index }))),
  }));
  // PF by PF: what cannot be planned for one hides nothing of the others.
  const facts = targets.flatMap(
    (pf) => collect(problems, () => driftOf(planTarget(snapshot, { pfs: [pf] }, leases))) ?? [],
  );
  return {
    facts: withoutGuestMacs(facts, leases),
    problems,
    targets,
    snapshot,
    leases,
    corrupt,
    spec: parsed,
    specStamp,
  };
}

/** The result, or its reasons among the problems. */
function collect<T>(problems: string[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof VfleetError)) throw error;
    problems.push(...(error.details.problems ?? [error.message]));
    return undefined;
  }
}

/**
 * Whether a vfleet is changing the whole host right now, so that what is found says nothing. The lock is taken for a
 * moment and shared, which keeps out nobody who shares it.
 */
export async function isHostChanging(stateFolder: string): Promise<boolean> {
  try {
    (await lockHost(stateFolder, { command: 'agent', waitMs: 0, mode: 'shared' })).release();
    return false;
  } catch (error) {
    if (error instanceof VfleetError && error.code === 'lock.held') return true;
    throw error;
  }
}

/** Differences without those of VFs that somebody gives or takes right now, and whether there are such. */
export function settledFacts(
  stateFolder: string,
  comparison: Comparison,
): { readonly facts: readonly DriftFact[]; readonly isBusy: boolean } {
  const leased = new Set(comparison.leases.map(({ key }) => nameOf(key)));
  const busy = new Map<string, boolean>();
  const facts = comparison.facts.filter(({ pf, vf }) => {
    if (vf === undefined) return true;
    const key = { pf, vf };
    const name = nameOf(key);
    if (!leased.has(name)) return true;
    if (!busy.has(name)) busy.set(name, isVfBusy(stateFolder, key));
    return busy.get(name) !== true;
  });
  return { facts, isBusy: facts.length < comparison.facts.length };
}

/** The guest of a VF that is leased and trusted may choose another address, and some PFs show that one. */
function withoutGuestMacs(facts: readonly DriftFact[], leases: readonly Lease[]): DriftFact[] {
  const trusted = new Set(
    leases.filter(({ settings }) => settings.trust === true).map(({ key }) => nameOf(key)),
  );
  return facts.filter(
    ({ pf, vf, attribute }) => attribute !== 'mac' || vf === undefined || !trusted.has(nameOf({ pf, vf })),
  );
}

function nameOf({ pf, vf }: VfKey): string {
  return `${pf} ${vf}`;
}

/** Whether somebody gives or takes a VF right now. */
export function isVfBusy(stateFolder: string, key: VfKey): boolean {
  const answer = lockVf(stateFolder, key, 'agent');
  if (!('release' in answer)) return true;
  answer.release();
  return false;
}
