// Owns the choice of a VF for a VM: a verdict for each VF, with an order and reasons.
// Pure: the same input gives the same verdicts, in whatever order PFs, VFs, pools and leases are given.

import type { CandidateVerdict } from '../model/attachment.ts';
import type { Risk, VfKey } from '../model/lease.ts';
import type { Pool } from '../model/network.ts';
import type { Pf } from '../model/pf.ts';
import type { Vf } from '../model/vf.ts';
import { bandwidthsOf } from './bandwidth.ts';
import type { PfBandwidth } from './bandwidth.ts';
import { cardOf } from './cards.ts';
import type { ChoiceInput } from './choice-input.ts';
import { addressedLeases, byKey, compareText, corruptAddresses, usedCards } from './owners.ts';
import { excludePf } from './pf-reasons.ts';
import type { Exclusion } from './pf-reasons.ts';
import { bestOf, isolationOf, scorePf, scoreVf } from './scores.ts';
import type { Score } from './scores.ts';
import { excludeVf, risksOf } from './vf-reasons.ts';
import type { HostQuestion, VfQuestion } from './vf-reasons.ts';
import { nodesOfVm } from './vm-nodes.ts';

/** VFs of one PF with the same scores, by index. */
interface Candidates {
  readonly pf: Pf;
  readonly points: number;
  readonly scores: Score[];
  readonly vfs: { readonly vf: Vf; readonly risks: Risk[] }[];
}

/** A PF with what concerns all of its VFs. */
interface JudgedPf {
  readonly pf: Pf;
  readonly pool: Pool | undefined;
  /** Indexes of the VFs in the pool. */
  readonly inPool: ReadonlySet<number>;
  readonly bandwidth: PfBandwidth;
  readonly reasons: readonly Exclusion[];
}

/**
 * Judges every VF of the facts, and those of the pools that the host has not made. First those that can be taken, best
 * first with ranks from 1; then the others by the address of their PF and their index, each with all reasons against it.
 * Verdicts share their scores, which are not to be changed.
 */
export function chooseVfs(input: ChoiceInput): readonly CandidateVerdict[] {
  const { facts, network } = input;
  const used = input.spread ? usedCards(input) : new Map<string, string>();
  const judged = judgePfs(input, used);
  const best = bestOf(judged.filter(({ reasons }) => reasons.length === 0).map(({ bandwidth }) => bandwidth));
  const judgeVfs = vfJudge(input);
  const candidates: Candidates[] = [];
  const excluded: CandidateVerdict[] = [];
  for (const each of judged) {
    const { pf, bandwidth, reasons } = each;
    const isSpread = used.size > 0;
    const common =
      reasons.length > 0 ? [] : scorePf({ pf, network, bandwidth, best, isSpread, unread: facts.unread });
    judgeVfs(each, common, candidates, excluded);
  }
  excluded.push(...listAbsent(input));
  excluded.sort((a, b) => compareKeys(a.key, b.key));
  return [...rank(candidates), ...excluded];
}

/** Verdicts of those that can be taken, best first; among equals the lowest address of a PF, and the lowest index. */
function rank(candidates: readonly Candidates[]): CandidateVerdict[] {
  const verdicts: CandidateVerdict[] = [];
  // Stable: kinds of VFs stand in the order of their PFs.
  const best = candidates.toSorted((a, b) => b.points - a.points);
  for (let at = 0; at < best.length;) {
    const first = best[at];
    let end = at + 1;
    while (best[end]?.pf === first?.pf && best[end]?.points === first?.points) end += 1;
    const equals = best.slice(at, end);
    // Kinds of one PF with the same points share their ranks by index.
    const places = equals.flatMap((kind) => kind.vfs.map((each) => ({ kind, each })));
    if (equals.length > 1) places.sort((a, b) => a.each.vf.index - b.each.vf.index);
    for (const { kind, each } of places) verdicts.push(verdictOf(kind, each, verdicts.length + 1));
    at = end;
  }
  return verdicts;
}

function verdictOf(
  { pf, scores }: Candidates,
  { vf, risks }: Candidates['vfs'][number],
  place: number,
): CandidateVerdict {
  const { address } = vf;
  const key = { pf: pf.address, vf: vf.index };
  return address === undefined
    ? { key, rank: place, excluded: [], risks, scores }
    : { key, address, rank: place, excluded: [], risks, scores };
}

function judgePfs(input: ChoiceInput, used: ReadonlyMap<string, string>): readonly JudgedPf[] {
  const { facts, network } = input;
  const pools = new Map(input.offer.pools.map((pool) => [pool.pf, pool]));
  const pooled = facts.pfs
    .toSorted((a, b) => compareText(a.address, b.address))
    .map((pf) => {
      const pool = pools.get(pf.address);
      return { pf, pool, inPool: new Set(pool?.vfs.map(({ index }) => index)) };
    });
  const bandwidths = bandwidthsOf(pooled, input.leases);
  const lacksVfioDriver = facts.hasVfioDriver === false;
  return pooled.map(({ pf, pool, inPool }) => {
    const bandwidth = bandwidths.get(pf.address) ?? {};
    const usedBy = used.get(cardOf(pf));
    const reasons = excludePf({ pf, pool, network, bandwidth, usedBy, lacksVfioDriver });
    return { pf, pool, inPool, bandwidth, reasons };
  });
}

type JudgeVfs = (
  judged: JudgedPf,
  common: readonly Score[],
  candidates: Candidates[],
  excluded: CandidateVerdict[],
) => void;

/** A function that judges the VFs of a PF; what concerns the whole host is worked out once. */
function vfJudge(input: ChoiceInput): JudgeVfs {
  const { facts, vm } = input;
  const { interruptRemapping } = facts;
  const groups = new Map(facts.groups.map((group) => [group.id, group]));
  const leases = byKey(input.leases);
  const corrupts = byKey(input.corrupt);
  const quarantines = byKey(input.quarantines);
  const host: HostQuestion = {
    vm,
    leaseByAddress: addressedLeases(input),
    corruptAddresses: corruptAddresses(input),
    interruptRemapping,
    acceptedRisks: new Set(input.acceptedRisks),
    definedUsers: new Map(input.definedUsers.map(({ address, vm: name }) => [address, name])),
    unknownUsers: input.unknownUsers,
  };
  const vmNodes = nodesOfVm(vm.placement, facts.nodes);
  const nodeCount = facts.nodes.length;
  return ({ pf, pool, inPool, reasons }, common, candidates, excluded) => {
    const leasesOfPf = leases.get(pf.address);
    const corruptsOfPf = corrupts.get(pf.address);
    const quarantinesOfPf = quarantines.get(pf.address);
    // VFs of a PF hardly differ: scores are made once for each kind of them.
    const kinds = new Map<string, Candidates>();
    for (const vf of byIndex(pf.vfs)) {
      const { index } = vf;
      const group = vf.iommuGroup === undefined ? undefined : groups.get(vf.iommuGroup);
      const isNamed = pool !== undefined && !inPool.has(index);
      const lease = leasesOfPf?.get(index);
      const corrupt = corruptsOfPf?.get(index);
      const quarantine = quarantinesOfPf?.get(index);
      const question: VfQuestion = { host, vf, group, isNamed, lease, corrupt, quarantine };
      const risks = risksOf(question);
      const own = excludeVf(question, risks);
      if (reasons.length > 0 || own.length > 0) {
        excluded.push(exclusionOf(pf, vf, [...reasons, ...own], risks));
        continue;
      }
      const isolation = isolationOf(vf, group);
      const node = vf.numaNode ?? pf.numaNode;
      const kind = `${isolation}/${node ?? ''}`;
      let alike = kinds.get(kind);
      if (alike === undefined) {
        const scores = [...common, ...scoreVf({ isolation, node, vmNodes, nodeCount, interruptRemapping })];
        const points = scores.reduce((sum, each) => sum + each.points, 0);
        alike = { pf, points, scores: scores.sort(compareScores), vfs: [] };
        kinds.set(kind, alike);
        candidates.push(alike);
      }
      alike.vfs.push({ vf, risks });
    }
  };
}

function exclusionOf(pf: Pf, vf: Vf, excluded: Exclusion[], risks: Risk[]): CandidateVerdict {
  const { address } = vf;
  const key = { pf: pf.address, vf: vf.index };
  return address === undefined
    ? { key, excluded, risks, scores: [] }
    : { key, address, excluded, risks, scores: [] };
}

/** As they are, mostly: a host lists its VFs by index. */
function byIndex(vfs: readonly Vf[]): readonly Vf[] {
  let last = -1;
  for (const { index } of vfs) {
    if (index < last) return vfs.toSorted((a, b) => a.index - b.index);
    last = index;
  }
  return vfs;
}

/** VFs of the pools that the host does not have. */
function listAbsent({ facts, offer }: ChoiceInput): readonly CandidateVerdict[] {
  const pfs = new Map(facts.pfs.map((pf) => [pf.address, pf]));
  return offer.pools.flatMap(({ pf, vfs }) => {
    const found = pfs.get(pf);
    const made = new Set<number>();
    for (const { index } of found?.vfs ?? []) made.add(index);
    const text =
      found === undefined ? 'its PF is not on this host now' : 'the host has not made it: vfleet apply does';
    return vfs
      .filter(({ index }) => !made.has(index))
      .map(({ index }) => ({
        key: { pf, vf: index },
        excluded: [{ code: 'absent', text }],
        risks: [],
        scores: [],
      }));
  });
}

function compareScores(a: Score, b: Score): number {
  return Math.abs(b.points) - Math.abs(a.points) || compareText(a.name, b.name);
}

function compareKeys(a: VfKey, b: VfKey): number {
  return compareText(a.pf, b.pf) || a.vf - b.vf;
}
