// Owns an independent judgement of a packing, for tests: reads nothing but machines, hosts and the answer.

import type { HostModel } from '../host-model.ts';
import { allPlacements, type SizingResult } from '../result.ts';
import { memoryMbOf } from '../../model/workload.ts';

/** Everything that is wrong with a packing, in words; empty when nothing is. */
export function faultsOf(result: SizingResult): readonly string[] {
  const faults: string[] = [];
  const seen = result.vms.map(() => new Set<number>());
  const filled = new Map<string, Tally>();
  for (const { vmClass, vm, hostClass, host, seat } of allPlacements(result)) {
    const model = result.hosts[hostClass];
    const wanted = result.vms[vmClass];
    if (model === undefined || wanted === undefined) return ['a placement names a class that is not there'];
    const where = `${wanted.name}-${vm} on ${model.name}-${host}`;
    if (seen[vmClass]?.has(vm) === true) faults.push(`${where}: placed twice`);
    seen[vmClass]?.add(vm);
    if (vm >= wanted.count) faults.push(`${where}: there are ${wanted.count}`);
    if (model.count !== undefined && host >= model.count) faults.push(`${where}: no such host`);
    const key = `${hostClass} ${host}`;
    const tally = filled.get(key) ?? { model, add: new Map<string, number>() };
    filled.set(key, tally);
    const take = (what: string, amount: number): void => {
      tally.add.set(what, (tally.add.get(what) ?? 0) + amount);
    };
    for (const node of seat.nodes) {
      take(`vcpus ${node}`, wanted.vcpus / seat.nodes.length);
      take(`memory ${node}`, memoryMbOf(wanted) / seat.nodes.length);
    }
    if (seat.nodes.length > 1) {
      const largest = Math.max(...model.nodes.map((node) => node.vcpuCapacity));
      const most = Math.max(...model.nodes.map((node) => node.memoryCapacityMb));
      const fitsOne = model.nodes.some(
        (node) => wanted.vcpus <= node.vcpuCapacity && memoryMbOf(wanted) <= node.memoryCapacityMb,
      );
      if (fitsOne) faults.push(`${where}: spread, and a node has ${largest} vCPUs and ${most} MB`);
      if (result.policy.numa === 'strict') faults.push(`${where}: spread against the policy`);
    }
    const nics = wanted.nics ?? [];
    if (seat.pfs.length !== nics.length) faults.push(`${where}: ${seat.pfs.length} NICs of ${nics.length}`);
    let remote = 0;
    for (const [index, nic] of nics.entries()) {
      const pfs = seat.pfs[index] ?? [];
      const redundancy = nic.redundancy ?? 'none';
      if (pfs.length !== (redundancy === 'none' ? 1 : 2))
        faults.push(`${where}: NIC ${index} has ${pfs.length} VFs`);
      const ports = pfs.map((pf) => model.pfs[pf]?.port ?? -1);
      const cards = ports.map((port) => model.ports[port]?.card ?? -1);
      if (redundancy !== 'none' && ports[0] === ports[1]) faults.push(`${where}: a pair shares a port`);
      if (redundancy === 'cards' && cards[0] === cards[1]) faults.push(`${where}: a pair shares a card`);
      for (const [nth, pf] of pfs.entries()) {
        const networks = model.ports[ports[nth] ?? -1]?.networks;
        if (networks?.includes(nic.network) === false) faults.push(`${where}: wrong network`);
        if (nic.rdma === true && model.pfs[pf]?.hasRdma !== true) faults.push(`${where}: no RDMA`);
        const node = model.cards[cards[nth] ?? -1]?.node;
        if (node !== undefined && !seat.nodes.includes(node)) remote += 1;
        take(`vfs ${pf}`, 1);
        take(`port ${ports[nth]}`, nic.gbps * 1000);
        take(`partition ${pf}`, nic.gbps * 1000);
        take(`pcie ${cards[nth]}`, nic.gbps * 1000);
        take(`card ${cards[nth]}`, 1);
      }
    }
    if (remote !== seat.remoteVfs)
      faults.push(`${where}: ${remote} VFs are on another node, not ${seat.remoteVfs}`);
    if (remote > 0 && result.policy.numa === 'strict')
      faults.push(`${where}: crosses nodes against the policy`);
  }
  for (const [key, tally] of filled) faults.push(...overfull(key, tally, result));
  if (result.outcome === 'fits') {
    for (const [vmClass, { name, count }] of result.vms.entries()) {
      if (seen[vmClass]?.size !== count) faults.push(`${seen[vmClass]?.size} of ${count} ${name} are placed`);
    }
    if (filled.size !== result.usedHosts)
      faults.push(`${filled.size} hosts are used, not ${result.usedHosts}`);
    if (result.boundHosts > result.usedHosts) faults.push('the bound is above the packing');
  }
  return faults;
}

interface Tally {
  readonly model: HostModel;
  readonly add: Map<string, number>;
}

function overfull(key: string, { model, add }: Tally, { policy }: SizingResult): readonly string[] {
  const faults: string[] = [];
  const limit = (what: string, most: number | undefined): void => {
    const used = add.get(what) ?? 0;
    if (most !== undefined && used > most + 1e-6)
      faults.push(`host ${key}: ${what} holds ${used} of ${most}`);
  };
  const ratio = policy.bandwidthRatio;
  for (const [at, node] of model.nodes.entries()) {
    limit(`vcpus ${at}`, node.vcpuCapacity);
    limit(`memory ${at}`, node.memoryCapacityMb);
  }
  for (const [at, card] of model.cards.entries()) {
    limit(`pcie ${at}`, card.pcieMbps === undefined ? undefined : card.pcieMbps * ratio);
    limit(`card ${at}`, card.vfLimit);
  }
  for (const [at, port] of model.ports.entries()) limit(`port ${at}`, port.mbps * ratio);
  for (const [at, pf] of model.pfs.entries()) {
    limit(`vfs ${at}`, pf.totalVfs - pf.spareVfs);
    limit(`partition ${at}`, pf.mbps === undefined ? undefined : pf.mbps * ratio);
  }
  return faults;
}
