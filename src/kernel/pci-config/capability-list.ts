// Owns the walk through the two lists of capabilities in configuration space, and bounded reads of its registers.
// The bytes can be anything: every walk is bounded, and what is wrong is noted, never thrown.

import { hex } from '../../base/identifiers.ts';
import {
  PCI_CAPABILITY_LIST,
  PCI_CB_CAPABILITY_LIST,
  PCI_CFG_SPACE_SIZE,
  PCI_HEADER_TYPE,
  PCI_HEADER_TYPE_CARDBUS,
  PCI_HEADER_TYPE_MASK,
  PCI_STATUS,
  PCI_STATUS_CAP_LIST,
  PCI_STD_HEADER_SIZEOF,
} from './registers.ts';

/** Registers of a configuration space, little-endian. A read that does not lie wholly inside answers undefined. */
export interface Registers {
  readonly sizeBytes: number;
  u8(offset: number): number | undefined;
  u16(offset: number): number | undefined;
  u32(offset: number): number | undefined;
}

/** A capability: its ID and where it begins. */
export interface Capability {
  readonly id: number;
  readonly offset: number;
}

/** What a walk found, in the order of the list. */
export interface CapabilityList {
  readonly capabilities: readonly Capability[];
  /** What breaks the list, in words; empty for a sound one. */
  readonly problems: readonly string[];
  /** The list goes on beyond the bytes that were given, as it does for readers without CAP_SYS_ADMIN. */
  readonly isCut: boolean;
}

// As many as fit, at their smallest (drivers/pci/pci.c PCI_FIND_CAP_TTL, pci_find_next_ext_capability).
const maxCapabilities = 48;
const maxExtendedCapabilities = (4096 - 256) / 8;
const noList: CapabilityList = { capabilities: [], problems: [], isCut: false };

export function registersOf(bytes: Uint8Array): Registers {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sizeBytes = bytes.byteLength;
  return {
    sizeBytes,
    u8: (offset) => (offset + 1 <= sizeBytes ? view.getUint8(offset) : undefined),
    u16: (offset) => (offset + 2 <= sizeBytes ? view.getUint16(offset, true) : undefined),
    u32: (offset) => (offset + 4 <= sizeBytes ? view.getUint32(offset, true) : undefined),
  };
}

/** The list in the first 256 bytes: PCI Express, MSI-X and their like. */
export function listCapabilities(registers: Registers): CapabilityList {
  const status = registers.u16(PCI_STATUS);
  if (status === undefined || (status & PCI_STATUS_CAP_LIST) === 0) return noList;
  const headerType = (registers.u8(PCI_HEADER_TYPE) ?? 0) & PCI_HEADER_TYPE_MASK;
  const first = headerType === PCI_HEADER_TYPE_CARDBUS ? PCI_CB_CAPABILITY_LIST : PCI_CAPABILITY_LIST;
  return walk(registers.u8(first) ?? 0, {
    name: 'capability',
    lowest: PCI_STD_HEADER_SIZEOF,
    most: maxCapabilities,
    read: (offset) => {
      const header = registers.u16(offset);
      return header === undefined ? undefined : { id: header & 0xff, next: header >> 8 };
    },
    isEmpty: (id) => id === 0xff,
  });
}

/** The list from byte 256 on: SR-IOV, ACS, AER and their like. Empty when only 256 bytes or fewer are given. */
export function listExtendedCapabilities(registers: Registers): CapabilityList {
  const first = registers.u32(PCI_CFG_SPACE_SIZE);
  // A device without any shows zeros; one that does not decode these addresses shows ones.
  if (first === undefined || first === 0 || first === 0xffffffff) return noList;
  return walk(PCI_CFG_SPACE_SIZE, {
    name: 'extended capability',
    lowest: PCI_CFG_SPACE_SIZE,
    most: maxExtendedCapabilities,
    read: (offset) => {
      const header = registers.u32(offset);
      return header === undefined ? undefined : { id: header & 0xffff, next: header >>> 20 };
    },
    isEmpty: (id) => id === 0xffff,
  });
}

interface ListFormat {
  readonly name: string;
  /** Lowest offset that a capability can have. */
  readonly lowest: number;
  readonly most: number;
  read(offset: number): { id: number; next: number } | undefined;
  /** Whether an ID says that nothing answers there. */
  isEmpty(id: number): boolean;
}

function walk(first: number, format: ListFormat): CapabilityList {
  const capabilities: Capability[] = [];
  const problems: string[] = [];
  const seen = new Set<number>();
  let isCut = false;
  // The two low bits of a pointer are reserved.
  let offset = first & ~3;
  while (offset !== 0) {
    const place = `${format.name} list: 0x${hex(offset, 2)}`;
    if (offset < format.lowest) problems.push(`${place} lies in the header`);
    else if (seen.has(offset)) problems.push(`${place} comes twice, the list is a loop`);
    else if (capabilities.length >= format.most) problems.push(`${place} is one too many`);
    if (problems.length > 0) break;
    seen.add(offset);
    const header = format.read(offset);
    if (header === undefined) {
      isCut = true;
      break;
    }
    if (format.isEmpty(header.id)) {
      problems.push(`${place} does not answer`);
      break;
    }
    capabilities.push({ id: header.id, offset });
    offset = header.next & ~3;
  }
  return { capabilities, problems, isCut };
}
