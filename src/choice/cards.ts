// Owns which PFs are one card, and which PCIe links a PF's traffic takes.

import {
  pcieBandwidthOf,
  usualMaxPayloadBytes,
  usualMaxReadRequestBytes,
} from '../capacity/pcie-bandwidth.ts';
import type { PcieDevice } from '../model/pcie.ts';
import type { Pf } from '../model/pf.ts';

type CardPf = Pick<Pf, 'address' | 'pciePath'>;

/**
 * What two PFs of one card have in common: the port above them, for a PCIe link leads to one device, also where ARI
 * numbers its functions past 7; otherwise the address without its function.
 */
export function cardOf({ address, pciePath }: CardPf): string {
  const above = pciePath?.[1];
  if (above !== undefined && (above.kind === 'root-port' || above.kind === 'downstream-port'))
    return `below ${above.address}`;
  return slotOf(address);
}

/** A link between two devices on the way of a PF to the root. */
export interface CarryingLink {
  /** The same for every PF whose traffic takes it. */
  readonly key: string;
  /** Data in each direction while both are busy, Mbit/s. */
  readonly capacityMbps: number;
}

/** Links of a PF whose speed and width are known, from the card up. */
export function listCarryingLinks({ pciePath = [] }: CardPf): readonly CarryingLink[] {
  return pciePath.flatMap((lower, index) => {
    const upper = pciePath[index + 1];
    // Within a switch, from its upstream port to a downstream port, there is no link.
    const isLowerEnd = lower.kind !== 'root-port' && lower.kind !== 'downstream-port';
    if (!isLowerEnd || (upper === undefined && index > 0)) return [];
    const capacityMbps = capacityOf(lower, upper);
    if (capacityMbps === undefined) return [];
    return [{ key: upper?.address ?? slotOf(lower.address), capacityMbps }];
  });
}

function capacityOf(lower: PcieDevice, upper: PcieDevice | undefined): number | undefined {
  const { currentSpeedGTps: speedGTps, currentWidth: width } = lower.link ?? upper?.link ?? {};
  if (speedGTps === undefined || width === undefined) return undefined;
  const maxPayloadBytes = lower.maxPayloadBytes ?? usualMaxPayloadBytes;
  const carried = pcieBandwidthOf({
    speedGTps,
    width,
    maxPayloadBytes,
    maxReadRequestBytes: lower.maxReadRequestBytes ?? usualMaxReadRequestBytes,
    transferBytes: maxPayloadBytes,
  });
  return carried === undefined ? undefined : Math.floor(carried.duplexGbps * 1000);
}

/** Address without the function. */
function slotOf(address: string): string {
  const dot = address.lastIndexOf('.');
  return dot < 0 ? address : address.slice(0, dot);
}
