// Owns the requester IDs of VFs: where a VF must be by its PF's SR-IOV capability, and whether it is there.

import type { PciAddress, VfIndex } from '../../base/identifiers.ts';
import { addressOfRequesterId, domainOf, requesterIdOf } from '../../base/identifiers.ts';

/** Requester IDs are 16 bits: bus, device, function. */
const requesterIdMask = 0xffff;

/** FirstVFOffset and VFStride; both can change with NumVFs and with ARI, so they are read after the VFs are made. */
export interface VfPlacement {
  readonly firstVfOffset: number;
  readonly vfStride: number;
}

export interface VfPlace {
  /** The requester ID by the capability; undefined when there is none to compute with. */
  readonly requesterId: number | undefined;
  /** One sentence when the computed requester ID and the `virtfnN` link disagree or one of them is missing. */
  readonly conflict: string | undefined;
}

/**
 * Requester ID of a VF: PF + offset + stride × index, in 16 bits (PCIe Base Specification, SR-IOV, First VF Offset;
 * the kernel's pci_iov_virtfn_bus and pci_iov_virtfn_devfn). `index` counts from 0.
 */
export function requesterIdOfVf(pfRequesterId: number, placement: VfPlacement, index: VfIndex): number {
  return (pfRequesterId + placement.firstVfOffset + placement.vfStride * index) & requesterIdMask;
}

/**
 * Compares where a VF must be with where the `virtfnN` link says that it is. Without placement (configuration space is
 * for root only) and with a link, there is neither a requester ID nor a conflict.
 */
export function checkVfAddress(
  pf: PciAddress,
  placement: VfPlacement | undefined,
  index: VfIndex,
  virtfn: PciAddress | undefined,
): VfPlace {
  const link = `virtfn${index}`;
  if (placement === undefined) {
    return {
      requesterId: undefined,
      conflict: virtfn === undefined ? `${link} is missing, and there is no offset and stride` : undefined,
    };
  }
  const requesterId = requesterIdOfVf(requesterIdOf(pf), placement, index);
  const computed = addressOfRequesterId(domainOf(pf), requesterId);
  if (virtfn === computed) return { requesterId, conflict: undefined };
  const seen = virtfn === undefined ? 'is missing' : `leads to ${virtfn}`;
  return { requesterId, conflict: `${link} ${seen}; offset and stride say ${computed}` };
}
