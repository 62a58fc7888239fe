// Owns the answer to "what would one more change": one more machine of a class, one more card in a class of hosts.
// Works on a finished packing; changes nothing in it.

import { type RelaxedBound, relaxedBoundOf } from './bound.ts';
import { HostFill } from './host-fill.ts';
import type { HostModel } from './host-model.ts';
import type { LinearSolver } from './linear-program.ts';
import { type HostProblem, type PackingProblem, statePacking } from './packing-problem.ts';
import type { VmDemand } from './vm-demand.ts';
import type { Marginal, Pattern } from './result.ts';
import type { CompletePolicy, VmClass } from '../model/workload.ts';

/** More machines than these are not counted: there is plenty of room. */
export const marginalLimit = 100_000;
/** Cards that are doubled to see what it changes; each is a program of its own. */
const maxDoubledCards = 8;

export interface MarginalInput {
  readonly vms: readonly VmClass[];
  readonly policy: CompletePolicy;
  /** By class of hosts. */
  readonly hosts: readonly HostModel[];
  readonly problems: readonly HostProblem[];
  /** Kinds of hosts (host-kinds.ts), and the kind of each class. */
  readonly kinds: PackingProblem;
  readonly kindModels: readonly HostModel[];
  readonly kindOf: readonly number[];
  readonly patterns: readonly Pattern[];
  readonly relaxed: RelaxedBound;
}

export function findMarginal(solver: LinearSolver, input: MarginalInput): Marginal {
  return {
    vms: input.kinds.vms.map((_, vmClass) => ({
      vmClass,
      fitAsIs: fitAsIs(vmClass, input.patterns, input.problems, input.kinds.vms),
      hostsPerVm: input.relaxed.vmPrices[vmClass] ?? 0,
    })),
    cards: doubleCards(solver, input),
  };
}

function fitAsIs(
  vmClass: number,
  patterns: readonly Pattern[],
  problems: readonly HostProblem[],
  vms: readonly VmDemand[],
): number {
  let fit = 0;
  for (const pattern of patterns) {
    const problem = problems[pattern.hostClass];
    if (problem === undefined || fit >= marginalLimit) continue;
    const fill = new HostFill(problem, vms);
    for (const seat of pattern.seats) fill.take(seat);
    while (fit < marginalLimit && fill.place(vmClass) !== undefined) fit += pattern.hostCount;
  }
  return Math.min(fit, marginalLimit);
}

function doubleCards(solver: LinearSolver, input: MarginalInput): Marginal['cards'] {
  const cards: Marginal['cards'][number][] = [];
  const seen = new Set<string>();
  const usedClasses = [...new Set(input.patterns.map(({ hostClass }) => hostClass))];
  for (const hostClass of usedClasses) {
    const host = input.hosts[hostClass];
    const kind = input.kindOf[hostClass] ?? 0;
    for (let card = 0; card < (host?.cards.length ?? 0); card += 1) {
      const model = input.kindModels[kind];
      const like = `${kind} ${JSON.stringify(model === undefined ? card : cardFacts(model, card))}`;
      if (model === undefined || seen.has(like) || seen.size >= maxDoubledCards) continue;
      seen.add(like);
      const [stated] = statePacking(input.vms, [withCardTwice(model, card)], input.policy).hosts;
      const hosts = input.kinds.hosts.map((problem, at) => (at === kind ? (stated ?? problem) : problem));
      cards.push({
        hostClass,
        card,
        relaxedBound: relaxedBoundOf(solver, { vms: input.kinds.vms, hosts }).hosts,
      });
    }
  }
  return cards;
}

/** What makes a card what it is; doubling two that are alike on one node would tell the same twice. */
function cardFacts(host: HostModel, card: number): unknown {
  const { name: _, ports: __, ...facts } = host.cards[card] ?? { name: '', ports: [] };
  const ports = host.ports.map(({ name: ___, ...port }, at) => ({
    ...port,
    pfs: host.pfs.filter((pf) => pf.port === at).map(({ totalVfs, mbps }) => [totalVfs, mbps]),
  }));
  return [facts, ports.filter((port) => port.card === card).map((port) => ({ ...port, card: 0 }))];
}

function withCardTwice(host: HostModel, card: number): HostModel {
  const added = host.cards.length;
  const own = host.ports.flatMap((port, at) => (port.card === card ? [{ port, at }] : []));
  const newPort = new Map(own.map(({ at }, nth) => [at, host.ports.length + nth]));
  const original = host.cards[card];
  if (original === undefined) return host;
  return {
    ...host,
    cards: [...host.cards, { ...original, name: `another ${original.name}`, ports: [...newPort.values()] }],
    ports: [...host.ports, ...own.map(({ port }) => ({ ...port, card: added }))],
    pfs: [
      ...host.pfs,
      ...host.pfs.flatMap((pf) => {
        const port = newPort.get(pf.port);
        return port === undefined ? [] : [{ ...pf, address: `another ${pf.address}`, port }];
      }),
    ],
  };
}
