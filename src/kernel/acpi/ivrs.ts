// Owns the ACPI table IVRS: what firmware says of the IOMMUs of an AMD host.
// Source: AMD I/O Virtualization Technology (IOMMU) specification, 5.2; its numbers are those of include/acpi/actbl2.h.

import { listEntries, malformed, openTable } from './table.ts';

/** Common information and eight reserved bytes follow the header. */
const fixedSizeBytes = 48;

/** I/O virtualization hardware definitions: one unit can have a block of each of these types. */
const hardwareTypes: ReadonlySet<number> = new Set([0x10, 0x11, 0x40]);
const hardwareMinBytes = 24;

/** An IOMMU of the host. */
export interface IvrsUnit {
  readonly segment: number;
  /** Requester ID of the unit's own PCI function. */
  readonly deviceId: number;
}

export interface IvrsTable {
  /** Each unit once, however many blocks describe it. */
  readonly units: readonly IvrsUnit[];
}

/** Reads the bytes of /sys/firmware/acpi/tables/IVRS. Blocks of other types are passed over. Throws `kernel.malformed`. */
export function parseIvrs(bytes: Uint8Array): IvrsTable {
  const table = openTable(bytes, 'IVRS', fixedSizeBytes);
  const entries = listEntries(table, 'IVRS', fixedSizeBytes, {
    sizeBytes: 4,
    readType: (view) => view.getUint8(0),
    readLength: (view) => view.getUint16(2, true),
  });
  const units = new Map<string, IvrsUnit>();
  for (const { type, view } of entries) {
    if (!hardwareTypes.has(type)) continue;
    if (view.byteLength < hardwareMinBytes)
      throw malformed('IVRS', `a hardware definition has ${view.byteLength} bytes`);
    const unit = { segment: view.getUint16(16, true), deviceId: view.getUint16(4, true) };
    units.set(`${unit.segment}:${unit.deviceId}`, unit);
  }
  return { units: [...units.values()] };
}
