// Owns the choice of a PCI address in the guest that is free in the running VM and in its stored definition alike.
// libvirt picks one for each by itself, and not always the same (qemuDomainAttachDeviceLiveAndConfig). Pure.

import { hex } from '../../base/identifiers.ts';
import { numberOf } from './device-address.ts';
import type { Element } from './xml-document.ts';
import { attributeOf, childElements, elementAt } from './xml-document.ts';

/** Controllers with one slot, 0, into which a PCI Express device can be plugged. */
const portModels = ['pcie-root-port', 'pcie-switch-downstream-port'];
const slotsPerBus = 32;
/** On i440fx 0 is the host bridge, 1 the chipset's, and 2 kept for video (qemuDomainValidateDevicePCISlotsPIIX3). */
const firstPlainSlot = 3;

export type GuestAddressChoice =
  | { readonly address: string }
  /** Nothing can be plugged into the running VM. */
  | { readonly address: undefined; readonly none: 'live' }
  /** Something could be plugged into the running VM, but its place is taken in the stored definition. */
  | { readonly address: undefined; readonly none: 'common' }
  /** A machine without PCI Express ports and plain PCI bus (s390x): libvirt has to choose. */
  | { readonly address: undefined; readonly none: 'known' };

/** The lowest address that is free in both `<domain>` elements. */
export function chooseGuestAddress(live: Element, stored: Element): GuestAddressChoice {
  const offeredLive = offeredSlots(live);
  if (offeredLive.length === 0) return { address: undefined, none: 'known' };
  const takenLive = takenSlots(live);
  const freeLive = offeredLive.filter((slot) => !takenLive.has(slot));
  if (freeLive.length === 0) return { address: undefined, none: 'live' };
  const takenStored = takenSlots(stored);
  const offeredStored = new Set(offeredSlots(stored));
  const [address] = freeLive.filter((slot) => offeredStored.has(slot) && !takenStored.has(slot)).sort();
  return address === undefined ? { address, none: 'common' } : { address };
}

/** Addresses into which a device can be plugged while the VM runs, taken or not. */
function offeredSlots(domain: Element): string[] {
  return childElements(elementAt(domain, 'devices'), 'controller')
    .filter((controller) => attributeOf(controller, 'type') === 'pci')
    .flatMap((controller) => {
      const index = numberOf(controller, 'index');
      const model = attributeOf(controller, 'model');
      if (index === undefined || index > 0xff || model === undefined) return [];
      if (model === 'pci-root') {
        return Array.from({ length: slotsPerBus - firstPlainSlot }, (_, slot) =>
          addressOf(0, index, slot + firstPlainSlot),
        );
      }
      const plugs = attributeOf(elementAt(controller, 'target'), 'hotplug') !== 'off';
      return portModels.includes(model) && plugs ? [addressOf(0, index, 0)] : [];
    });
}

/** Every guest address that some device has, as that of its slot: a slot is plugged as a whole. */
function takenSlots(domain: Element): Set<string> {
  const taken = new Set<string>();
  for (const device of childElements(elementAt(domain, 'devices'))) {
    for (const address of childElements(device, 'address')) {
      const bus = numberOf(address, 'bus');
      const slot = numberOf(address, 'slot');
      if (attributeOf(address, 'type') !== 'pci' || bus === undefined || slot === undefined) continue;
      taken.add(addressOf(numberOf(address, 'domain') ?? 0, bus, slot));
    }
  }
  return taken;
}

function addressOf(domain: number, bus: number, slot: number): string {
  return `${hex(domain, 4)}:${hex(bus, 2)}:${hex(slot, 2)}.0`;
}
