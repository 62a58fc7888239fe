// Owns the bytes of the ACPI tables of a simulated server: DMAR for VT-d, IVRS for AMD's IOMMU.
// Sources: Intel VT-d specification, 8.1 and 8.3; AMD IOMMU specification, 5.2.

import { platformOf } from './platform.ts';
import type { SimProfile } from './profile.ts';

const fixedSizeBytes = 48;
const dmarUnitBytes = 16;
const ivhdBytes = 24;
const ivhdTypes = [0x10, 0x11] as const;

/** The table of the profile's processor by name; undefined when firmware has the IOMMU switched off. */
export function iommuTableOf(profile: SimProfile): { name: 'DMAR' | 'IVRS'; bytes: Uint8Array } | undefined {
  const platform = platformOf(profile);
  if (!platform.firmwareIommu) return undefined;
  return platform.processor === 'intel'
    ? { name: 'DMAR', bytes: dmarOf(profile) }
    : { name: 'IVRS', bytes: ivrsOf(profile) };
}

/** One unit for each node; the last one serves everything that is left. */
function dmarOf(profile: SimProfile): Uint8Array {
  const { interruptRemapping, x2apicOptOut, dmaProtection } = platformOf(profile);
  const count = profile.numaNodes.length;
  const view = tableOf('DMAR', fixedSizeBytes + count * dmarUnitBytes);
  // 46 bits of address.
  view.setUint8(36, 45);
  view.setUint8(37, (interruptRemapping ? 1 : 0) | (x2apicOptOut ? 2 : 0) | (dmaProtection ? 4 : 0));
  for (let index = 0; index < count; index += 1) {
    const offset = fixedSizeBytes + index * dmarUnitBytes;
    view.setUint16(offset + 2, dmarUnitBytes, true);
    view.setUint8(offset + 4, index === count - 1 ? 1 : 0);
    view.setBigUint64(offset + 8, BigInt(0xfb_ff_c0_00 - index * 0x10_00), true);
  }
  return closed(view);
}

/** Each unit twice, as firmware writes it for old and for new kernels. */
function ivrsOf(profile: SimProfile): Uint8Array {
  const blocks = profile.numaNodes.flatMap((_, unit) => ivhdTypes.map((type) => ({ unit, type })));
  const sizeOf = (type: number): number => (type === ivhdTypes[0] ? ivhdBytes : ivhdBytes + 16);
  const sizeBytes = blocks.reduce((sum, { type }) => sum + sizeOf(type), fixedSizeBytes);
  const view = tableOf('IVRS', sizeBytes);
  let offset = fixedSizeBytes;
  for (const { unit, type } of blocks) {
    view.setUint8(offset, type);
    view.setUint16(offset + 2, sizeOf(type), true);
    // The unit is function 00.2 of a root bus of its own.
    view.setUint16(offset + 4, (unit << 14) | 2, true);
    view.setUint16(offset + 6, 0x40, true);
    view.setBigUint64(offset + 8, BigInt(0xfd_c0_00_00 + unit * 0x10_00_00), true);
    offset += sizeOf(type);
  }
  return closed(view);
}

function tableOf(signature: string, sizeBytes: number): DataView {
  const bytes = new Uint8Array(sizeBytes);
  bytes.set(Buffer.from(signature), 0);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, sizeBytes, true);
  view.setUint8(8, 1);
  bytes.set(Buffer.from('VFLEETSIMULATE'), 10);
  return view;
}

/** With the checksum that makes all bytes add up to nothing. */
function closed(view: DataView): Uint8Array {
  const bytes = new Uint8Array(view.buffer);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes[9] = (0x1_00 - (sum & 0xff)) & 0xff;
  return bytes;
}
