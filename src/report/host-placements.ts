// Owns where each machine of one host goes: the threads that its vCPUs run on, its memory, its VFs by index.
// Follows the packing, which chose nodes and PFs; pinning.ts gives out the threads.

import type { PlacedVf, PlacedVm, Placements } from '../model/placements.ts';
import type { HostModel } from '../sizing/host-model.ts';
import type { Placement, SizingResult } from '../sizing/result.ts';
import { memoryMbOf, type VmClass } from '../model/workload.ts';
import { listText } from '../placement/number-list.ts';
import { type NodeCores, NodeThreads, type Thread } from './pinning.ts';

/** CPUs of a host by NUMA node, in the order of its model's nodes; undefined for host classes. */
export type HostCores = readonly NodeCores[] | undefined;

/** Where the machines of a host go; `placements` are all of that host, `name` is its own. */
export function placementsOf(
  result: SizingResult,
  model: HostModel,
  cores: HostCores,
  name: string,
  placements: readonly Placement[],
): Placements {
  const nodes = model.nodes.map((node, at) => new NodeThreads(node, cores?.[at]));
  const nextVf = model.pfs.map(() => 0);
  const vms: PlacedVm[] = [];
  // Large machines first, while there are whole cores; VFs in the order of the report.
  const order = [...placements.keys()].sort(
    (a, b) => vcpusOf(result, placements[b]) - vcpusOf(result, placements[a]) || a - b,
  );
  const pins = new Map(order.map((at) => [at, pinMachine(result, model, nodes, placements[at])]));
  for (const [at, placement] of placements.entries()) {
    const vm = result.vms[placement.vmClass];
    const pinned = pins.get(at);
    if (vm === undefined || pinned === undefined) continue;
    vms.push({
      name: `${vm.name}-${placement.vm}`,
      class: vm.name,
      vcpus: vm.vcpus,
      memoryMb: memoryMbOf(vm),
      ...pinned,
      vfs: vfsOf(model, vm, placement, nextVf),
    });
  }
  return {
    apiVersion: 'vfleet/v1',
    kind: 'Placements',
    host: name,
    class: model.name,
    kept: model.nodes.map(({ node, reservedCores }, at) => {
      const cpus = cpusOf(nodes[at]?.kept ?? []);
      return { node, cores: reservedCores, ...(cpus === undefined || cpus === '' ? {} : { cpus }) };
    }),
    vms,
  };
}

function vcpusOf(result: SizingResult, placement: Placement | undefined): number {
  return result.vms[placement?.vmClass ?? -1]?.vcpus ?? 0;
}

type Pinned = Pick<PlacedVm, 'numa' | 'pinning' | 'cpus' | 'threads'>;

/** vCPUs and memory on the nodes of the seat, spread evenly, and the threads that the vCPUs run on. */
function pinMachine(
  result: SizingResult,
  model: HostModel,
  nodes: readonly NodeThreads[],
  placement: Placement | undefined,
): Pinned | undefined {
  const vm = result.vms[placement?.vmClass ?? -1];
  if (vm === undefined || placement === undefined) return undefined;
  const on = placement.seat.nodes;
  const shares = on.map((node, nth) => ({
    node,
    vcpus: shareOf(vm.vcpus, nth, on.length),
    memoryMb: shareOf(memoryMbOf(vm), nth, on.length),
  }));
  // More vCPUs than threads: pinning one to another's thread would be worse than letting the kernel balance them.
  const own = result.policy.cpuRatio > 1 ? undefined : takeAll(shares, nodes);
  let first = 0;
  const numa = shares.map(({ node, vcpus, memoryMb }) => {
    const numbers = Array.from({ length: vcpus }, (_, nth) => first + nth);
    first += vcpus;
    return { node: numberOf(model, node), vcpus: listText(numbers), memoryMb };
  });
  return own === undefined
    ? { numa, pinning: 'shared', ...sharedCpus(shares, nodes) }
    : { numa, pinning: 'dedicated', ...ownCpus(own, model) };
}

/** What the packing counts on the nth of several nodes at most: an equal part, rounded up, until all is given. */
function shareOf(whole: number, nth: number, of: number): number {
  const part = Math.ceil(whole / of);
  return Math.max(0, Math.min(part, whole - nth * part));
}

interface OwnThread extends Thread {
  readonly node: number;
}

/** Threads for every vCPU; undefined when a node has too few, as one whose cores are not alike can have. */
function takeAll(
  shares: readonly { readonly node: number; readonly vcpus: number }[],
  nodes: readonly NodeThreads[],
): readonly OwnThread[] | undefined {
  const taken: OwnThread[] = [];
  for (const { node, vcpus } of shares) {
    const threads = nodes[node]?.take(vcpus);
    if (threads === undefined) return undefined;
    taken.push(...threads.map((thread) => ({ ...thread, node })));
  }
  return taken;
}

function ownCpus(own: readonly OwnThread[], model: HostModel): Pick<PlacedVm, 'cpus' | 'threads'> {
  const cpus = own.flatMap(({ cpu }) => cpu ?? []);
  if (cpus.length === own.length) return { cpus: cpus.map(String) };
  return { threads: own.map(({ node, core, thread }) => `${numberOf(model, node)}.${core}.${thread}`) };
}

function sharedCpus(
  shares: readonly { readonly node: number; readonly vcpus: number }[],
  nodes: readonly NodeThreads[],
): Pick<PlacedVm, 'cpus'> {
  const lists = shares.flatMap(({ node, vcpus }) => {
    const cpus = cpusOf(nodes[node]?.usable ?? []);
    return Array.from({ length: vcpus }, () => cpus);
  });
  const known = lists.filter((list) => list !== undefined && list !== '');
  return known.length === lists.length ? { cpus: known as string[] } : {};
}

/** CPUs of threads as a list; undefined when a number is not known. */
function cpusOf(threads: readonly Thread[]): string | undefined {
  const cpus = threads.flatMap(({ cpu }) => cpu ?? []);
  return cpus.length === threads.length ? listText(cpus) : undefined;
}

function numberOf(model: HostModel, node: number): number {
  return model.nodes[node]?.node ?? node;
}

/** VFs of a machine: on every PF the next index; the spares are the last ones of a PF. */
function vfsOf(model: HostModel, vm: VmClass, { seat }: Placement, nextVf: number[]): PlacedVf[] {
  return seat.pfs.flatMap((pfs, nic) =>
    pfs.map((pf): PlacedVf => {
      const index = nextVf[pf] ?? 0;
      nextVf[pf] = index + 1;
      const node = model.cards[model.ports[model.pfs[pf]?.port ?? -1]?.card ?? -1]?.node;
      const isRemote = node !== undefined && !seat.nodes.includes(node);
      return {
        nic,
        network: vm.nics?.[nic]?.network ?? '',
        pf: model.pfs[pf]?.address ?? '',
        index,
        ...(isRemote ? { remote: true } : {}),
      };
    }),
  );
}
