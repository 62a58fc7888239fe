// Owns the question whether a definition has an interface of a name, asked after every change of a VM: most of the text is
// not parsed for it. Pure.

import { readNics } from './nic-xml.ts';
import { attributeOf, parseXml } from './xml-document.ts';

const what = 'a definition';
/** What {@link readNics} reads; neither holds another of its kind. */
const deviceElement = /<(interface|hostdev)[\s>][^]*?<\/\1>/g;

/** Whether a definition that libvirt wrote has an interface with this alias. Throws `hypervisor.malformed`. */
export function hasAlias(xml: string, alias: string): boolean {
  // Our names need no encoding, so that a text without the name has no such interface.
  if (!xml.includes(alias)) return false;
  // libvirt writes the devices after everything that others may have put into a definition (virDomainDefFormatInternal).
  const devicesXml = xml.slice(xml.lastIndexOf('<devices>'));
  const found = devicesXml.match(deviceElement)?.filter((text) => text.includes(alias)) ?? [];
  const devices = parseXml(`<domain><devices>${found.join('')}</devices></domain>`, what);
  return readNics(devices).some((nic) => nic.alias === alias);
}

/** Whether a definition is that of a domain that runs, which has a number. Throws `hypervisor.malformed`. */
export function isRunning(xml: string): boolean {
  const end = xml.indexOf('>', xml.indexOf('<domain'));
  return attributeOf(parseXml(`${xml.slice(0, end)}/>`, what), 'id') !== undefined;
}
