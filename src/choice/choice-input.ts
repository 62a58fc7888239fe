// Owns what a choice is made from.

import type { ChoiceFacts } from '../model/choice-facts.ts';
import type { CorruptLease, Lease, LeaseOwner, Quarantine, Risk } from '../model/lease.ts';
import type { Network, Offer } from '../model/network.ts';
import type { VmPlacement } from '../model/vm.ts';

/** The VM that a VF is chosen for. */
export interface ChoosingVm {
  readonly name: string;
  /** Of a VM of libvirt; absent for a plain QEMU, which its name tells from others. */
  readonly uuid?: string;
  /** Where it runs, or will; absent: not known. */
  readonly placement?: VmPlacement;
  /** PCI addresses of the host's devices that it has already, leased or not. */
  readonly hostAddresses: readonly string[];
}

export interface ChoiceInput {
  readonly facts: ChoiceFacts;
  readonly offer: Offer;
  readonly network: Network;
  readonly leases: readonly Lease[];
  /** Records of leases that cannot be understood: their VFs belong to somebody, and what was promised is not known. */
  readonly corrupt: readonly CorruptLease[];
  readonly quarantines: readonly Quarantine[];
  /** Devices of the host that definitions of VMs name, by PCI address, whether those VMs run or not. */
  readonly definedUsers: readonly { readonly address: string; readonly vm: string }[];
  /** Names of VMs whose definitions are not known: each may name any device. */
  readonly unknownUsers: readonly string[];
  readonly vm: ChoosingVm;
  /** Only cards that the VM has no VF of. */
  readonly spread: boolean;
  readonly acceptedRisks: readonly Risk[];
}

/** Whether a lease is this VM's own. */
export function isOwnedBy(owner: LeaseOwner, vm: ChoosingVm): boolean {
  return owner.kind === 'libvirt' ? owner.uuid === vm.uuid : vm.uuid === undefined && owner.name === vm.name;
}
