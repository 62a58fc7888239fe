// Owns where the firmware of a simulated host put the VF BARs of its PFs.

import type { SimPfProfile, SimVfBar } from './profile.ts';

/** 64-bit space, 8 GiB per bus and 1 GiB per function so that none overlap. */
const vfSpaceBase = 0x60_0000_0000n;
const vfSpacePerFunction = 0x4000_0000n;

export interface SimVfSpace {
  readonly bar: SimVfBar;
  /** For all VFs that the card can have. */
  readonly sizeBytes: bigint;
  /** Undefined: there was no room. */
  readonly start: bigint | undefined;
}

/** Address space behind each VF BAR of a PF; none for devices that are not on the PCI bus. */
export function vfSpacesOf(profile: SimPfProfile): readonly SimVfSpace[] {
  const { card, address, withoutVfSpace } = profile;
  const [, bus = '0', device = '0', fn = '0'] = /:([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])$/.exec(address) ?? [];
  const place = parseInt(bus, 16) * 8 + parseInt(device, 16) * 8 + Number(fn);
  let next = vfSpaceBase + vfSpacePerFunction * BigInt(place);
  return (card.pci?.vfBars ?? []).map((bar) => {
    const sizeBytes = BigInt(bar.sizeBytes) * BigInt(card.capabilityVfs ?? card.totalVfs);
    const start = withoutVfSpace === true ? undefined : next;
    next += sizeBytes;
    return { bar, sizeBytes, start };
  });
}
