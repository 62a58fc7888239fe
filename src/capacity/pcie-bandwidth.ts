// Owns how much a PCIe link carries: the pcie-bench model as a formula, and the narrowest link between a card and memory.
// Pure. Judges nothing: what is too little is for whoever knows what the ports need.
// Source: Neugebauer et al., "Understanding PCIe performance for end host networking", SIGCOMM 2018, section 3.

import type { PcieDevice } from '../model/pcie.ts';

/** A generation of PCIe, by what its links do to the bits on the wire. */
interface Generation {
  readonly speedGTps: number;
  /** Share of the bits on the wire that are left after line coding; in flit mode also after CRC, FEC and link bytes. */
  readonly codedShare: number;
  /** Internal delay of a receiver in symbol times (PCIe Base Specification 5.0, tables 3-7 to 3-9). */
  readonly internalDelaySymbols: number;
  /** Packets travel in flits: acknowledgements and credits have bytes of their own in each, and packets no frame. */
  readonly isFlit: boolean;
}

// 8b/10b, then 128b/130b, then flits of 256 bytes of which 236 are packets (PCIe Base Specification 6.0, 4.2.3.4).
const generations: readonly Generation[] = [
  { speedGTps: 2.5, codedShare: 8 / 10, internalDelaySymbols: 19, isFlit: false },
  { speedGTps: 5, codedShare: 8 / 10, internalDelaySymbols: 70, isFlit: false },
  { speedGTps: 8, codedShare: 128 / 130, internalDelaySymbols: 115, isFlit: false },
  { speedGTps: 16, codedShare: 128 / 130, internalDelaySymbols: 115, isFlit: false },
  { speedGTps: 32, codedShare: 128 / 130, internalDelaySymbols: 115, isFlit: false },
  { speedGTps: 64, codedShare: 236 / 256, internalDelaySymbols: 115, isFlit: true },
];
const widths: readonly number[] = [1, 2, 4, 8, 12, 16, 32];

/** A data link layer packet: 4 bytes, their CRC of 2, framing of 2. One acknowledges, another updates credits. */
const dllpBytes = 8;
/** Symbols of a packet besides its payload, as the specification counts them for the acknowledgement latency limit. */
const tlpOverheadSymbols = 28;
/** Payloads from here on are acknowledged one by one. */
const largePayloadBytes = 512;
/** Ordered sets that make up for differing clocks: so many symbols after so many. */
const skipSymbols = 4;
const skipIntervalSymbols = 1538;
/** Framing, sequence number and link CRC of a packet. */
const frameBytes = 8;
/** Header of a write or read request with a 64-bit address, and of a completion with data. */
const requestHeaderBytes = 16;
const completionHeaderBytes = 12;

/** What servers usually have set: for a card whose device control register cannot be read. */
export const usualMaxPayloadBytes = 256;
export const usualMaxReadRequestBytes = 512;

export interface PcieBandwidthInput {
  /** 2.5, 5, 8, 16, 32 or 64. */
  readonly speedGTps: number;
  /** 1, 2, 4, 8, 12, 16 or 32 lanes. */
  readonly width: number;
  /** Device control: 128 to 4096. */
  readonly maxPayloadBytes: number;
  readonly maxReadRequestBytes: number;
  /** One transfer of the device: a packet, or a batch of descriptors. At least 1. */
  readonly transferBytes: number;
  /**
   * Size of the completions that reads are answered with: a root complex may cut at its read completion boundary (64 or
   * 128 bytes). Absent: as large as the payload allows.
   */
  readonly completionBytes?: number;
}

/** Gb/s. Directions are the card's: it writes what the port received, and reads what the port is to send. */
export interface PcieBandwidth {
  /** After line coding: what the electrical link carries. */
  readonly codedGbps: number;
  /** After acknowledgements, credits and clock compensation: packets with their headers. The figures of field tables. */
  readonly linkGbps: number;
  /** Data that the card can write to memory while it reads nothing. */
  readonly writeGbps: number;
  /** Data that the card can read from memory while it writes nothing. */
  readonly readGbps: number;
  /** Data in each direction when both carry the same: requests for reads share the way with writes. */
  readonly duplexGbps: number;
}

/** Bandwidth of a link after line coding, in Gb/s per direction; undefined for a speed or width that PCIe has not. */
export function codedGbpsOf(speedGTps: number, width: number): number | undefined {
  const generation = generations.find((each) => each.speedGTps === speedGTps);
  if (generation === undefined || !widths.includes(width)) return undefined;
  return speedGTps * generation.codedShare * width;
}

/**
 * What a link carries, by the pcie-bench model. Undefined for a speed or width that PCIe has not, or a size that is not
 * positive. In flit mode (64 GT/s) acknowledgements, credits and frames cost nothing beyond the flit itself.
 */
export function pcieBandwidthOf(input: PcieBandwidthInput): PcieBandwidth | undefined {
  const { speedGTps, width, maxPayloadBytes, maxReadRequestBytes, transferBytes } = input;
  const completionBytes = Math.min(input.completionBytes ?? maxPayloadBytes, maxPayloadBytes);
  const generation = generations.find((each) => each.speedGTps === speedGTps);
  const codedGbps = codedGbpsOf(speedGTps, width);
  if (generation === undefined || codedGbps === undefined) return undefined;
  // Also refuses what is no number.
  if (!(Math.min(completionBytes, maxReadRequestBytes, transferBytes) > 0)) return undefined;

  const linkGbps = codedGbps * (1 - linkLayerShare(generation, width, maxPayloadBytes));
  const frame = generation.isFlit ? 0 : frameBytes;
  const writes = Math.ceil(transferBytes / maxPayloadBytes) * (requestHeaderBytes + frame);
  const requests = Math.ceil(transferBytes / maxReadRequestBytes) * (requestHeaderBytes + frame);
  const completions = Math.ceil(transferBytes / completionBytes) * (completionHeaderBytes + frame);
  const dataAmong = (allBytes: number): number => (linkGbps * transferBytes) / allBytes;
  return {
    codedGbps,
    linkGbps,
    writeGbps: dataAmong(transferBytes + writes),
    readGbps: Math.min(dataAmong(transferBytes + completions), dataAmong(requests)),
    duplexGbps: Math.min(
      dataAmong(transferBytes + writes + requests),
      dataAmong(transferBytes + completions),
    ),
  };
}

/** Share of a link that goes to acknowledgements, credit updates and clock compensation. */
function linkLayerShare(generation: Generation, width: number, maxPayloadBytes: number): number {
  const skips = skipSymbols / skipIntervalSymbols;
  if (generation.isFlit) return skips;
  const limit = ackLatencySymbols(generation, width, maxPayloadBytes);
  // Credits are to be updated about as often as packets are acknowledged.
  return skips + (2 * dllpBytes) / limit;
}

/**
 * Longest time between acknowledgements in symbol times (PCIe Base Specification 5.0, 3.6.3.1): the time of the packets
 * that may wait for one, and the receiver's delay. The specification's own tables cut off fractions.
 */
function ackLatencySymbols(generation: Generation, width: number, maxPayloadBytes: number): number {
  const packets = maxPayloadBytes < largePayloadBytes ? smallPacketFactor(width) : width > 8 ? 2 : 1;
  const symbols = ((maxPayloadBytes + tlpOverheadSymbols) * packets) / width;
  return Math.floor(symbols + generation.internalDelaySymbols);
}

/** Packets of up to 256 bytes that may wait for one acknowledgement (AckFactor of the same tables). */
function smallPacketFactor(width: number): number {
  if (width <= 4) return 1.4;
  return width <= 8 ? 2.5 : 3;
}

/** The link that carries least on the way from a card to the root. */
export interface NarrowestLink {
  readonly device: PcieDevice;
  readonly speedGTps: number;
  readonly width: number;
  /** After line coding, per direction. */
  readonly codedGbps: number;
}

/**
 * Finds the link that carries least, the nearest to the card among equals. Undefined when no link of the path is known.
 * Both ends of a link show the same; each device of the path has the one that leads it towards the card or, for
 * endpoints and upstream ports, towards the root.
 */
export function narrowestLink(pciePath: readonly PcieDevice[]): NarrowestLink | undefined {
  let narrowest: NarrowestLink | undefined;
  for (const device of pciePath) {
    const { currentSpeedGTps: speedGTps, currentWidth: width } = device.link ?? {};
    if (speedGTps === undefined || width === undefined) continue;
    const codedGbps = codedGbpsOf(speedGTps, width);
    if (codedGbps === undefined || codedGbps >= (narrowest?.codedGbps ?? Infinity)) continue;
    narrowest = { device, speedGTps, width, codedGbps };
  }
  return narrowest;
}
