// Owns the PCI Express capability: what kind of port or endpoint a device is, its link, its payload sizes.

import type { Registers } from './capability-list.ts';
import {
  PCI_EXP_DEVCAP,
  PCI_EXP_DEVCAP2,
  PCI_EXP_DEVCAP2_ARI,
  PCI_EXP_DEVCAP_FLR,
  PCI_EXP_DEVCTL,
  PCI_EXP_DEVCTL2,
  PCI_EXP_DEVCTL2_ARI,
  PCI_EXP_FLAGS,
  PCI_EXP_LNKCAP,
  PCI_EXP_LNKSTA,
} from './registers.ts';

/** Device/Port Type (PCI_EXP_TYPE_* in include/uapi/linux/pci_regs.h). */
const pcieTypes = {
  0x0: 'endpoint',
  0x1: 'legacy-endpoint',
  0x4: 'root-port',
  0x5: 'upstream-port',
  0x6: 'downstream-port',
  0x7: 'pcie-to-pci-bridge',
  0x8: 'pci-to-pcie-bridge',
  0x9: 'root-complex-endpoint',
  0xa: 'root-complex-event-collector',
} as const;
export type PcieType = (typeof pcieTypes)[keyof typeof pcieTypes];

export interface PcieCapability {
  /** Undefined for a value that the specification does not know. */
  readonly type: PcieType | undefined;
  readonly functionLevelReset: boolean;
  /** Largest payload that the function can take, and the one that is set, in bytes. */
  readonly maxPayloadSupportedBytes: number | undefined;
  readonly maxPayloadBytes: number | undefined;
  readonly maxReadRequestBytes: number | undefined;
  /** GT/s per lane, and lanes. Undefined where there is no link: integrated endpoints, VFs (theirs is the PF's). */
  readonly maxSpeedGTps: number | undefined;
  readonly maxWidth: number | undefined;
  readonly currentSpeedGTps: number | undefined;
  readonly currentWidth: number | undefined;
  /** A port that can forward ARI requests, and one that is set to do so. */
  readonly ariForwardingSupported: boolean;
  readonly ariForwardingEnabled: boolean;
}

const speedsGTps: readonly (number | undefined)[] = [undefined, 2.5, 5, 8, 16, 32, 64];
const widths: ReadonlySet<number> = new Set([1, 2, 4, 8, 12, 16, 32]);

/** Decodes the capability at an offset; undefined, with a problem noted, when it does not lie wholly inside. */
export function parsePcieCapability(
  registers: Registers,
  offset: number,
  problems: string[],
): PcieCapability | undefined {
  const flags = registers.u16(offset + PCI_EXP_FLAGS);
  const deviceCapabilities = registers.u32(offset + PCI_EXP_DEVCAP);
  const deviceControl = registers.u16(offset + PCI_EXP_DEVCTL);
  const linkCapabilities = registers.u32(offset + PCI_EXP_LNKCAP);
  const linkStatus = registers.u16(offset + PCI_EXP_LNKSTA);
  if (
    flags === undefined ||
    deviceCapabilities === undefined ||
    deviceControl === undefined ||
    linkCapabilities === undefined ||
    linkStatus === undefined
  ) {
    problems.push('the PCI Express capability reaches beyond the configuration space');
    return undefined;
  }
  // Version 1 ends before the second set of registers.
  const hasSecondSet = (flags & 0xf) >= 2;
  const capabilities2 = hasSecondSet ? (registers.u32(offset + PCI_EXP_DEVCAP2) ?? 0) : 0;
  const control2 = hasSecondSet ? (registers.u16(offset + PCI_EXP_DEVCTL2) ?? 0) : 0;
  return {
    type: (pcieTypes as Record<number, PcieType | undefined>)[(flags >> 4) & 0xf],
    functionLevelReset: (deviceCapabilities & PCI_EXP_DEVCAP_FLR) !== 0,
    maxPayloadSupportedBytes: payloadOf(deviceCapabilities),
    maxPayloadBytes: payloadOf(deviceControl >> 5),
    maxReadRequestBytes: payloadOf(deviceControl >> 12),
    ...linkOf('max', linkCapabilities),
    ...linkOf('current', linkStatus),
    ariForwardingSupported: (capabilities2 & PCI_EXP_DEVCAP2_ARI) !== 0,
    ariForwardingEnabled: (control2 & PCI_EXP_DEVCTL2_ARI) !== 0,
  };
}

/** Sizes are three bits: 0 is 128 bytes, 5 is 4096, the rest is reserved. */
function payloadOf(bits: number): number | undefined {
  const code = bits & 0x7;
  return code <= 5 ? 128 << code : undefined;
}

/** Speed and width stand in the same bits of link capabilities and link status. */
function linkOf<Prefix extends 'max' | 'current'>(
  prefix: Prefix,
  register: number,
): Record<`${Prefix}SpeedGTps` | `${Prefix}Width`, number | undefined> {
  const width = (register >> 4) & 0x3f;
  const hasLink = widths.has(width);
  return {
    [`${prefix}SpeedGTps`]: hasLink ? speedsGTps[register & 0xf] : undefined,
    [`${prefix}Width`]: hasLink ? width : undefined,
  } as Record<`${Prefix}SpeedGTps` | `${Prefix}Width`, number | undefined>;
}
