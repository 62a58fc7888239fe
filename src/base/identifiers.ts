// Owns the names of things on a host: PCI addresses, VF indexes, interfaces, MAC addresses.
// Imports nothing; parse functions return undefined for anything that is not exactly the thing.

/** PCI address in the kernel's spelling, `dddd:bb:dd.f`, lower-case hex. */
export type PciAddress = string & { readonly brand: 'PciAddress' };
/** Address of a device on another bus as devlink writes it, `bus/device`, for example `netdevsim/netdevsim1`. */
export type DevlinkHandle = string & { readonly brand: 'DevlinkHandle' };
/** Address of a PF. */
export type PfAddress = PciAddress | DevlinkHandle;
/** Index of a VF within its PF, from 0; not its PCI function number. */
export type VfIndex = number & { readonly brand: 'VfIndex' };
/** Index of a network interface in its network namespace, from 1. */
export type IfIndex = number & { readonly brand: 'IfIndex' };
/** Six bytes as `aa:bb:cc:dd:ee:ff`, lower-case hex. */
export type MacAddress = string & { readonly brand: 'MacAddress' };

const pciAddressPattern = /^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([01][0-9a-f])\.([0-7])$/i;

/** Reads a PCI address; a missing domain means 0000. */
export function parsePciAddress(text: string): PciAddress | undefined {
  const match = pciAddressPattern.exec(text);
  if (match === null) return undefined;
  const [, domain = '0000', bus = '', device = '', fn = ''] = match;
  return `${domain}:${bus}:${device}.${fn}`.toLowerCase() as PciAddress;
}

// Kernel device names hold no slash and no control characters; "." and ".." would leave the folder.
const devlinkHandlePattern = /^([a-z][a-z0-9_-]{0,31})\/([A-Za-z0-9][A-Za-z0-9_.:-]{0,63})$/;

/** Reads the address of a PF: a PCI address, or `bus/device` for other buses (`netdevsim/netdevsim1`). */
export function parsePfAddress(text: string): PfAddress | undefined {
  const pci = parsePciAddress(text.startsWith('pci/') ? text.slice(4) : text);
  if (pci !== undefined) return pci;
  const match = devlinkHandlePattern.exec(text);
  return match === null || match[1] === 'pci' ? undefined : (text as DevlinkHandle);
}

/** Splits a PF address into bus and device name as sysfs and devlink use them. */
export function splitPfAddress(address: PfAddress): { bus: string; device: string } {
  const slash = address.indexOf('/');
  if (slash < 0) return { bus: 'pci', device: address };
  return { bus: address.slice(0, slash), device: address.slice(slash + 1) };
}

/** The 16-bit PCI requester ID: bus in bits 15-8, device in 7-3, function in 2-0. */
export function requesterIdOf(address: PciAddress): number {
  const [, , bus = '0', device = '0', fn = '0'] = pciAddressPattern.exec(address) ?? [];
  return (parseInt(bus, 16) << 8) | (parseInt(device, 16) << 3) | parseInt(fn, 16);
}

/** PCI address of a requester ID in a domain (`0000`). */
export function addressOfRequesterId(domain: string, requesterId: number): PciAddress {
  const bus = hex(requesterId >> 8, 2);
  const device = hex((requesterId >> 3) & 0x1f, 2);
  return `${domain}:${bus}:${device}.${requesterId & 7}` as PciAddress;
}

/** Domain part of a PCI address. */
export function domainOf(address: PciAddress): string {
  return address.slice(0, address.indexOf(':'));
}

/** Lower-case hexadecimal, padded to a number of digits. */
export function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** IFNAMSIZ less the zero (include/uapi/linux/if.h). */
const maxInterfaceNameBytes = 15;

/** Whether the kernel takes a text for the name of an interface (dev_valid_name, net/core/dev.c) and a screen shows it. */
export function isInterfaceName(text: string): boolean {
  if (text === '.' || text === '..' || !/^[^/:\s\p{C}]+$/u.test(text)) return false;
  return Buffer.byteLength(text) <= maxInterfaceNameBytes;
}

/** Reads a MAC address written with colons or hyphens. */
export function parseMacAddress(text: string): MacAddress | undefined {
  if (!/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text)) return undefined;
  return text.replaceAll('-', ':').toLowerCase() as MacAddress;
}

/** The address that many drivers report for a VF that was given none. */
export const zeroMacAddress = '00:00:00:00:00:00' as MacAddress;

/** Whether the group bit is set: such an address cannot be an interface's own. */
export function isMulticastMac(mac: MacAddress): boolean {
  return (parseInt(mac.slice(0, 2), 16) & 1) === 1;
}
