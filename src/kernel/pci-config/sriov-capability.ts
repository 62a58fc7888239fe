// Owns the SR-IOV capability of a PF (PCIe Base Specification, SR-IOV; kernel: PCI_SRIOV_* in pci_regs.h).
// Decodes bytes only; what sysfs says of the same is in ../sysfs/sriov.ts.

import { hex } from '../../base/identifiers.ts';
import type { Registers } from './capability-list.ts';
import {
  PCI_BASE_ADDRESS_MEM_PREFETCH,
  PCI_BASE_ADDRESS_MEM_TYPE_64,
  PCI_BASE_ADDRESS_MEM_TYPE_MASK,
  PCI_BASE_ADDRESS_SPACE_IO,
  PCI_SRIOV_BAR,
  PCI_SRIOV_CTRL,
  PCI_SRIOV_CTRL_ARI,
  PCI_SRIOV_CTRL_MSE,
  PCI_SRIOV_CTRL_VFE,
  PCI_SRIOV_INITIAL_VF,
  PCI_SRIOV_NUM_BARS,
  PCI_SRIOV_NUM_VF,
  PCI_SRIOV_SUP_PGSIZE,
  PCI_SRIOV_SYS_PGSIZE,
  PCI_SRIOV_TOTAL_VF,
  PCI_SRIOV_VF_DID,
  PCI_SRIOV_VF_OFFSET,
  PCI_SRIOV_VF_STRIDE,
} from './registers.ts';

/** Where VF 0's share of a VF BAR begins. How large it is stands in no register that can be read without writing. */
export interface VfBar {
  /** 0 to 5; a 64-bit BAR takes the next index as well. */
  readonly index: number;
  /** Hexadecimal with 0x; 0x0 when the firmware or the kernel placed none. */
  readonly address: string;
  readonly is64Bit: boolean;
  readonly prefetchable: boolean;
}

export interface SriovCapability {
  readonly vfEnable: boolean;
  readonly vfMemorySpaceEnable: boolean;
  /** Set on the lowest-numbered PF of a device when the port above forwards ARI requests. */
  readonly ariCapableHierarchy: boolean;
  readonly initialVfs: number;
  readonly totalVfs: number;
  readonly numVfs: number;
  /** Distance of VF 0 from the PF, and of each VF from the one before, in requester IDs. */
  readonly firstVfOffset: number;
  readonly vfStride: number;
  /** Four hex digits. */
  readonly vfDeviceId: string;
  readonly supportedPageSizesBytes: readonly number[];
  /** Undefined when the register does not hold exactly one size. */
  readonly systemPageSizeBytes: number | undefined;
  readonly vfBars: readonly VfBar[];
}

/** Page sizes are bits: bit n stands for 2^(n+12) bytes. */
const smallestPageBytes = 4096;
const pageSizeBits = 32;

/** Decodes the capability at an offset; undefined, with a problem noted, when it does not lie wholly inside. */
export function parseSriovCapability(
  registers: Registers,
  offset: number,
  problems: string[],
): SriovCapability | undefined {
  // The last register that is used: the sixth VF BAR.
  if (registers.u32(offset + PCI_SRIOV_BAR + 4 * (PCI_SRIOV_NUM_BARS - 1)) === undefined) {
    problems.push('the SR-IOV capability reaches beyond the configuration space');
    return undefined;
  }
  const word = (register: number): number => registers.u16(offset + register) ?? 0;
  const control = word(PCI_SRIOV_CTRL);
  const systemPageSizes = pageSizesOf(registers.u32(offset + PCI_SRIOV_SYS_PGSIZE) ?? 0);
  return {
    vfEnable: (control & PCI_SRIOV_CTRL_VFE) !== 0,
    vfMemorySpaceEnable: (control & PCI_SRIOV_CTRL_MSE) !== 0,
    ariCapableHierarchy: (control & PCI_SRIOV_CTRL_ARI) !== 0,
    initialVfs: word(PCI_SRIOV_INITIAL_VF),
    totalVfs: word(PCI_SRIOV_TOTAL_VF),
    numVfs: word(PCI_SRIOV_NUM_VF),
    firstVfOffset: word(PCI_SRIOV_VF_OFFSET),
    vfStride: word(PCI_SRIOV_VF_STRIDE),
    vfDeviceId: hex(word(PCI_SRIOV_VF_DID), 4),
    supportedPageSizesBytes: pageSizesOf(registers.u32(offset + PCI_SRIOV_SUP_PGSIZE) ?? 0),
    systemPageSizeBytes: systemPageSizes.length === 1 ? systemPageSizes[0] : undefined,
    vfBars: parseVfBars(registers, offset + PCI_SRIOV_BAR, problems),
  };
}

function pageSizesOf(bits: number): readonly number[] {
  const sizes: number[] = [];
  for (let bit = 0; bit < pageSizeBits; bit++) {
    if (((bits >>> bit) & 1) === 1) sizes.push(smallestPageBytes * 2 ** bit);
  }
  return sizes;
}

function parseVfBars(registers: Registers, start: number, problems: string[]): readonly VfBar[] {
  const bars: VfBar[] = [];
  for (let index = 0; index < PCI_SRIOV_NUM_BARS; index++) {
    const low = registers.u32(start + 4 * index) ?? 0;
    // Not implemented, or a 32-bit one without an address: no reader can tell.
    if (low === 0) continue;
    const is64Bit = (low & PCI_BASE_ADDRESS_MEM_TYPE_MASK) === PCI_BASE_ADDRESS_MEM_TYPE_64;
    const isLast = index === PCI_SRIOV_NUM_BARS - 1;
    if ((low & PCI_BASE_ADDRESS_SPACE_IO) !== 0 || (is64Bit && isLast)) {
      problems.push(`VF BAR ${index} holds 0x${hex(low, 8)}, which no VF BAR can`);
      continue;
    }
    const high = is64Bit ? (registers.u32(start + 4 * (index + 1)) ?? 0) : 0;
    const address = BigInt(high) * 0x1_0000_0000n + BigInt((low & ~0xf) >>> 0);
    bars.push({
      index,
      address: `0x${address.toString(16)}`,
      is64Bit,
      prefetchable: (low & PCI_BASE_ADDRESS_MEM_PREFETCH) !== 0,
    });
    if (is64Bit) index += 1;
  }
  return bars;
}
