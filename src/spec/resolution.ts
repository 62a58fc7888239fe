// Owns what a spec means on one host: which PFs it names, and what each of their VFs shall be.
// Pure: a snapshot goes in, a target comes out. How to get there is the planner's.

import type { Lease } from '../model/lease.ts';
import type { Pf } from '../model/pf.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { PfTarget, Target, VfTarget } from '../model/target.ts';
import type { VfSettings } from '../model/vf.ts';
import { checkPf, checkReachedNetworks } from './host-rules.ts';
import { chooseMacs, type ChosenMacs } from './mac-choice.ts';
import type { ParsedSpec } from './parsed-spec.ts';
import { draftPf, type LeasedVf, type PfDraft, type VfDraft } from './pf-draft.ts';
import { findPfs } from './pf-match.ts';
import { type Problem, problemError, renderPath, type Report } from './problem.ts';
import { printable } from './wording.ts';

/**
 * Decides what a spec means on the host of a snapshot. PFs come in the order of the file; `kernel` and `none` stay as
 * they are in `driver`, and `mac: auto` becomes an address. A VF with a lease is what that says, whatever `default` says;
 * its driver is left alone. One that a range names is as the range says: whether it may be is the planner's to judge.
 * Throws `spec.match` when an entry does not find the PFs it expects, else `spec.invalid` when the host cannot be what
 * the spec says, with a line per problem in `details.problems`, in the order of the file.
 */
export function resolveSpec(parsed: ParsedSpec, snapshot: Snapshot, leases: readonly Lease[] = []): Target {
  const matchProblems: Problem[] = [];
  const drafts = draftPfs(parsed, { snapshot, leases }, (path, text) => matchProblems.push({ path, text }));
  const problems: Problem[] = [];
  const report: Report = (path, text) => problems.push({ path, text });
  const networks = new Map(parsed.spec.networks?.map((network) => [network.name, network]));
  for (const draft of drafts) {
    checkPf(draft, report);
    checkReachedNetworks(draft, networks, report);
  }
  const macs = chooseMacs(drafts, { snapshot, leases }, report);
  if (matchProblems.length > 0) {
    throw problemError('spec.match', parsed.fileName, [...matchProblems, ...problems], parsed.locate);
  }
  if (problems.length > 0) throw problemError('spec.invalid', parsed.fileName, problems, parsed.locate);
  return { pfs: drafts.map((draft) => targetOf(draft, macs)) };
}

/** What a spec is laid over. */
export interface SpecGround {
  readonly snapshot: Pick<Snapshot, 'host' | 'pfs'>;
  readonly leases: readonly Lease[];
}

/** Pairs entries with the PFs they mean; a PF belongs to the first entry that finds it. */
export function draftPfs(parsed: ParsedSpec, ground: SpecGround, report: Report): readonly PfDraft[] {
  const { snapshot, leases } = ground;
  const drafts: PfDraft[] = [];
  const ownerOf = new Map<Pf, readonly (string | number)[]>();
  for (const [index, entry] of parsed.spec.pfs.entries()) {
    const path = ['pfs', index];
    const found = findPfs(entry.match, entry.expect ?? 1, snapshot);
    if (typeof found === 'string') {
      report([...path, 'match'], found);
      continue;
    }
    for (const pf of found) {
      const owner = ownerOf.get(pf);
      if (owner === undefined) {
        ownerOf.set(pf, path);
        drafts.push(draftPf(pf, entry, path, leases));
        continue;
      }
      const { line } = parsed.locate(owner);
      report(
        [...path, 'match'],
        `finds ${printable(pf.address)}, which ${renderPath(owner)} in line ${line} finds too`,
      );
    }
  }
  return drafts;
}

function targetOf(draft: PfDraft, macs: ChosenMacs): PfTarget {
  const { pf, entry } = draft;
  // `legacy` on a PF without an eswitch is what it is anyway; there would be nobody to tell it to.
  const hasEswitch = pf.devlink?.eswitchMode !== undefined;
  return {
    address: pf.address,
    ...(entry.mtu === undefined ? {} : { mtu: entry.mtu }),
    ...(entry.up === undefined ? {} : { up: entry.up }),
    ...(entry.eswitch === undefined || !hasEswitch ? {} : { eswitchMode: entry.eswitch }),
    ...(entry.vfs?.count === undefined ? {} : { numVfs: entry.vfs.count }),
    vfs: [...draft.vfs.map((vf) => vfTargetOf(vf, macs)), ...draft.leased.map(leasedVfTargetOf)].sort(
      (a, b) => a.index - b.index,
    ),
  };
}

function leasedVfTargetOf({ index, lease, driver }: LeasedVf): VfTarget {
  return { index, ...(driver === undefined ? {} : { driver }), settings: lease.settings };
}

function vfTargetOf(vf: VfDraft, macs: ChosenMacs): VfTarget {
  const { driver, mac: _wish, ...rest } = vf.settings;
  const settings: VfSettings = rest;
  const mac = macs.get(vf);
  if (mac !== undefined) settings.mac = mac;
  return driver === undefined ? { index: vf.index, settings } : { index: vf.index, driver, settings };
}
