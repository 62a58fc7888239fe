// Owns network interfaces in a domain's XML: reading all that a VM has, rendering those that vfleet adds.
// Pure: text and elements in, values and text out.

import { VfleetError } from '../../base/errors.ts';
import { parseMacAddress } from '../../base/identifiers.ts';
import { present } from '../../base/present.ts';
import type { VmNic } from '../../model/vm.ts';
import type { StandbyNic, VfNic } from '../hypervisor.ts';
import { numberOf, pciAddressElement, readPciAddress } from './device-address.ts';
import type { Element, NewElement } from './xml-document.ts';
import { attributeOf, childElements, elementAt, renderNewXml } from './xml-document.ts';

/** Interfaces of a `<domain>`, and host devices on PCI that are passed through without one. */
export function readNics(domain: Element): VmNic[] {
  const devices = elementAt(domain, 'devices');
  return [
    ...childElements(devices, 'interface').map(readInterface),
    ...childElements(devices, 'hostdev')
      .filter((hostdev) => attributeOf(hostdev, 'type') === 'pci')
      .map((hostdev) => readNic(hostdev, 'pci')),
  ];
}

function readInterface(element: Element): VmNic {
  return readNic(element, attributeOf(element, 'type') ?? 'unknown');
}

function readNic(element: Element, kind: string): VmNic {
  const source = elementAt(element, 'source');
  return present({
    kind,
    mac: parseMacAddress(attributeOf(elementAt(element, 'mac'), 'address') ?? ''),
    alias: attributeOf(elementAt(element, 'alias'), 'name'),
    hostAddress: readPciAddress(elementAt(source, 'address')),
    vlan: readVlan(elementAt(element, 'vlan')),
    guestAddress: readPciAddress(guestAddressOf(element)),
    bridge: attributeOf(source, 'bridge'),
    virtualPort: attributeOf(elementAt(element, 'virtualport'), 'type'),
    network: attributeOf(source, 'network'),
    model: attributeOf(elementAt(element, 'model'), 'type'),
    hostInterface: attributeOf(elementAt(element, 'target'), 'dev'),
    teaming: readTeaming(elementAt(element, 'teaming')),
  });
}

/** Without a type there is no telling what it is. */
function guestAddressOf(element: Element): Element | undefined {
  return childElements(element, 'address').find((address) => attributeOf(address, 'type') === 'pci');
}

/** A tag only where there is just one: a trunk carries many. */
function readVlan(vlan: Element | undefined): number | undefined {
  const [tag, ...others] = childElements(vlan, 'tag');
  if (tag === undefined || others.length > 0 || attributeOf(vlan, 'trunk') === 'yes') return undefined;
  return numberOf(tag, 'id');
}

function readTeaming(teaming: Element | undefined): VmNic['teaming'] {
  const role = attributeOf(teaming, 'type');
  if (role !== 'persistent' && role !== 'transient') return undefined;
  const partner = attributeOf(teaming, 'persistent');
  return partner === undefined ? { role } : { role, partner };
}

/**
 * Renders a VF as a network interface. libvirt sets its MAC address, and the VLAN when one is given; without one it leaves
 * the VF's VLAN as it is (virHostdevSetNetConfig). Throws `request.invalid` for values that libvirt cannot take.
 */
export function renderVfNicXml(nic: VfNic, guestAddress?: string): string {
  return renderNewXml({
    name: 'interface',
    attributes: { type: 'hostdev', managed: 'yes' },
    children: [
      { name: 'source', children: [pciAddressElement(nic.hostAddress)] },
      macElement(nic.mac),
      vlanElement(nic.vlan),
      nic.standbyAlias === undefined
        ? undefined
        : { name: 'teaming', attributes: { type: 'transient', persistent: checkAlias(nic.standbyAlias) } },
      ...placeElements(nic.alias, guestAddress),
    ],
  });
}

/** Renders the interface of a failover pair that stays. Throws `request.invalid` for values that libvirt cannot take. */
export function renderStandbyNicXml(nic: StandbyNic, guestAddress?: string): string {
  return renderNewXml({
    name: 'interface',
    attributes: { type: 'bridge' },
    children: [
      macElement(nic.mac),
      { name: 'source', attributes: { bridge: nic.bridge } },
      vlanElement(nic.vlan),
      nic.kind === 'openvswitch' ? { name: 'virtualport', attributes: { type: 'openvswitch' } } : undefined,
      { name: 'model', attributes: { type: 'virtio' } },
      { name: 'teaming', attributes: { type: 'persistent' } },
      ...placeElements(nic.alias, guestAddress),
    ],
  });
}

function vlanElement(vlan: number | undefined): NewElement | undefined {
  if (vlan === undefined) return undefined;
  return { name: 'vlan', children: [{ name: 'tag', attributes: { id: String(vlan) } }] };
}

function macElement(mac: string): NewElement {
  const address = parseMacAddress(mac);
  if (address === undefined) {
    throw new VfleetError('request.invalid', `${JSON.stringify(mac)} is no MAC address`);
  }
  return { name: 'mac', attributes: { address } };
}

function placeElements(alias: string, guestAddress: string | undefined): NewElement[] {
  return [
    { name: 'alias', attributes: { name: checkAlias(alias) } },
    ...(guestAddress === undefined ? [] : [pciAddressElement(guestAddress)]),
  ];
}

/** libvirt drops a name that does not begin so without a word (virDomainDeviceAliasIsUserAlias). */
function checkAlias(alias: string): string {
  if (/^ua-[A-Za-z0-9_-]{1,100}$/.test(alias)) return alias;
  throw new VfleetError('request.invalid', `${JSON.stringify(alias)} is no name for a device: ua-…`);
}
