// Owns what a spec offers to VMs on one host: its networks, and the VFs of each PF that nobody is named for.
// Pure; which of them a VM gets is decided by src/choice.

import type { Offer, Pool, PoolVf } from '../model/network.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { autoMac } from '../model/spec.ts';
import type { VfSettings } from '../model/vf.ts';
import { chooseMacs, type ChosenMacs } from './mac-choice.ts';
import type { ParsedSpec } from './parsed-spec.ts';
import { mostVfsOf, type PfDraft } from './pf-draft.ts';
import { type Problem, problemError } from './problem.ts';
import { draftPfs } from './resolution.ts';

/**
 * The offer of a spec on the host of a snapshot. Of the PFs it needs what a match looks at (address, names, driver, IDs,
 * NUMA node) and `sriov`; with `mac: auto` in a default also the host's machine ID or name, and the addresses of
 * PFs and VFs, which the derived ones avoid.
 *
 * A PF has a pool when its entry lists networks: its VFs from 0 to the count (as many as there are, without one) that no
 * index or range names, each as `default` says. A `mac: auto` there is the address that `vfleet apply` gives the VF.
 * An entry that does not find its PFs offers nothing, so that a card that is gone keeps nobody from the others.
 * Throws `spec.match` when there are such entries and nothing else is offered.
 */
export function resolveOffer(parsed: ParsedSpec, snapshot: Pick<Snapshot, 'host' | 'pfs'>): Offer {
  const problems: Problem[] = [];
  const ground = { snapshot, leases: [] };
  const drafts = draftPfs(parsed, ground, (path, text) => problems.push({ path, text }));
  const offering = drafts.filter(({ entry }) => (entry.networks ?? []).length > 0);
  const lost = problems.filter(({ path: [, index] }) => {
    return (parsed.spec.pfs[Number(index)]?.networks ?? []).length > 0;
  });
  if (offering.length === 0 && lost.length > 0) {
    throw problemError('spec.match', parsed.fileName, lost, parsed.locate);
  }
  const derivesMacs = offering.some(({ entry }) => entry.vfs?.default?.mac === autoMac);
  const macs: ChosenMacs = derivesMacs ? chooseMacs(drafts, ground, () => undefined) : new Map();
  return { networks: parsed.spec.networks ?? [], pools: offering.map((draft) => poolOf(draft, macs)) };
}

function poolOf(draft: PfDraft, macs: ChosenMacs): Pool {
  const { pf, entry, ranges, count } = draft;
  const { driver, mac: _mac, ...shared } = entry.vfs?.default ?? {};
  const macOfVf = new Map(
    draft.vfs.flatMap((vf) => {
      const mac = vf.range === undefined ? macs.get(vf) : undefined;
      return mac === undefined ? [] : [[vf.index, mac] as const];
    }),
  );
  const named = new Set<number>();
  for (const { first, last } of ranges) {
    for (let index = first; index <= Math.min(last, count - 1); index += 1) named.add(index);
  }
  const vfs: PoolVf[] = [];
  for (let index = 0; index < Math.min(count, mostVfsOf(pf)); index += 1) {
    if (named.has(index)) continue;
    const mac = macOfVf.get(index);
    const settings: VfSettings = mac === undefined ? shared : { mac, ...shared };
    vfs.push(driver === undefined ? { index, settings } : { index, driver, settings });
  }
  return { pf: pf.address, networks: entry.networks ?? [], vfs };
}
