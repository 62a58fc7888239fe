// Owns the translation of a class of virtual machines into numbers.
// Everything is a whole number (vCPUs, MB, Mb/s), so that sums are exact. Knows no host.

import {
  pcieBandwidthOf,
  usualMaxPayloadBytes,
  usualMaxReadRequestBytes,
} from '../capacity/pcie-bandwidth.ts';
import { memoryMbOf, type Redundancy, type VmClass, type VmNic } from '../model/workload.ts';

/** Preamble and gap that every frame has on the wire besides itself (IEEE 802.3, 4.2.3.2). */
const wireOverheadBytes = 20;
/** Smallest and usual largest frame; the usual one stands for NICs whose packets per second are not given. */
const minFrameBytes = 64;
const usualFrameBytes = 1518;

/** NICs of a class that are alike. */
export interface NicGroup {
  readonly network: string;
  readonly redundancy: Redundancy;
  readonly needsRdma: boolean;
  readonly queues: number | undefined;
  /** On a port, and on PCIe with the headers of its packets. */
  readonly portMbps: number;
  readonly pcieMbps: number;
  /** Indexes in the class's `nics`. */
  readonly nics: readonly number[];
  /** VFs of one NIC: 1, or 2 for a pair. */
  readonly vfsPerNic: number;
}

/** A class of machines in numbers. */
export interface VmDemand {
  readonly name: string;
  readonly count: number;
  readonly vcpus: number;
  readonly memoryMb: number;
  readonly nicCount: number;
  readonly groups: readonly NicGroup[];
}

/** A class of machines in numbers. */
export function demandOf(vm: VmClass): VmDemand {
  const groups = new Map<string, NicGroup>();
  for (const [index, nic] of (vm.nics ?? []).entries()) {
    const key = JSON.stringify([
      nic.network,
      nic.gbps,
      nic.packetsPerSecond,
      redundancyOf(nic),
      nic.rdma === true,
      nic.queues,
    ]);
    const known = groups.get(key);
    groups.set(key, known === undefined ? groupOf(nic, index) : { ...known, nics: [...known.nics, index] });
  }
  return {
    name: vm.name,
    count: vm.count,
    vcpus: vm.vcpus,
    memoryMb: memoryMbOf(vm),
    nicCount: vm.nics?.length ?? 0,
    groups: [...groups.values()],
  };
}

function groupOf(nic: VmNic, index: number): NicGroup {
  const redundancy = redundancyOf(nic);
  return {
    network: nic.network,
    redundancy,
    needsRdma: nic.rdma === true,
    queues: nic.queues,
    portMbps: portMbpsOf(nic),
    pcieMbps: pcieMbpsOf(nic),
    nics: [index],
    vfsPerNic: redundancy === 'none' ? 1 : 2,
  };
}

function redundancyOf(nic: VmNic): Redundancy {
  return nic.redundancy ?? 'none';
}

/** What a NIC takes of a port. Without packets per second the bandwidth is taken as what the port shows; with them every frame adds its gap. */
export function portMbpsOf(nic: VmNic): number {
  const gaps = ((nic.packetsPerSecond ?? 0) * wireOverheadBytes * 8) / 1e6;
  return Math.max(1, Math.ceil(nic.gbps * 1000 + gaps));
}

/** What a NIC takes of a PCIe link. Headers of packets weigh more the smaller the frames are (pcie-bench model, both directions busy). */
export function pcieMbpsOf(nic: VmNic): number {
  const pps = nic.packetsPerSecond;
  const frameBytes = pps === undefined ? usualFrameBytes : (nic.gbps * 1e9) / 8 / pps;
  const carried = pcieBandwidthOf({
    // The share of headers is the same for all links that are not in flit mode; for those it is less.
    speedGTps: 8,
    width: 8,
    maxPayloadBytes: usualMaxPayloadBytes,
    maxReadRequestBytes: usualMaxReadRequestBytes,
    transferBytes: Math.max(minFrameBytes, Math.round(frameBytes)),
  });
  const factor = carried === undefined ? 1 : carried.linkGbps / carried.duplexGbps;
  // Frames below the smallest are padded on the wire and in memory: more frames, not smaller ones.
  const paddedGbps = pps === undefined ? nic.gbps : Math.max(nic.gbps, (pps * minFrameBytes * 8) / 1e9);
  return Math.max(1, Math.ceil(paddedGbps * 1000 * factor));
}
