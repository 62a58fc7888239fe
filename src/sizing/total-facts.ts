// Owns the proof that there are too few hosts for all machines, though each of them fits one.
// Leaves out kinds of resources and classes of machines as long as what is left is still too much.

import { relaxedBoundOf } from './bound.ts';
import type { LinearSolver } from './linear-program.ts';
import type { HostProblem, PackingProblem } from './packing-problem.ts';
import type { VmDemand } from './vm-demand.ts';
import type { Fact, Impossibility, ResourceKind } from './result.ts';

/** In the order in which it is tried to do without: the plainest facts are kept. */
const kinds: readonly ResourceKind[] = [
  'queues',
  'vectors',
  'card-vfs',
  'pcie',
  'partition',
  'vfs',
  'port',
  'memory',
  'vcpus',
];

/** An amount in words. */
const amounts: Readonly<Record<ResourceKind, (amount: number) => string>> = {
  queues: (amount) => `${amount} queue pairs`,
  vectors: (amount) => `${amount} interrupt vectors`,
  'card-vfs': (amount) => `${amount} VFs of cards`,
  pcie: (amount) => `${amount / 1000} Gb/s on PCIe links`,
  partition: (amount) => `${amount / 1000} Gb/s on partitions`,
  vfs: (amount) => `${amount} VFs`,
  port: (amount) => `${amount / 1000} Gb/s on ports`,
  memory: (amount) => `${amount} MB of memory`,
  vcpus: (amount) => `${amount} vCPUs`,
};

/** Why all machines together do not fit. The relaxation must be infeasible. */
export function explainTotal(solver: LinearSolver, problem: PackingProblem): Impossibility {
  const keptKinds = new Set<ResourceKind>(kinds);
  const keptClasses = new Set(problem.vms.keys());
  const isImpossible = (): boolean =>
    !relaxedBoundOf(solver, reduced(problem, keptKinds, keptClasses)).isFeasible;
  for (const kind of kinds) {
    keptKinds.delete(kind);
    if (!isImpossible()) keptKinds.add(kind);
  }
  leaveOut(keptClasses, isImpossible);
  const vmClasses = [...keptClasses].sort((a, b) => a - b);
  const facts = [...keptKinds].flatMap((kind) => kindFacts(kind, problem, vmClasses));
  const names = listOf(vmClasses.map((vmClass) => problem.vms[vmClass]?.name ?? ''));
  return {
    kind: 'total',
    vmClasses,
    summary: `there are too few hosts for the machines of ${names}`,
    facts: [...facts, hostsFact(problem)],
  };
}

/** Too few hosts, proven by whole fillings where resources alone do not prove it. */
export function totalByFillings(problem: PackingProblem): Impossibility {
  const available = problem.hosts.reduce((sum, { count }) => sum + count, 0);
  const proof = Number.isFinite(available)
    ? `no way of filling single hosts places all machines on ${available} of them`
    : 'no way of filling single hosts does with as many as there are of those that are limited in number';
  return {
    kind: 'total',
    vmClasses: [...problem.vms.keys()],
    summary: 'there are too few hosts for all machines, though there is enough of every resource',
    facts: [{ subject: 'vm', text: proof }, hostsFact(problem)],
  };
}

/** Leaves out halves, then smaller parts: few classes are needed, and each trial is a program to be solved. */
function leaveOut(kept: Set<number>, isImpossible: () => boolean): void {
  for (let part = Math.ceil(kept.size / 2); part >= 1; part = part === 1 ? 0 : Math.ceil(part / 2)) {
    const all = [...kept];
    for (let from = 0; from < all.length; from += part) {
      const trial = all.slice(from, from + part).filter((vmClass) => kept.has(vmClass));
      if (trial.length === kept.size) continue;
      for (const vmClass of trial) kept.delete(vmClass);
      if (!isImpossible()) for (const vmClass of trial) kept.add(vmClass);
    }
  }
}

function reduced(
  problem: PackingProblem,
  kept: ReadonlySet<ResourceKind>,
  classes: ReadonlySet<number>,
): PackingProblem {
  return {
    vms: problem.vms.map((vm, at) => (classes.has(at) ? vm : { ...vm, count: 0 })),
    hosts: problem.hosts.map((host) => ({
      ...host,
      resources: host.resources.map((resource) =>
        kept.has(resource.kind) ? resource : { ...resource, capacity: Infinity },
      ),
    })),
  };
}

function kindFacts(
  kind: ResourceKind,
  problem: PackingProblem,
  vmClasses: readonly number[],
): readonly Fact[] {
  const amountOf = amounts[kind];
  const need = vmClasses.reduce((sum, vmClass) => sum + leastNeedOf(kind, problem, vmClass), 0);
  const have = problem.hosts.reduce(
    (sum, host) => sum + host.count * capacityOf(kind, host, problem.vms, vmClasses),
    0,
  );
  return [
    { subject: 'vm', text: `these machines need ${amountOf(need)} at least` },
    { subject: 'host', text: `all hosts together have ${amountOf(have)} that they can use` },
  ];
}

/** What all machines of a class take of a kind, on the host where they take least. */
function leastNeedOf(kind: ResourceKind, problem: PackingProblem, vmClass: number): number {
  const vm = problem.vms[vmClass];
  if (vm === undefined) return 0;
  if (kind === 'vcpus') return vm.count * vm.vcpus;
  if (kind === 'memory') return vm.count * vm.memoryMb;
  const perHost = problem.hosts.flatMap((host) => {
    const choices = host.fittings[vmClass]?.choices;
    if (choices === undefined) return [];
    return [
      vm.groups.reduce((sum, group, at) => {
        const amounts = (choices[at] ?? []).map(({ uses }) =>
          uses.reduce(
            (all, [resource, amount]) => all + (host.resources[resource]?.kind === kind ? amount : 0),
            0,
          ),
        );
        return sum + Math.min(...amounts) * group.nics.length * group.vfsPerNic;
      }, 0),
    ];
  });
  return perHost.length === 0 ? 0 : vm.count * Math.min(...perHost);
}

/** What a host has of a kind where these classes can use it. */
function capacityOf(
  kind: ResourceKind,
  host: HostProblem,
  vms: readonly VmDemand[],
  vmClasses: readonly number[],
): number {
  const usable = new Set<number>();
  for (const vmClass of vmClasses) {
    const fitting = host.fittings[vmClass];
    if (fitting === undefined || vms[vmClass] === undefined) continue;
    const uses = [...fitting.spots, ...fitting.choices.flat()].flatMap((each) => each.uses);
    for (const [resource] of uses) if (host.resources[resource]?.kind === kind) usable.add(resource);
  }
  return [...usable].reduce((sum, resource) => sum + (host.resources[resource]?.capacity ?? 0), 0);
}

function hostsFact(problem: PackingProblem): Fact {
  const counts = problem.hosts.map(
    ({ host, count }) => `${count === Infinity ? 'any number' : count} of ${host.name}`,
  );
  return { subject: 'total', text: `the hosts are ${listOf(counts)}` };
}

function listOf(items: readonly string[]): string {
  const shown = items.slice(0, 8);
  const rest = items.length - shown.length;
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ');
}
