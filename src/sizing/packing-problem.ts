// Owns the translation of hosts into numbers: their resources, and how each class of machines can stand on them.
// Everything is a whole number (vCPUs, MB, Mb/s, VFs, vectors), so that sums are exact. Places nothing.

import type { HostModel, HostPf } from './host-model.ts';
import type { ResourceKind } from './result.ts';
import { demandOf, type NicGroup, type VmDemand } from './vm-demand.ts';
import type { CompletePolicy, VmClass } from '../model/workload.ts';

export interface Resource {
  readonly kind: ResourceKind;
  readonly name: string;
  /** Index in the host's nodes, cards, ports or pfs. */
  readonly index: number;
  /** Infinity where there is no limit or it is not known. */
  readonly capacity: number;
}

/** What something takes: indexes of resources and amounts. */
export type Uses = readonly (readonly [resource: number, amount: number])[];

/** Where vCPUs and memory of a machine can be on a host: one node, or spread over all. */
export interface Spot {
  readonly nodes: readonly number[];
  readonly uses: Uses;
}

/** How a class of machines can stand on a host. */
export interface Fitting {
  readonly spots: readonly Spot[];
  /** By group: the PFs that can give it a VF, with what one VF takes. */
  readonly choices: readonly (readonly PfChoice[])[];
  /** Groups with the fewest PFs first: they have the least to choose from. */
  readonly order: readonly number[];
}

export interface PfChoice {
  readonly pf: number;
  readonly port: number;
  readonly card: number;
  /** Undefined when not known: near to every node. */
  readonly node: number | undefined;
  readonly uses: Uses;
}

/** One class of hosts in numbers. */
export interface HostProblem {
  readonly host: HostModel;
  /** How many there are; Infinity: as many as are needed. */
  readonly count: number;
  readonly resources: readonly Resource[];
  /** By class of machines; undefined when it fits no such host, for want of a spot or of a PF for one of its NICs. */
  readonly fittings: readonly (Fitting | undefined)[];
  /** VFs may only be on the node of their machine. */
  readonly isStrict: boolean;
}

export interface PackingProblem {
  readonly vms: readonly VmDemand[];
  readonly hosts: readonly HostProblem[];
}

/** States the packing of machines on hosts in numbers. */
export function statePacking(
  vms: readonly VmClass[],
  hosts: readonly HostModel[],
  policy: CompletePolicy,
): PackingProblem {
  const demands = vms.map(demandOf);
  return { vms: demands, hosts: hosts.map((host) => stateHost(host, demands, policy)) };
}

/** Indexes of a host's resources by what they belong to. */
interface ResourceIndex {
  readonly resources: Resource[];
  readonly vcpus: number[];
  readonly memory: number[];
  readonly pcie: number[];
  readonly cardVfs: number[];
  readonly ports: number[];
  readonly partitions: number[];
  readonly vfs: number[];
  readonly vectors: number[];
  readonly queues: number[];
}

function stateHost(host: HostModel, vms: readonly VmDemand[], policy: CompletePolicy): HostProblem {
  const index = indexResources(host, policy);
  const isStrict = policy.numa === 'strict';
  return {
    host,
    count: host.count ?? Infinity,
    resources: index.resources,
    fittings: vms.map((vm) => fittingOf(vm, host, index, isStrict)),
    isStrict,
  };
}

function indexResources(host: HostModel, policy: CompletePolicy): ResourceIndex {
  const resources: Resource[] = [];
  const add = (kind: ResourceKind, index: number, name: string, capacity: number): number => {
    resources.push({ kind, name, index, capacity });
    return resources.length - 1;
  };
  const shared = (mbps: number): number => Math.floor(mbps * policy.bandwidthRatio);
  const portName = (port: number): string => {
    const { card = 0, name = '' } = host.ports[port] ?? {};
    return `${host.cards[card]?.name ?? ''} ${name}`;
  };
  return {
    resources,
    vcpus: host.nodes.map(({ node, vcpuCapacity }, at) =>
      add('vcpus', at, `node ${node} vCPUs`, vcpuCapacity),
    ),
    memory: host.nodes.map(({ node, memoryCapacityMb }, at) =>
      add('memory', at, `node ${node} memory`, memoryCapacityMb),
    ),
    pcie: host.cards.map(({ name, pcieMbps }, at) =>
      add('pcie', at, `${name} PCIe link`, pcieMbps === undefined ? Infinity : shared(pcieMbps)),
    ),
    cardVfs: host.cards.map(({ name, vfLimit }, at) => {
      const spares = host.pfs
        .filter((pf) => host.ports[pf.port]?.card === at)
        .reduce((sum, pf) => sum + pf.spareVfs, 0);
      const capacity = vfLimit === undefined ? Infinity : Math.max(0, vfLimit - spares);
      return add('card-vfs', at, `${name} VFs`, capacity);
    }),
    ports: host.ports.map(({ mbps }, at) => add('port', at, `${portName(at)} bandwidth`, shared(mbps))),
    partitions: host.pfs.map(({ address, mbps }, at) =>
      add('partition', at, `${address} share`, mbps === undefined ? Infinity : shared(mbps)),
    ),
    vfs: host.pfs.map(({ address, totalVfs, spareVfs }, at) =>
      add('vfs', at, `${address} VFs`, Math.max(0, totalVfs - spareVfs)),
    ),
    vectors: host.pfs.map(({ address, vectorPool }, at) =>
      add('vectors', at, `${address} vectors`, vectorPool ?? Infinity),
    ),
    queues: host.pfs.map(({ address }, at) => add('queues', at, `${address} queues`, Infinity)),
  };
}

function fittingOf(
  vm: VmDemand,
  host: HostModel,
  index: ResourceIndex,
  isStrict: boolean,
): Fitting | undefined {
  const choices = vm.groups.map((group) => choicesOf(group, host, index));
  const isNear = (choice: PfChoice, node: number): boolean =>
    choice.node === undefined || choice.node === node;
  const spots = spotsOf(vm, host, index, isStrict).filter(
    ({ nodes }) =>
      !isStrict || choices.every((of) => of.some((choice) => nodes.some((node) => isNear(choice, node)))),
  );
  if (spots.length === 0 || choices.some((of) => of.length === 0)) return undefined;
  const order = choices
    .map((_, at) => at)
    .sort((a, b) => (choices[a]?.length ?? 0) - (choices[b]?.length ?? 0) || a - b);
  return { spots, choices, order };
}

/** One node each; a machine that is too large for every node is spread over all of them, if policy lets it. */
function spotsOf(vm: VmDemand, host: HostModel, index: ResourceIndex, isStrict: boolean): Spot[] {
  const spotOn = (nodes: readonly number[]): Spot => ({
    nodes,
    uses: nodes.flatMap((node) => [
      [index.vcpus[node] ?? 0, Math.ceil(vm.vcpus / nodes.length)] as const,
      [index.memory[node] ?? 0, Math.ceil(vm.memoryMb / nodes.length)] as const,
    ]),
  });
  const fits = ({ uses }: Spot): boolean =>
    uses.every(([resource, amount]) => amount <= (index.resources[resource]?.capacity ?? 0));
  const single = host.nodes.map((_, node) => spotOn([node])).filter(fits);
  if (single.length > 0 || isStrict || host.nodes.length < 2) return single;
  return [spotOn(host.nodes.map((_, node) => node))].filter(fits);
}

function choicesOf(group: NicGroup, host: HostModel, index: ResourceIndex): readonly PfChoice[] {
  return host.pfs.flatMap((pf, at): PfChoice[] => {
    const port = host.ports[pf.port];
    const card = port === undefined ? undefined : host.cards[port.card];
    if (port === undefined || card === undefined || !canServe(group, pf, port.networks)) return [];
    const amounts: Uses = [
      [index.vfs[at] ?? 0, 1],
      [index.cardVfs[port.card] ?? 0, 1],
      [index.ports[pf.port] ?? 0, group.portMbps],
      [index.partitions[at] ?? 0, group.portMbps],
      [index.pcie[port.card] ?? 0, group.pcieMbps],
      [index.vectors[at] ?? 0, vectorsOf(group, pf)],
      [index.queues[at] ?? 0, group.queues ?? pf.queuesPerVf ?? 0],
    ];
    const uses = amounts.filter(([, amount]) => amount > 0);
    if (uses.some(([resource, amount]) => amount > (index.resources[resource]?.capacity ?? 0))) return [];
    return [{ pf: at, port: pf.port, card: port.card, node: card.node, uses }];
  });
}

function canServe(group: NicGroup, pf: HostPf, networks: readonly string[] | undefined): boolean {
  if (networks !== undefined && !networks.includes(group.network)) return false;
  if (group.needsRdma && !pf.hasRdma) return false;
  const { queues } = group;
  if (queues === undefined) return true;
  if (pf.queuesPerVf !== undefined && queues > pf.queuesPerVf) return false;
  return pf.vectorPool !== undefined || pf.vectorsPerVf === undefined || queues < pf.vectorsPerVf;
}

/** A vector for each queue pair and one for the VF's mailbox; what the VF has, where no number of queues is given. */
function vectorsOf(group: NicGroup, pf: HostPf): number {
  if (pf.vectorPool === undefined || group.queues === undefined) return pf.vectorsPerVf ?? 0;
  return group.queues + 1;
}
