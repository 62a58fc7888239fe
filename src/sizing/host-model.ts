// Owns what a host is to the packing: NUMA nodes, cards, ports and PFs, and how much each of them can hold.
// Types only. class-host.ts makes it from a host class, snapshot-host.ts from a snapshot.

/** A NUMA node. Capacities are what virtual machines may use: without what the host keeps, times the ratio allowed. */
export interface HostNode {
  /** The kernel's number of it; the socket's for a host class. */
  readonly node: number;
  readonly coreCount: number;
  readonly threadCount: number;
  /** Cores kept for the host. */
  readonly reservedCores: number;
  /** Virtual CPUs that it can hold. */
  readonly vcpuCapacity: number;
  readonly memoryMb: number;
  /** MB that virtual machines may use. */
  readonly memoryCapacityMb: number;
}

export interface HostCard {
  /** For people: `slot 0 (ConnectX-6 Dx)`, `0000:3b:00 (ConnectX-6 Dx)`. */
  readonly name: string;
  /** Identity in the catalogue; absent when the catalogue does not know the card. */
  readonly catalogueId?: string;
  /** Index in `nodes`; absent when the slot's node is not known: then it is near to every node. */
  readonly node?: number;
  /** Effective one-way bandwidth of its narrowest PCIe link in Mb/s; absent when not known: then it is no limit. */
  readonly pcieMbps?: number;
  /** VFs that the whole card can make; absent: its PFs do not share a pool. */
  readonly vfLimit?: number;
  /** Ports, indexes in `ports`. */
  readonly ports: readonly number[];
}

export interface HostPort {
  /** For people: `port 0`, `ens1f0np0`. */
  readonly name: string;
  /** Index in `cards`. */
  readonly card: number;
  /** Networks it is cabled to; absent: every one. */
  readonly networks?: readonly string[];
  readonly mbps: number;
}

export interface HostPf {
  /** PCI address, or `CARD.PORT.PARTITION` for a host class. */
  readonly address: string;
  /** Index in `ports`. */
  readonly port: number;
  /** VFs that it can make. */
  readonly totalVfs: number;
  /** VFs kept free by policy, at most `totalVfs`. */
  readonly spareVfs: number;
  /** What an NPAR partition is promised in Mb/s; absent: the whole port. */
  readonly mbps?: number;
  readonly hasRdma: boolean;
  /** MSI-X vectors that a VF has; absent when not known. */
  readonly vectorsPerVf?: number;
  /** Vectors that the VFs of this PF share out; absent: no pool, each VF has its own. */
  readonly vectorPool?: number;
  /** Queue pairs that a VF can have; absent when not known. */
  readonly queuesPerVf?: number;
}

/** Hosts that are alike. */
export interface HostModel {
  readonly name: string;
  readonly source: 'class' | 'snapshot';
  /** How many there are; absent: as many as are needed. */
  readonly count?: number;
  readonly nodes: readonly HostNode[];
  readonly cards: readonly HostCard[];
  readonly ports: readonly HostPort[];
  readonly pfs: readonly HostPf[];
  /** What was left out or taken for granted, one sentence each: `ens1f1: speed not known, not used`. */
  readonly notes: readonly string[];
}
