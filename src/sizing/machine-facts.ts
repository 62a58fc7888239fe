// Owns the facts of one machine and one host that can make it impossible to place: leaving one out, and saying it.
// Words and numbers only; which facts are needed is found by infeasible.ts.

import { listed } from '../spec/wording.ts';
import type { HostModel } from './host-model.ts';
import { pcieMbpsOf, portMbpsOf } from './vm-demand.ts';
import { type CompletePolicy, memoryMbOf, type VmClass, type VmNic } from '../model/workload.ts';

/** `nic 0` is the machine's first NIC altogether; the other aspects of NICs are about those that are left. */
export type Aspect =
  | `nic ${number}`
  | 'queues'
  | 'rdma'
  | 'pcie'
  | 'spares'
  | 'vfs'
  | 'numa'
  | 'memory'
  | 'vcpus'
  | 'bandwidth'
  | 'redundancy'
  | 'network';

/** Different values that one fact lists. */
const maxValues = 5;
/** Far more than any machine takes, and still counted exactly. */
const plenty = 1_000_000_000;

/** The same machine, host and policy as if some aspects were no question. */
export function without(
  aspects: readonly Aspect[],
  vm: VmClass,
  host: HostModel,
  policy: CompletePolicy,
): { readonly vm: VmClass; readonly host: HostModel; readonly policy: CompletePolicy } {
  const isLeft = (aspect: Aspect): boolean => aspects.includes(aspect);
  return {
    vm: {
      ...vm,
      nics: (vm.nics ?? []).filter((_, at) => !isLeft(`nic ${at}`)).map((nic) => nicWithout(nic, isLeft)),
    },
    host: hostWithout(host, isLeft),
    policy: isLeft('numa') ? { ...policy, numa: 'prefer' } : policy,
  };
}

function nicWithout(nic: VmNic, isLeft: (aspect: Aspect) => boolean): VmNic {
  return {
    ...nic,
    ...(isLeft('queues') ? { queues: undefined } : {}),
    ...(isLeft('rdma') ? { rdma: false } : {}),
    ...(isLeft('redundancy') ? { redundancy: 'none' as const } : {}),
  };
}

function hostWithout(host: HostModel, isLeft: (aspect: Aspect) => boolean): HostModel {
  return {
    ...host,
    nodes: host.nodes.map((node) => ({
      ...node,
      ...(isLeft('vcpus') ? { vcpuCapacity: plenty } : {}),
      ...(isLeft('memory') ? { memoryCapacityMb: plenty } : {}),
    })),
    cards: host.cards.map(({ pcieMbps, vfLimit, ...card }) => ({
      ...card,
      ...(isLeft('pcie') || pcieMbps === undefined ? {} : { pcieMbps }),
      ...(isLeft('vfs') || vfLimit === undefined ? {} : { vfLimit }),
    })),
    ports: host.ports.map(({ networks, ...port }) => ({
      ...port,
      ...(isLeft('network') || networks === undefined ? {} : { networks }),
      ...(isLeft('bandwidth') ? { mbps: plenty } : {}),
    })),
    pfs: host.pfs.map(({ mbps, vectorPool, ...pf }) => ({
      ...pf,
      ...(isLeft('vfs') ? { totalVfs: plenty } : {}),
      ...(isLeft('spares') ? { spareVfs: 0 } : {}),
      ...(isLeft('bandwidth') || mbps === undefined ? {} : { mbps }),
      ...(isLeft('queues') || vectorPool === undefined ? {} : { vectorPool }),
    })),
  };
}

/** What the machine asks for, of these aspects: `a machine of db needs 2 NICs on two cards each on network storage`. */
export function machineFact(vm: VmClass, aspects: ReadonlySet<Aspect>): string {
  const needs: string[] = [];
  if (aspects.has('vcpus')) needs.push(`${vm.vcpus} vCPUs`);
  if (aspects.has('memory')) needs.push(`${memoryMbOf(vm)} MB of memory`);
  const wordings = nicsAmong(vm, aspects).map((nic) => nicWording(nic, aspects));
  for (const wording of new Set(wordings)) {
    const count = wordings.filter((each) => each === wording).length;
    needs.push(`${count === 1 ? 'a NIC' : `${count} NICs`}${wording}`);
  }
  const what = needs.length === 0 ? 'a place' : needs.join(', ');
  return `a machine of ${vm.name} needs ${what}`;
}

function nicsAmong(vm: VmClass, aspects: ReadonlySet<Aspect>): readonly VmNic[] {
  return (vm.nics ?? []).filter((_, at) => aspects.has(`nic ${at}`));
}

function nicWording(nic: VmNic, aspects: ReadonlySet<Aspect>): string {
  const words: string[] = [];
  if (aspects.has('bandwidth') || aspects.has('pcie'))
    words.push(`of ${nic.gbps} Gb/s${onTheWay(nic, aspects)}`);
  if (aspects.has('network')) words.push(`on network ${nic.network}`);
  if (aspects.has('redundancy') && nic.redundancy === 'cards') words.push('over two cards');
  if (aspects.has('redundancy') && nic.redundancy === 'ports') words.push('over two ports');
  if (aspects.has('rdma') && nic.rdma === true) words.push('with RDMA');
  if (aspects.has('queues') && nic.queues !== undefined) words.push(`with ${nic.queues} queue pairs`);
  return words.map((word) => ` ${word}`).join('');
}

/** What the bandwidth of a NIC is on wire and PCIe link, where that is more. */
function onTheWay(nic: VmNic, aspects: ReadonlySet<Aspect>): string {
  const parts: string[] = [];
  const wireMbps = portMbpsOf(nic);
  if (aspects.has('bandwidth') && nic.packetsPerSecond !== undefined) {
    parts.push(`${(wireMbps / 1000).toFixed(1)} on the wire`);
  }
  if (aspects.has('pcie')) parts.push(`${(pcieMbpsOf(nic) / 1000).toFixed(1)} on PCIe`);
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

export function policyFact(policy: CompletePolicy, aspects: ReadonlySet<Aspect>): string | undefined {
  const rules: string[] = [];
  if (aspects.has('numa') && policy.numa === 'strict') rules.push('wants all of a machine on one NUMA node');
  if (aspects.has('spares') && policy.spareVfsPerPf > 0)
    rules.push(`keeps ${policy.spareVfsPerPf} VFs of each PF free`);
  return rules.length === 0 ? undefined : `policy ${rules.join(' and ')}`;
}

/** What the host has, of these aspects: `host class small has one card on network storage`. */
export function hostFact(
  vm: VmClass,
  host: HostModel,
  policy: CompletePolicy,
  aspects: ReadonlySet<Aspect>,
): string {
  const parts: string[] = [];
  const most = (values: readonly number[]): number => Math.max(0, ...values);
  const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
  const isStrict = policy.numa === 'strict';
  const ofNodes = isStrict ? most : sum;
  const where = isStrict && host.nodes.length > 1 ? ' on a NUMA node' : '';
  if (aspects.has('vcpus'))
    parts.push(`${ofNodes(host.nodes.map((node) => node.vcpuCapacity))} vCPUs${where}`);
  if (aspects.has('memory')) {
    parts.push(`${ofNodes(host.nodes.map((node) => node.memoryCapacityMb))} MB of memory${where}`);
  }
  const nics = nicsAmong(vm, aspects);
  // Undefined: any network would do.
  const networks = aspects.has('network') ? nics.map(({ network }) => network) : nics.map(() => undefined);
  for (const network of new Set(networks)) parts.push(...portParts(nics, host, aspects, policy, network));
  return `host ${host.name} has ${parts.length === 0 ? 'no place for it' : parts.join(', ')}`;
}

function portParts(
  nics: readonly VmNic[],
  host: HostModel,
  aspects: ReadonlySet<Aspect>,
  policy: CompletePolicy,
  network: string | undefined,
): readonly string[] {
  const wants = nics.filter((nic) => network === undefined || nic.network === network);
  const needsRdma = aspects.has('rdma') && wants.some((nic) => nic.rdma === true);
  const pfs = host.pfs.filter((pf) => {
    const networks = host.ports[pf.port]?.networks;
    if (needsRdma && !pf.hasRdma) return false;
    return network === undefined || networks === undefined || networks.includes(network);
  });
  const ports = [...new Set(pfs.map(({ port }) => port))];
  const cards = [...new Set(ports.map((port) => host.ports[port]?.card ?? 0))];
  const on = `${network === undefined ? '' : ` on network ${network}`}${needsRdma ? ' with RDMA' : ''}`;
  if (ports.length === 0) return [`no port${on}`];
  const parts: string[] = [];
  if (aspects.has('redundancy')) {
    if (wants.some(({ redundancy }) => redundancy === 'cards'))
      parts.push(`${countOf(cards.length, 'card')}${on}`);
    if (wants.some(({ redundancy }) => redundancy === 'ports'))
      parts.push(`${countOf(ports.length, 'port')}${on}`);
  }
  if (aspects.has('bandwidth')) {
    const speeds = ports.map((port) => {
      const shares = pfs.filter((pf) => pf.port === port).map((pf) => pf.mbps ?? Infinity);
      return (Math.min(Math.max(...shares), host.ports[port]?.mbps ?? 0) * policy.bandwidthRatio) / 1000;
    });
    parts.push(`${countOf(ports.length, 'port')} of ${valuesOf(speeds)} Gb/s${on}`);
  }
  if (aspects.has('pcie')) {
    const links = cards.map(
      (card) => ((host.cards[card]?.pcieMbps ?? Infinity) * policy.bandwidthRatio) / 1000,
    );
    parts.push(`${countOf(cards.length, 'card')} with PCIe links of ${valuesOf(links)} Gb/s${on}`);
  }
  if (aspects.has('vfs') || aspects.has('spares')) {
    parts.push(`${countOf(pfs.length, 'PF')} with ${valuesOf(pfs.map((pf) => pf.totalVfs))} VFs${on}`);
    const limits = cards.map((card) => host.cards[card]?.vfLimit).filter((limit) => limit !== undefined);
    if (limits.length > 0) parts.push(`cards with ${valuesOf(limits)} VFs in all`);
  }
  if (aspects.has('queues')) {
    const queues = pfs.map((pf) => pf.queuesPerVf ?? pf.vectorsPerVf).filter((each) => each !== undefined);
    if (queues.length > 0) parts.push(`VFs with at most ${Math.max(...queues)} queue pairs or vectors${on}`);
  }
  return parts.length === 0 ? [`${countOf(ports.length, 'port')}${on}`] : parts;
}

/** Different values, the largest first: `100 and 25`. */
function valuesOf(values: readonly number[]): string {
  const different = [...new Set(values.map((value) => Math.round(value * 10) / 10))].sort((a, b) => b - a);
  return different.length === 0 ? '0' : listed(different.map(String), maxValues);
}

function countOf(count: number, what: string): string {
  return count === 1 ? `one ${what}` : `${count} ${what}s`;
}
