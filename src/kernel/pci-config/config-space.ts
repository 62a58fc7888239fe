// Owns the meaning of a device's configuration space: bytes in, facts out, whatever the bytes are.
// Pure; reading the bytes from a host is in read-config.ts.

import { hex } from '../../base/identifiers.ts';
import type { Capability, Registers } from './capability-list.ts';
import { listCapabilities, listExtendedCapabilities, registersOf } from './capability-list.ts';
import type { PcieCapability } from './pcie-capability.ts';
import { parsePcieCapability } from './pcie-capability.ts';
import {
  PCI_ACS_CAP,
  PCI_ACS_CTRL,
  PCI_ARI_CAP,
  PCI_CAP_ID_EXP,
  PCI_CAP_ID_MSIX,
  PCI_CFG_SPACE_SIZE,
  PCI_COMMAND,
  PCI_DEVICE_ID,
  PCI_EXT_CAP_ID_ACS,
  PCI_EXT_CAP_ID_ARI,
  PCI_EXT_CAP_ID_DSN,
  PCI_EXT_CAP_ID_ERR,
  PCI_EXT_CAP_ID_SRIOV,
  PCI_HEADER_TYPE,
  PCI_HEADER_TYPE_MASK,
  PCI_HEADER_TYPE_MFD,
  PCI_MSIX_FLAGS,
  PCI_MSIX_FLAGS_ENABLE,
  PCI_MSIX_FLAGS_QSIZE,
  PCI_STD_HEADER_SIZEOF,
  PCI_VENDOR_ID,
} from './registers.ts';
import type { SriovCapability } from './sriov-capability.ts';
import { parseSriovCapability } from './sriov-capability.ts';

export interface MsixCapability {
  /** Entries of the vector table, 1 to 2048. */
  readonly vectors: number;
  readonly enabled: boolean;
}

/** Access Control Services: which controls there are and which are set, as bits PCI_ACS_*. */
export interface AcsCapability {
  readonly capabilityBits: number;
  readonly controlBits: number;
}

/** What a configuration space says. A capability that is undefined is not there, not readable, or broken. */
export interface ConfigSpace {
  readonly sizeBytes: number;
  /** Four hex digits each; undefined for a VF, whose IDs are its PF's vendor and `vfDeviceId`. */
  readonly vendorId: string | undefined;
  readonly deviceId: string | undefined;
  /** 0 endpoint, 1 bridge, 2 CardBus bridge; undefined when nothing could be read, as for under 64 bytes. */
  readonly headerType: number | undefined;
  readonly isMultifunction: boolean;
  /**
   * Whether the lists of capabilities were there to be read; false for a reader without CAP_SYS_ADMIN, who is given 64
   * bytes (drivers/pci/pci-sysfs.c pci_read_config). Only when true does undefined mean that there is none.
   */
  readonly capabilitiesReadable: boolean;
  /** The same for the extended capabilities, from byte 256 on. */
  readonly extendedCapabilitiesReadable: boolean;
  readonly capabilities: readonly Capability[];
  readonly extendedCapabilities: readonly Capability[];
  readonly pcie: PcieCapability | undefined;
  readonly msix: MsixCapability | undefined;
  readonly sriov: SriovCapability | undefined;
  readonly acs: AcsCapability | undefined;
  /** Next function of the device in ARI's numbering, 0 for the last. */
  readonly ariNextFunction: number | undefined;
  readonly hasAer: boolean;
  /** Device Serial Number as lspci writes it, `aa-bb-cc-ff-ff-dd-ee-ff`. */
  readonly serialNumber: string | undefined;
  /** What is wrong with the bytes, in words; empty for a sound device. */
  readonly problems: readonly string[];
}

/**
 * Reads the bytes of a configuration space: 0, 64, 256 or 4096 of them as sysfs gives, but any number does. Never throws.
 * The first capability of an ID counts, as in the kernel.
 */
export function parseConfigSpace(bytes: Uint8Array): ConfigSpace {
  const registers = registersOf(bytes);
  if (registers.sizeBytes < PCI_STD_HEADER_SIZEOF) return emptyConfigSpace(registers.sizeBytes, false);
  // All ones is what a read returns when nothing answers. A VF has ones for IDs, but not for command and status.
  const isDead = registers.u32(PCI_VENDOR_ID) === 0xffffffff && registers.u32(PCI_COMMAND) === 0xffffffff;
  if (isDead) return emptyConfigSpace(registers.sizeBytes, true);

  const list = listCapabilities(registers);
  const extended = listExtendedCapabilities(registers);
  const problems = [...list.problems, ...extended.problems];
  const at = capabilityFinder(list.capabilities);
  const extendedAt = capabilityFinder(extended.capabilities);
  const headerType = registers.u8(PCI_HEADER_TYPE) ?? 0;
  return {
    sizeBytes: registers.sizeBytes,
    vendorId: parseId(registers.u16(PCI_VENDOR_ID)),
    deviceId: parseId(registers.u16(PCI_DEVICE_ID)),
    headerType: headerType & PCI_HEADER_TYPE_MASK,
    isMultifunction: (headerType & PCI_HEADER_TYPE_MFD) !== 0,
    capabilitiesReadable: !list.isCut,
    extendedCapabilitiesReadable: registers.sizeBytes > PCI_CFG_SPACE_SIZE && !extended.isCut,
    capabilities: list.capabilities,
    extendedCapabilities: extended.capabilities,
    pcie: at(PCI_CAP_ID_EXP, (offset) => parsePcieCapability(registers, offset, problems)),
    msix: at(PCI_CAP_ID_MSIX, (offset) => parseMsix(registers, offset)),
    sriov: extendedAt(PCI_EXT_CAP_ID_SRIOV, (offset) => parseSriovCapability(registers, offset, problems)),
    acs: extendedAt(PCI_EXT_CAP_ID_ACS, (offset) => parseAcs(registers, offset)),
    ariNextFunction: extendedAt(PCI_EXT_CAP_ID_ARI, (offset) => registers.u8(offset + PCI_ARI_CAP + 1)),
    hasAer: extendedAt(PCI_EXT_CAP_ID_ERR, () => true) ?? false,
    serialNumber: extendedAt(PCI_EXT_CAP_ID_DSN, (offset) => parseSerialNumber(registers, offset)),
    problems,
  };
}

function emptyConfigSpace(sizeBytes: number, isDead: boolean): ConfigSpace {
  return {
    sizeBytes,
    vendorId: undefined,
    deviceId: undefined,
    headerType: undefined,
    isMultifunction: false,
    capabilitiesReadable: false,
    extendedCapabilitiesReadable: false,
    capabilities: [],
    extendedCapabilities: [],
    pcie: undefined,
    msix: undefined,
    sriov: undefined,
    acs: undefined,
    ariNextFunction: undefined,
    hasAer: false,
    serialNumber: undefined,
    problems: isDead ? ['the device does not answer'] : [],
  };
}

type CapabilityReader = <T>(id: number, read: (offset: number) => T | undefined) => T | undefined;

function capabilityFinder(capabilities: readonly Capability[]): CapabilityReader {
  return (id, read) => {
    const capability = capabilities.find((each) => each.id === id);
    return capability === undefined ? undefined : read(capability.offset);
  };
}

function parseId(id: number | undefined): string | undefined {
  return id === undefined || id === 0xffff ? undefined : hex(id, 4);
}

function parseMsix(registers: Registers, offset: number): MsixCapability | undefined {
  const flags = registers.u16(offset + PCI_MSIX_FLAGS);
  if (flags === undefined) return undefined;
  return {
    vectors: (flags & PCI_MSIX_FLAGS_QSIZE) + 1,
    enabled: (flags & PCI_MSIX_FLAGS_ENABLE) !== 0,
  };
}

function parseAcs(registers: Registers, offset: number): AcsCapability | undefined {
  const capabilityBits = registers.u16(offset + PCI_ACS_CAP);
  const controlBits = registers.u16(offset + PCI_ACS_CTRL);
  if (capabilityBits === undefined || controlBits === undefined) return undefined;
  return { capabilityBits, controlBits };
}

function parseSerialNumber(registers: Registers, offset: number): string | undefined {
  const low = registers.u32(offset + 4);
  const high = registers.u32(offset + 8);
  if (low === undefined || high === undefined) return undefined;
  return `${hex(high, 8)}${hex(low, 8)}`.replaceAll(/..(?=.)/g, '$&-');
}
