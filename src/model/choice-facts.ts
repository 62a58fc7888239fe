// Owns the facts of a host that a choice among its VFs stands on: much less than a whole Snapshot, and quick to read.
// Shapes only; src/inventory/choice-facts.ts reads them, src/choice judges.

import type { Pf } from './pf.ts';

/** Another device in the IOMMU group of a VF, without bridges: those keep a group whole, and nobody is given one. */
export interface GroupMember {
  readonly address: string;
  /** Absent: none is bound. */
  readonly driver?: string;
}

/** An IOMMU group that holds a VF. */
export interface ChoiceGroup {
  readonly id: number;
  /** All its devices but bridges, VFs among them. */
  readonly members: readonly GroupMember[];
  /** No IOMMU stands behind it: vfio made it for a device without one. */
  readonly isNoIommu: boolean;
}

/** CPUs of a NUMA node, to tell where a pinned VM is. */
export interface NodeCpus {
  readonly node: number;
  readonly cpus: readonly number[];
}

export interface ChoiceFacts {
  /**
   * The PFs, as a snapshot of detail `settings` has them, with the names of their RDMA devices and their way to the root
   * of the PCIe tree.
   */
  readonly pfs: readonly Pf[];
  /** Groups of the VFs. A VF without a group has no IOMMU behind it. */
  readonly groups: readonly ChoiceGroup[];
  /** Absent: the kernel does not say. */
  readonly interruptRemapping?: boolean;
  /** Whether the kernel has the driver that hands VFs to VMs (vfio-pci); absent: not known. */
  readonly hasVfioDriver?: boolean;
  readonly nodes: readonly NodeCpus[];
  /** What could not be read, and why; `fact` begins with `holders` when it is about who uses a VF. */
  readonly unread: readonly { readonly what: string; readonly why: string; readonly fact?: string }[];
}
