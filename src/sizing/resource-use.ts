// Owns the figures of a packing: use of every resource, what runs out first, machines that cross NUMA nodes.
// Counts what the patterns say; decides nothing.

import { HostFill } from './host-fill.ts';
import type { HostProblem } from './packing-problem.ts';
import type { VmDemand } from './vm-demand.ts';
import type { CrossNode, HostClassUse, Pattern, ResourceUse } from './result.ts';

/** Use of the resources of every class of hosts that is used. `problems` has one entry for each class. */
export function measureUse(
  patterns: readonly Pattern[],
  problems: readonly HostProblem[],
  vms: readonly VmDemand[],
): readonly HostClassUse[] {
  return problems.flatMap((problem, hostClass): HostClassUse[] => {
    const own = patterns.filter((pattern) => pattern.hostClass === hostClass);
    const usedHosts = own.reduce((sum, { hostCount }) => sum + hostCount, 0);
    if (usedHosts === 0) return [];
    const uses = own.map((pattern) => ({
      hostCount: pattern.hostCount,
      used: usedBy(pattern, problem, vms),
    }));
    const resources = problem.resources.flatMap((resource, at): ResourceUse[] => {
      const { kind, name, index, capacity } = resource;
      const amounts = uses.map(({ used }) => used[at] ?? 0);
      const most = Math.max(...amounts);
      const isLimited = capacity !== Infinity;
      const isTelling = kind === 'queues' || kind === 'vectors' || kind === 'pcie';
      if (!isLimited && (!isTelling || most === 0)) return [];
      const total = uses.reduce((sum, { hostCount, used }) => sum + hostCount * (used[at] ?? 0), 0);
      return [
        {
          kind,
          name,
          index,
          ...(isLimited ? { capacity } : {}),
          most,
          least: Math.min(...amounts),
          mean: total / usedHosts,
        },
      ];
    });
    const runsOut = resources
      .flatMap(({ capacity, mean }, resource) =>
        capacity === undefined || capacity <= 0 ? [] : [{ resource, fill: mean / capacity }],
      )
      .sort((a, b) => b.fill - a.fill || a.resource - b.resource);
    return [{ hostClass, usedHosts, resources, runsOut }];
  });
}

/** What one host of a pattern uses of each resource. */
function usedBy(pattern: Pattern, problem: HostProblem, vms: readonly VmDemand[]): readonly number[] {
  // Counted down from a host without limits, so that resources without one are counted as well.
  const large = 2 ** 50;
  const resources = problem.resources.map((resource) => ({ ...resource, capacity: large }));
  const fill = new HostFill({ ...problem, resources }, vms);
  for (const seat of pattern.seats) fill.take(seat);
  return Array.from(fill.free, (left) => large - left);
}

/** Machines that have not all on one NUMA node, by class of machines and hosts. */
export function findCrossNode(patterns: readonly Pattern[]): readonly CrossNode[] {
  const found = new Map<string, CrossNode>();
  for (const pattern of patterns) {
    const given = new Map<number, number>();
    for (const seat of pattern.seats) {
      const { vmClass } = seat;
      const nth = given.get(vmClass) ?? 0;
      given.set(vmClass, nth + 1);
      const isSpread = seat.nodes.length > 1;
      if (seat.remoteVfs === 0 && !isSpread) continue;
      const key = `${vmClass} ${pattern.hostClass}`;
      const before = found.get(key);
      const hosts = pattern.hostCount;
      found.set(key, {
        vmClass,
        hostClass: pattern.hostClass,
        withRemoteVfs: (before?.withRemoteVfs ?? 0) + (seat.remoteVfs > 0 ? hosts : 0),
        spread: (before?.spread ?? 0) + (isSpread ? hosts : 0),
        remoteMbps: (before?.remoteMbps ?? 0) + seat.remoteMbps * hosts,
        firstVm: before?.firstVm ?? (pattern.firstVm[vmClass] ?? 0) + nth,
      });
    }
  }
  return [...found.values()].sort((a, b) => a.vmClass - b.vmClass || a.hostClass - b.hostClass);
}
