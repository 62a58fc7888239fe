// Owns the packing as a whole: bound, search, whole hosts, and the answer in terms of the named hosts.
// Pure: the same input gives the same answer. Files are read by whoever calls.

import { type RelaxedBound, relaxedBoundOf, wholeBound } from './bound.ts';
import { FillingSearch } from './filling-search.ts';
import { dealPatterns, groupByKind, type HostKind } from './host-kinds.ts';
import type { HostModel } from './host-model.ts';
import { findImpossibilities } from './infeasible.ts';
import type { LinearSolver } from './linear-program.ts';
import { findMarginal } from './marginal.ts';
import { bringNear } from './nearness.ts';
import { type PackingProblem, statePacking } from './packing-problem.ts';
import { findCrossNode, measureUse } from './resource-use.ts';
import type { Impossibility, SizingResult } from './result.ts';
import { roundSearch, type WholePacking } from './rounding.ts';
import { type BoundedPacking, mostHostsOf, packFewHosts } from './small-packing.ts';
import { totalByFillings } from './total-facts.ts';
import type { CompletePolicy, VmClass } from '../model/workload.ts';

export interface SizingInput {
  readonly vms: readonly VmClass[];
  readonly hosts: readonly HostModel[];
  readonly policy: CompletePolicy;
  /** Also tell what one more machine or card would change; takes about as long again. */
  readonly withMarginal: boolean;
}

/** Packs the machines on as few hosts as it finds, and proves how few there can be. */
export function packWorkload(solver: LinearSolver, input: SizingInput): SizingResult {
  const kinds = groupByKind(input.hosts);
  const kindModels = kinds.map(({ model }) => model);
  const problem = statePacking(input.vms, kindModels, input.policy);
  const relaxed = relaxedBoundOf(solver, problem);
  const impossible = findImpossibilities(solver, problem, input.vms, input.policy, relaxed.isFeasible);
  if (impossible.length > 0) return impossibleResult(input, impossible);

  const most = mostHostsOf(problem);
  const found = searchPacking(solver, problem, relaxed.hosts, most);
  if (found === undefined) return impossibleResult(input, [totalByFillings(problem)]);
  const { packing: fewest, boundHosts } = packFewHosts(solver, problem, found.packing, found.boundHosts);
  if (boundHosts > most) return impossibleResult(input, [totalByFillings(problem)]);
  const packing = bringNear(solver, problem, fewest);
  return resultOf(solver, input, { kinds, kindModels, problem, relaxed, packing, boundHosts });
}

/** The best packing of the search, and the bound; undefined when that is more than `mostHosts`. */
function searchPacking(
  solver: LinearSolver,
  problem: PackingProblem,
  knownBound: number,
  mostHosts: number,
): BoundedPacking | undefined {
  const search = new FillingSearch(solver, problem);
  try {
    search.run(knownBound);
    const boundHosts = wholeBound(search.bound);
    if (boundHosts > mostHosts) return undefined;
    return { packing: roundSearch(search, problem), boundHosts };
  } finally {
    search.close();
  }
}

interface Packed {
  readonly kinds: readonly HostKind[];
  readonly kindModels: readonly HostModel[];
  readonly problem: PackingProblem;
  readonly relaxed: RelaxedBound;
  readonly packing: WholePacking;
  readonly boundHosts: number;
}

function resultOf(solver: LinearSolver, input: SizingInput, packed: Packed): SizingResult {
  const { vms, hosts, policy } = input;
  const { kinds, kindModels, problem, relaxed, packing, boundHosts } = packed;
  const patterns = dealPatterns(packing.filled, kinds, hosts, vms.length);
  const problems = statePacking(vms, hosts, policy).hosts;
  const unplaced = [...packing.unplaced].flatMap((count, vmClass) => (count > 0 ? [{ vmClass, count }] : []));
  const isWhole = unplaced.length === 0;
  const kindOf = hosts.map((_, host) => kinds.findIndex(({ members }) => members.includes(host)));
  return {
    outcome: isWhole ? 'fits' : 'unplaced',
    vms,
    hosts,
    policy,
    usedHosts: packing.usedHosts,
    boundHosts,
    ...(isWhole ? { gap: boundHosts === 0 ? 0 : packing.usedHosts / boundHosts - 1 } : {}),
    relaxedBound: relaxed.hosts,
    patterns,
    use: measureUse(patterns, problems, problem.vms),
    crossNode: findCrossNode(patterns),
    unplaced,
    impossible: [],
    ...(input.withMarginal
      ? {
          marginal: findMarginal(solver, {
            vms,
            policy,
            hosts,
            problems,
            kinds: problem,
            kindModels,
            kindOf,
            patterns,
            relaxed,
          }),
        }
      : {}),
  };
}

function impossibleResult(input: SizingInput, impossible: readonly Impossibility[]): SizingResult {
  return {
    outcome: 'impossible',
    vms: input.vms,
    hosts: input.hosts,
    policy: input.policy,
    usedHosts: 0,
    boundHosts: 0,
    relaxedBound: 0,
    patterns: [],
    use: [],
    crossNode: [],
    unplaced: [],
    impossible,
  };
}
