// Owns what plan, apply and adopt share: reading a spec file and the leases, and deciding what it means on a host.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VfleetError, messageOf } from '../../base/errors.ts';
import { readSnapshot } from '../../inventory/snapshot.ts';
import type { KernelSession } from '../../kernel/session.ts';
import type { Lease } from '../../model/lease.ts';
import type { Plan } from '../../model/plan.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { Target } from '../../model/target.ts';
import { planTarget } from '../../planner/plan-target.ts';
import { parseSpec } from '../../spec/parsed-spec.ts';
import type { ParsedSpec } from '../../spec/parsed-spec.ts';
import { isNamed } from '../../spec/pf-match.ts';
import { resolveSpec } from '../../spec/resolution.ts';

/** Reads and checks a spec file. Throws `file.unreadable`, `spec.syntax`, `spec.invalid`. */
export async function readSpecFile(path: string): Promise<ParsedSpec> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new VfleetError('file.unreadable', `spec ${path}: ${messageOf(cause)}`, { cause });
  }
  return parseSpec(text, path);
}

/** What a spec means on a host, whose VFs may belong to somebody, and the way there. */
export function planSpec(
  spec: ParsedSpec,
  snapshot: Snapshot,
  leases: readonly Lease[] = [],
): { target: Target; plan: Plan } {
  const target = resolveSpec(spec, snapshot, leases);
  return { target, plan: planTarget(snapshot, target, leases) };
}

/** Whether VFs of a host were ever given to anybody: there is no folder of leases before. */
export function hadLeases(stateFolder: string): boolean {
  return existsSync(join(stateFolder, 'leases'));
}

/**
 * The leases of a host, every one: who plans for the whole must know whose each VF is. A host whose VFs were never given to
 * anybody loads nothing for it. Throws `lease.corrupt`.
 */
export async function readLeases(stateFolder: string): Promise<readonly Lease[]> {
  if (!hadLeases(stateFolder)) return [];
  const { openFileLeases } = await import('../../lease/file-leases.ts');
  const { listEveryLease } = await import('../../lease/lease-store.ts');
  return listEveryLease(openFileLeases(stateFolder));
}

/** The picture of a host that a spec needs: PFs that it does not mean are only looked at. */
export async function readForSpec(session: KernelSession, { spec }: ParsedSpec): Promise<Snapshot> {
  return readSnapshot(session, { detail: 'settings', isWanted: (pf) => isNamed(spec, pf) });
}
