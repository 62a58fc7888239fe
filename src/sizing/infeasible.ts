// Owns the proof that an input cannot fit: which facts together make it impossible, none of them without need.
// Every set of facts is found by leaving facts out one by one, as long as it stays impossible without them.

import type { LinearSolver } from './linear-program.ts';
import { hostFact, machineFact, policyFact, type Aspect, without } from './machine-facts.ts';
import { type PackingProblem, statePacking } from './packing-problem.ts';
import type { Fact, Impossibility } from './result.ts';
import { fitsAlone } from './single-fit.ts';
import { explainTotal } from './total-facts.ts';
import type { CompletePolicy, VmClass } from '../model/workload.ts';

/** Classes that fit nowhere are each explained, up to so many. */
const maxExplained = 20;

/** What a machine asks for besides its NICs, in the order in which it is tried to do without. */
const commonAspects: readonly Aspect[] = [
  'queues',
  'rdma',
  'pcie',
  'spares',
  'vfs',
  'numa',
  'memory',
  'vcpus',
  'bandwidth',
  'redundancy',
  'network',
];

/** Why the input cannot fit; empty when nothing proves that it cannot. */
export function findImpossibilities(
  solver: LinearSolver,
  problem: PackingProblem,
  vms: readonly VmClass[],
  policy: CompletePolicy,
  isRelaxationFeasible: boolean,
): readonly Impossibility[] {
  const homeless = problem.vms.flatMap((_, vmClass) =>
    problem.hosts.some((host) => fitsAlone(solver, host, problem.vms, vmClass)) ? [] : [vmClass],
  );
  if (homeless.length > 0) {
    return homeless
      .slice(0, maxExplained)
      .map((vmClass) => explainAlone(solver, problem, vms, policy, vmClass));
  }
  return isRelaxationFeasible ? [] : [explainTotal(solver, problem)];
}

/** Why one machine of a class fits no empty host. */
function explainAlone(
  solver: LinearSolver,
  problem: PackingProblem,
  vms: readonly VmClass[],
  policy: CompletePolicy,
  vmClass: number,
): Impossibility {
  const vm = vms[vmClass];
  if (vm === undefined) throw new RangeError('a class that is not there');
  // NICs first, so that the facts are about as few of them as can be.
  const aspects = [...(vm.nics ?? []).map((_, at): Aspect => `nic ${at}`), ...commonAspects];
  const asked = new Set<Aspect>();
  const ofHosts: Fact[] = [];
  for (const { host } of problem.hosts) {
    const needed = new Set<Aspect>(aspects);
    for (const aspect of aspects) {
      needed.delete(aspect);
      const left = aspects.filter((each) => !needed.has(each));
      const eased = without(left, vm, host, policy);
      const stated = statePacking([eased.vm], [eased.host], eased.policy);
      const [only] = stated.hosts;
      if (only !== undefined && fitsAlone(solver, only, stated.vms, 0)) needed.add(aspect);
    }
    for (const aspect of needed) asked.add(aspect);
    ofHosts.push({ subject: 'host', text: hostFact(vm, host, policy, needed) });
  }
  const ofPolicy = policyFact(policy, asked);
  const facts: Fact[] = [
    { subject: 'vm', text: machineFact(vm, asked) },
    ...(ofPolicy === undefined ? [] : [{ subject: 'policy' as const, text: ofPolicy }]),
    ...ofHosts,
  ];
  return {
    kind: 'vm',
    vmClasses: [vmClass],
    summary: `a machine of ${vm.name} fits no host, not even an empty one`,
    facts,
  };
}
