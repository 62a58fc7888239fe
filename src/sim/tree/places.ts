// Owns where devices and interfaces stand below /sys/devices.

import { splitPfAddress } from '../../base/identifiers.ts';
import type { PfAddress } from '../../base/identifiers.ts';
import type { SimFunction, SimLink } from '../host-index.ts';

/** `pci0000:16` for a device on root bus 16. */
export function rootBusOf(address: string): string {
  return `pci${address.slice(0, 7)}`;
}

/** Folder of a function, without links. */
export function functionPath(fn: SimFunction): string {
  if (fn.role === 'bridge') return `/sys/devices/${rootBusOf(fn.address)}/${fn.address}`;
  const port = fn.role === 'nic' ? fn.nic.rootPort : fn.profile.rootPort;
  if (port === undefined) return `/sys/devices/${splitPfAddress(fn.address as PfAddress).device}`;
  return `/sys/devices/${rootBusOf(port)}/${port}/${fn.address}`;
}

/** The function that an interface belongs to; undefined for virtual ones. */
export function functionOf(link: SimLink): SimFunction | undefined {
  if (link.role === 'virtual') return undefined;
  if (link.role === 'nic') return { role: 'nic', address: link.nic.address, nic: link.nic };
  const { profile, pf } = link;
  if (link.role !== 'vf') return { role: 'pf', address: pf.address, profile, pf };
  return { role: 'vf', address: link.vf.address ?? '', profile, pf, vf: link.vf };
}

/** Folder of an interface, without links. */
export function netdevPath(link: SimLink): string {
  const fn = functionOf(link);
  return `${fn === undefined ? '/sys/devices/virtual' : functionPath(fn)}/net/${link.netdev.name}`;
}
