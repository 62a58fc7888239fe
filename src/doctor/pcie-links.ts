// Owns the links between cards and the roots of the PCIe tree: both ends of each, and which PFs are behind it.

import {
  pcieBandwidthOf,
  usualMaxPayloadBytes,
  usualMaxReadRequestBytes,
} from '../capacity/pcie-bandwidth.ts';
import type { PcieDevice, PcieLink } from '../model/pcie.ts';
import type { Pf } from '../model/pf.ts';

/** A link that at least one PF's traffic takes. */
export interface Link {
  /** Lower end: the card, or the upstream port of a switch. */
  readonly lower: PcieDevice;
  /** The port above; absent when only the lower end is known. */
  readonly upper: PcieDevice | undefined;
  /** As it runs. GT/s, lanes. */
  readonly speedGTps: number | undefined;
  readonly width: number | undefined;
  /** What both ends can do. */
  readonly possibleSpeedGTps: number | undefined;
  readonly possibleWidth: number | undefined;
  /** PFs below, in the order of their addresses. */
  readonly pfs: Pf[];
}

/** Every link on the way of the PFs, each once: functions of one card share theirs. */
export function listLinks(pfs: readonly Pf[]): readonly Link[] {
  const links = new Map<string, Link>();
  for (const pf of pfs) {
    for (const [lower, upper] of endsOf(pf)) {
      const key = upper === undefined ? slotOf(lower.address) : upper.address;
      const known = links.get(key);
      if (known !== undefined) {
        known.pfs.push(pf);
        continue;
      }
      links.set(key, {
        lower,
        upper,
        speedGTps: lower.link?.currentSpeedGTps ?? upper?.link?.currentSpeedGTps,
        width: lower.link?.currentWidth ?? upper?.link?.currentWidth,
        possibleSpeedGTps: least(lower.link, upper?.link, 'maxSpeedGTps'),
        possibleWidth: least(lower.link, upper?.link, 'maxWidth'),
        pfs: [pf],
      });
    }
  }
  return [...links.values()];
}

/** Pairs of link ends, from the card up. The inside of a switch (upstream port over downstream port) is no link. */
function endsOf(pf: Pf): [PcieDevice, PcieDevice | undefined][] {
  const { pciePath, pcieLink } = pf;
  if (pciePath === undefined || pciePath.length === 0) {
    if (pcieLink === undefined) return [];
    const { address, vendorId = '', deviceId = '' } = pf;
    return [[{ address, vendorId, deviceId, kind: 'endpoint', link: pcieLink, alsoBelow: [] }, undefined]];
  }
  return pciePath.flatMap((lower, index): [PcieDevice, PcieDevice | undefined][] => {
    const upper = pciePath[index + 1];
    const isLowerEnd = lower.kind !== 'root-port' && lower.kind !== 'downstream-port';
    return isLowerEnd && (upper !== undefined || index === 0) ? [[lower, upper]] : [];
  });
}

/** Address without the function: functions of one device share its link. */
function slotOf(address: string): string {
  const dot = address.lastIndexOf('.');
  return dot < 0 ? address : address.slice(0, dot);
}

function least(
  lower: PcieLink | undefined,
  upper: PcieLink | undefined,
  field: 'maxSpeedGTps' | 'maxWidth',
): number | undefined {
  const [a, b] = [lower?.[field], upper?.[field]];
  if (a === undefined) return b;
  return b === undefined ? a : Math.min(a, b);
}

/** Gb/s that a link carries for packets with their headers, by the pcie-bench model; undefined when it is not known how it runs. */
export function carriedGbpsOf(link: Link): number | undefined {
  const { speedGTps, width, lower } = link;
  if (speedGTps === undefined || width === undefined) return undefined;
  const maxPayloadBytes = lower.maxPayloadBytes ?? usualMaxPayloadBytes;
  return pcieBandwidthOf({
    speedGTps,
    width,
    maxPayloadBytes,
    maxReadRequestBytes: lower.maxReadRequestBytes ?? usualMaxReadRequestBytes,
    transferBytes: maxPayloadBytes,
  })?.linkGbps;
}

/** `8 GT/s x4`. */
export function linkText(speedGTps: number | undefined, width: number | undefined): string {
  return `${speedGTps === undefined ? '?' : speedGTps} GT/s x${width === undefined ? '?' : width}`;
}
