// Owns PCI addresses as libvirt writes them, `<address type='pci' domain='0x0000' bus='0x01' …/>`.
// Chooses none (guest-address.ts).

import type { PciAddress } from '../../base/identifiers.ts';
import { hex, parsePciAddress } from '../../base/identifiers.ts';
import { VfleetError } from '../../base/errors.ts';
import type { Element, NewElement } from './xml-document.ts';
import { attributeOf } from './xml-document.ts';

/** Reads an `<address>`; its `type` may be absent only in a `<source>`. */
export function readPciAddress(element: Element | undefined): PciAddress | undefined {
  if (element === undefined || (attributeOf(element, 'type') ?? 'pci') !== 'pci') return undefined;
  const domain = numberOf(element, 'domain') ?? 0;
  const bus = numberOf(element, 'bus');
  const slot = numberOf(element, 'slot');
  const fn = numberOf(element, 'function') ?? 0;
  if (bus === undefined || slot === undefined) return undefined;
  return parsePciAddress(`${hex(domain, 4)}:${hex(bus, 2)}:${hex(slot, 2)}.${hex(fn, 1)}`);
}

/** Reads a decimal number, or a hexadecimal one with 0x. */
export function numberOf(element: Element, name: string): number | undefined {
  const text = attributeOf(element, name);
  return text !== undefined && /^(?:0x[0-9a-f]{1,8}|[0-9]{1,10})$/i.test(text) ? Number(text) : undefined;
}

/** An `<address>` for a device of the host or of the guest. Throws `request.invalid` for what is no PCI address. */
export function pciAddressElement(address: string): NewElement {
  const parts = /^([0-9a-f]+):([0-9a-f]+):([0-9a-f]+)\.([0-7])$/.exec(parsePciAddress(address) ?? '');
  if (parts === null)
    throw new VfleetError('request.invalid', `${JSON.stringify(address)} is no PCI address`);
  const [, domain, bus, slot, fn] = parts;
  return {
    name: 'address',
    attributes: {
      type: 'pci',
      domain: `0x${domain}`,
      bus: `0x${bus}`,
      slot: `0x${slot}`,
      function: `0x${fn}`,
    },
  };
}
