// Owns the file `resource` of a PCI device: the address space that its SR-IOV BARs were given.
// What the card asks for stands in configuration space; the kernel alone knows the size, without writing to the card.

import type { PciAddress } from '../../base/identifiers.ts';
import { readLines } from '../file-text.ts';
import type { FileTree } from '../kernel.ts';
import { devicePath } from './device.ts';

/** Address space of all VFs behind one VF BAR. */
export interface VfResource {
  /** 0 to 5; a 64-bit BAR takes the next index as well. */
  readonly index: number;
  /** For all VFs that the card can make (TotalVFs), together; undefined when the kernel gave up on it and keeps no size. */
  readonly sizeBytes: number | undefined;
  /** Whether it has a place; without one for each BAR the kernel makes no VF (drivers/pci/iov.c sriov_enable). */
  readonly assigned: boolean;
}

// One line per resource, `start end flags`: six BARs, the ROM, then six for VFs (include/linux/pci.h PCI_IOV_RESOURCES,
// drivers/pci/pci-sysfs.c resource_show). A kernel without CONFIG_PCI_IOV has none of the latter.
const firstVfResource = 7;
const vfResources = 6;
/** include/linux/ioport.h. */
const IORESOURCE_UNSET = 0x2000_0000n;
const linePattern = /^0x([0-9a-f]{1,16}) 0x([0-9a-f]{1,16}) 0x([0-9a-f]{1,16})$/i;

/**
 * Resources of a PF's six VF BARs by index, those that are not used included: the card alone says which are. Empty when
 * the device is not there or has no such lines. Kernels put zeros where they could not find a place
 * (drivers/pci/setup-bus.c reset_resource), or keep the size and set IORESOURCE_UNSET.
 */
export function readVfResources(files: FileTree, pf: PciAddress): readonly VfResource[] {
  const lines = readLines(files, `${devicePath(pf)}/resource`);
  return lines.slice(firstVfResource, firstVfResource + vfResources).flatMap((line, index) => {
    const match = linePattern.exec(line.trim());
    if (match === null) return [];
    const [start, end, flags] = match.slice(1).map((digits) => BigInt(`0x${digits}`)) as [
      bigint,
      bigint,
      bigint,
    ];
    const isSized = end > start;
    const assigned = isSized && start !== 0n && (flags & IORESOURCE_UNSET) === 0n;
    return [{ index, sizeBytes: isSized ? Number(end - start + 1n) : undefined, assigned }];
  });
}
