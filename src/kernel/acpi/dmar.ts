// Owns the ACPI table DMAR: what firmware says of the VT-d hardware of an Intel host.
// Source: Intel Virtualization Technology for Directed I/O, architecture specification, 8.1 and 8.3; its numbers are
// those of include/acpi/actbl1.h.

import { listEntries, malformed, openTable } from './table.ts';

/** Host address width, flags and ten reserved bytes follow the header. */
const fixedSizeBytes = 48;
const flagsOffset = 37;
const interruptRemappingFlag = 1 << 0;
const x2apicOptOutFlag = 1 << 1;
/** DMA_CTRL_PLATFORM_OPT_IN_FLAG; drivers/iommu/intel/dmar.c, dmar_platform_optin. */
const dmaProtectionFlag = 1 << 2;

/** DMA remapping hardware unit definition. */
const hardwareUnitType = 0;
const hardwareUnitMinBytes = 16;
const includeAllFlag = 1 << 0;

/** A remapping hardware unit (DRHD). */
export interface DmarUnit {
  /** PCI segment whose devices it serves. */
  readonly segment: number;
  /** It serves all devices of its segment that no other unit names. */
  readonly includesAll: boolean;
}

export interface DmarTable {
  /** The platform can remap interrupts. */
  readonly interruptRemapping: boolean;
  /** Firmware asks the operating system not to use x2APIC mode. */
  readonly x2apicOptOut: boolean;
  /** Firmware asks for DMA protection: the kernel keeps remapping on for external devices. */
  readonly dmaProtection: boolean;
  readonly units: readonly DmarUnit[];
}

/** Reads the bytes of /sys/firmware/acpi/tables/DMAR. Structures of other types are passed over. Throws `kernel.malformed`. */
export function parseDmar(bytes: Uint8Array): DmarTable {
  const table = openTable(bytes, 'DMAR', fixedSizeBytes);
  const flags = table.getUint8(flagsOffset);
  const entries = listEntries(table, 'DMAR', fixedSizeBytes, {
    sizeBytes: 4,
    readType: (view) => view.getUint16(0, true),
    readLength: (view) => view.getUint16(2, true),
  });
  const units: DmarUnit[] = [];
  for (const { type, view } of entries) {
    if (type !== hardwareUnitType) continue;
    if (view.byteLength < hardwareUnitMinBytes)
      throw malformed('DMAR', `a hardware unit has ${view.byteLength} bytes`);
    units.push({ segment: view.getUint16(6, true), includesAll: (view.getUint8(4) & includeAllFlag) !== 0 });
  }
  return {
    interruptRemapping: (flags & interruptRemappingFlag) !== 0,
    x2apicOptOut: (flags & x2apicOptOutFlag) !== 0,
    dmaProtection: (flags & dmaProtectionFlag) !== 0,
    units,
  };
}
