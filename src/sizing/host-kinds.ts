// Owns which hosts are alike to the packing, whatever they are called, and the way back from kinds to named hosts.
// Alike means alike by index: what stands on PF 3 of one can stand on PF 3 of the other.

import type { HostModel } from './host-model.ts';
import type { FilledHosts } from './rounding.ts';
import type { Pattern } from './result.ts';

/** Hosts that are alike; `members` are indexes of the models that they came from. */
export interface HostKind {
  readonly model: HostModel;
  readonly members: readonly number[];
}

/** Hosts by kind, in the order of their first member. The count of a kind is that of its members together. */
export function groupByKind(hosts: readonly HostModel[]): readonly HostKind[] {
  const kinds = new Map<string, number[]>();
  for (const [index, host] of hosts.entries()) {
    const key = likenessOf(host);
    const members = kinds.get(key);
    if (members === undefined) kinds.set(key, [index]);
    else members.push(index);
  }
  return [...kinds.values()].map((members): HostKind => {
    const models = members.flatMap((index) => hosts[index] ?? []);
    const [first = hosts[0]] = models;
    if (first === undefined) throw new RangeError('a kind has a member');
    const { count: _, ...rest } = first;
    const isUnlimited = models.some(({ count }) => count === undefined);
    const count = models.reduce((sum, model) => sum + (model.count ?? 0), 0);
    return { model: isUnlimited ? rest : { ...rest, count }, members };
  });
}

function likenessOf(host: HostModel): string {
  return JSON.stringify([
    host.nodes.map(({ vcpuCapacity, memoryCapacityMb }) => [vcpuCapacity, memoryCapacityMb]),
    host.cards.map(({ node, pcieMbps, vfLimit }) => [node, pcieMbps, vfLimit]),
    host.ports.map(({ card, networks, mbps }) => [card, networks?.toSorted(), mbps]),
    host.pfs.map((pf) => [
      pf.port,
      pf.totalVfs,
      pf.spareVfs,
      pf.mbps,
      pf.hasRdma,
      pf.vectorsPerVf,
      pf.vectorPool,
      pf.queuesPerVf,
    ]),
  ]);
}

/** Patterns on named hosts: every kind's hosts are dealt to its members in order, machines are numbered host by host. */
export function dealPatterns(
  filled: readonly FilledHosts[],
  kinds: readonly HostKind[],
  hosts: readonly HostModel[],
  vmClasses: number,
): readonly Pattern[] {
  const free = hosts.map(({ count }) => count ?? Infinity);
  const used = hosts.map(() => 0);
  const dealt: { hostClass: number; firstHost: number; hostCount: number; from: FilledHosts }[] = [];
  // Those that are most alike first, so that host numbers run through few patterns.
  const order = filled.toSorted((a, b) => a.filling.hostClass - b.filling.hostClass || b.hosts - a.hosts);
  for (const from of order) {
    let left = from.hosts;
    for (const hostClass of kinds[from.filling.hostClass]?.members ?? []) {
      const hostCount = Math.min(left, free[hostClass] ?? 0);
      if (hostCount <= 0) continue;
      dealt.push({ hostClass, firstHost: used[hostClass] ?? 0, hostCount, from });
      free[hostClass] = (free[hostClass] ?? 0) - hostCount;
      used[hostClass] = (used[hostClass] ?? 0) + hostCount;
      left -= hostCount;
    }
  }
  dealt.sort((a, b) => a.hostClass - b.hostClass || a.firstHost - b.firstHost);
  const nextVm = Array.from({ length: vmClasses }, () => 0);
  return dealt.map(({ hostClass, firstHost, hostCount, from }) => {
    const vmsPerHost = [...from.filling.counts];
    const firstVm = [...nextVm];
    for (const [vmClass, count] of vmsPerHost.entries()) {
      nextVm[vmClass] = (nextVm[vmClass] ?? 0) + count * hostCount;
    }
    const seats = from.filling.seats.toSorted((a, b) => a.vmClass - b.vmClass || a.remoteVfs - b.remoteVfs);
    return { hostClass, firstHost, hostCount, seats, firstVm, vmsPerHost };
  });
}
