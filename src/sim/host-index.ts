// Owns finding things on a simulated host: PCI functions by address, interfaces by index and namespace, IOMMU groups.
// Built anew from profile and state when something came or went; changes nothing.

import type { SimPfProfile, SimPlainNic, SimProfile, SimRootPort } from './profile.ts';
import type { SimNetdev, SimPf, SimState, SimVf } from './state.ts';

/** A PCI function, or the device of a PF on another bus. */
export type SimFunction =
  | { readonly role: 'pf'; readonly address: string; readonly profile: SimPfProfile; readonly pf: SimPf }
  | {
      readonly role: 'vf';
      readonly address: string;
      readonly profile: SimPfProfile;
      readonly pf: SimPf;
      readonly vf: SimVf;
    }
  | { readonly role: 'bridge'; readonly address: string; readonly port: SimRootPort }
  | { readonly role: 'nic'; readonly address: string; readonly nic: SimPlainNic };

/** A network interface and what it belongs to. */
export type SimLink =
  | { readonly role: 'pf'; readonly netdev: SimNetdev; readonly profile: SimPfProfile; readonly pf: SimPf }
  | {
      readonly role: 'vf' | 'representor';
      readonly netdev: SimNetdev;
      readonly profile: SimPfProfile;
      readonly pf: SimPf;
      readonly vf: SimVf;
    }
  | { readonly role: 'nic'; readonly netdev: SimNetdev; readonly nic: SimPlainNic }
  | { readonly role: 'virtual'; readonly netdev: SimNetdev };

/** Our own network namespace: the number that Linux gives the first one. */
export const hostNetns = 4026531840;

export interface HostIndex {
  /** Functions by address; PFs on other buses under `bus/device`. */
  readonly functions: ReadonlyMap<string, SimFunction>;
  /** Functions behind a root port, by its address. */
  readonly behind: ReadonlyMap<string, readonly SimFunction[]>;
  /** Interfaces by namespace and index. */
  readonly links: ReadonlyMap<number, ReadonlyMap<number, SimLink>>;
  /** Interfaces of our own namespace by name. */
  readonly ownLinks: ReadonlyMap<string, SimLink>;
  /** Functions by IOMMU group. */
  readonly groups: ReadonlyMap<number, readonly SimFunction[]>;
  /** PFs that are no PCI devices. */
  readonly otherDevices: readonly SimFunction[];
}

/** Number of the namespace that an interface is in. */
export function netnsOf(netdev: SimNetdev): number {
  return netdev.netns ?? hostNetns;
}

export function buildIndex(profile: SimProfile, state: SimState): HostIndex {
  const functions = new Map<string, SimFunction>();
  const behind = new Map<string, SimFunction[]>();
  const links = new Map<number, Map<number, SimLink>>();
  const groups = new Map<number, SimFunction[]>();
  const ownLinks = new Map<string, SimLink>();

  function addFunction(fn: SimFunction, rootPort: string | undefined, group: number | undefined): void {
    functions.set(fn.address, fn);
    if (rootPort !== undefined) push(behind, rootPort, fn);
    if (profile.iommu && group !== undefined) push(groups, group, fn);
  }
  function addLink(link: SimLink): void {
    const netns = netnsOf(link.netdev);
    let inNetns = links.get(netns);
    if (inNetns === undefined) links.set(netns, (inNetns = new Map()));
    inNetns.set(link.netdev.ifIndex, link);
    if (netns === hostNetns) ownLinks.set(link.netdev.name, link);
  }

  for (const port of profile.rootPorts) {
    const fn: SimFunction = { role: 'bridge', address: port.address, port };
    addFunction(fn, undefined, bootGroupOf(profile, port.address));
  }
  for (const nic of profile.plainNics) {
    addFunction({ role: 'nic', address: nic.address, nic }, nic.rootPort, bootGroupOf(profile, nic.address));
    const netdev = state.otherNetdevs.find(({ name }) => name === nic.netdev);
    if (netdev !== undefined) addLink({ role: 'nic', netdev, nic });
  }
  for (const netdev of state.otherNetdevs) {
    if (!profile.plainNics.some((nic) => nic.netdev === netdev.name)) addLink({ role: 'virtual', netdev });
  }
  for (const pf of state.pfs) {
    const pfProfile = profile.pfs.find(({ address }) => address === pf.address);
    if (pfProfile === undefined) continue;
    const group = pfProfile.card.pci === undefined ? undefined : bootGroupOf(profile, pf.address);
    addFunction({ role: 'pf', address: pf.address, profile: pfProfile, pf }, pfProfile.rootPort, group);
    if (pf.netdev !== undefined) addLink({ role: 'pf', netdev: pf.netdev, profile: pfProfile, pf });
    for (const vf of pf.vfs) {
      const { address } = vf;
      if (address !== undefined) {
        addFunction({ role: 'vf', address, profile: pfProfile, pf, vf }, pfProfile.rootPort, vf.iommuGroup);
      }
      if (vf.netdev !== undefined) addLink({ role: 'vf', netdev: vf.netdev, profile: pfProfile, pf, vf });
      if (vf.representor !== undefined) {
        addLink({ role: 'representor', netdev: vf.representor, profile: pfProfile, pf, vf });
      }
    }
  }
  const otherDevices = [...functions.values()].filter(({ address }) => address.includes('/'));
  return { functions, behind, links, ownLinks, groups, otherDevices };
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}

/** Every function that is there at boot has a group of its own, in this order. */
function bootGroupOf(profile: SimProfile, address: string): number {
  return bootFunctionsOf(profile).indexOf(address);
}

function bootFunctionsOf(profile: SimProfile): readonly string[] {
  return [
    ...profile.rootPorts.map(({ address }) => address),
    ...profile.plainNics.map(({ address }) => address),
    ...profile.pfs.map(({ address }) => address),
  ];
}

/** The first group number for devices that come after boot. */
export function firstFreeGroup(profile: SimProfile): number {
  return bootFunctionsOf(profile).length;
}

/** IOMMU group of a function, undefined without an IOMMU. */
export function iommuGroupOf(profile: SimProfile, fn: SimFunction): number | undefined {
  if (!profile.iommu) return undefined;
  if (fn.role === 'vf') return fn.vf.iommuGroup;
  if (fn.role === 'pf' && fn.profile.card.pci === undefined) return undefined;
  return bootGroupOf(profile, fn.address);
}

/** Driver of a function, undefined when none is bound. */
export function driverOf(fn: SimFunction): string | undefined {
  if (fn.role === 'vf') return fn.vf.driver;
  if (fn.role === 'pf') return fn.pf.driver;
  return fn.role === 'nic' ? fn.nic.driver : 'pcieport';
}

/** The driver that takes a function by its IDs. */
export function usualDriverOf(fn: SimFunction): string | undefined {
  if (fn.role === 'vf') return fn.profile.card.vfDriver;
  return fn.role === 'pf' ? fn.profile.card.driver : driverOf(fn);
}

/** Vendor and device ID, four hex digits each; undefined for devices on other buses. */
export function pciIdsOf(fn: SimFunction): { vendor: string; device: string } | undefined {
  if (fn.role === 'bridge') return { vendor: fn.port.vendorId, device: fn.port.deviceId };
  if (fn.role === 'nic') return { vendor: fn.nic.vendorId, device: fn.nic.deviceId };
  const { pci } = fn.profile.card;
  if (pci === undefined) return undefined;
  return { vendor: pci.vendorId, device: fn.role === 'vf' ? pci.vfDeviceId : pci.deviceId };
}

/** Whether a driver hands devices out through vfio. */
export function isVfioDriver(driver: string | undefined): boolean {
  return driver !== undefined && driver.includes('vfio');
}
