// Owns which driver a PCI device gets and loses on a simulated host, as the kernel's driver core does it
// (drivers/base/dd.c, drivers/pci/pci-driver.c). The files that ask for it are in tree/, the PF's part in sriov.ts.

import { zeroMacAddress } from '../base/identifiers.ts';
import type { SimHost } from './host.ts';
import { driverOf, isVfioDriver, pciIdsOf, usualDriverOf } from './host-index.ts';
import type { SimFunction } from './host-index.ts';
import { commitWithNew, commitWithout } from './links.ts';
import { newNetdev } from './netdev.ts';
import type { SimNetdev } from './state.ts';
import { giveNetdev } from './vf-making.ts';
import { isVfHeld } from './vfio-use.ts';

/** Errno name, or undefined for success. */
export type Outcome = string | undefined;

/** PCI drivers that are loaded, sorted. */
export function loadedDrivers(host: SimHost): readonly string[] {
  const { profile, state } = host;
  const names = new Set(['pcieport', ...state.modules]);
  for (const { card } of profile.pfs) {
    if (card.pci === undefined) continue;
    names.add(card.driver);
    if (card.vfDriver !== undefined) names.add(card.vfDriver);
  }
  for (const { driver } of profile.plainNics) names.add(driver);
  return [...names].sort();
}

/** modprobe: module names do not tell a hyphen from an underscore. */
export function loadModule(host: SimHost, name: string): Outcome {
  const isNamed = (driver: string): boolean => driver.replaceAll('-', '_') === name.replaceAll('-', '_');
  if (loadedDrivers(host).some(isNamed)) return undefined;
  const driver = host.profile.modules.find(isNamed);
  if (driver === undefined) return 'ENOENT';
  host.state.modules.push(driver);
  host.commit();
  return undefined;
}

function overrideOf(fn: SimFunction): string | undefined {
  if (fn.role === 'vf') return fn.vf.driverOverride;
  return fn.role === 'pf' ? fn.pf.driverOverride : undefined;
}

/** Whether a driver takes a device: the override names it, or without one its IDs do (pci_match_device). */
function matches(host: SimHost, fn: SimFunction, driver: string): boolean {
  const override = overrideOf(fn);
  if (override !== undefined) return override === driver;
  if (usualDriverOf(fn) === driver) return true;
  const ids = pciIdsOf(fn);
  return ids !== undefined && (host.state.dynamicIds[driver] ?? []).includes(`${ids.vendor}:${ids.device}`);
}

/** A VF is probed only when its PF allows it or an override names a driver (pci_device_can_probe). */
function mayProbe(fn: SimFunction): boolean {
  return fn.role !== 'vf' || fn.pf.driversAutoprobe || fn.vf.driverOverride !== undefined;
}

/** Write of a driver's `bind`. */
export async function bindTo(host: SimHost, address: string, driver: string): Promise<Outcome> {
  const fn = host.index.functions.get(address);
  if (fn === undefined || !matches(host, fn, driver)) return 'ENODEV';
  if (driverOf(fn) !== undefined) return 'EBUSY';
  return probe(host, address, driver);
}

/** Write of the bus's `drivers_probe`: success says nothing of a driver (bus_rescan_devices_helper). */
export async function probeDevice(host: SimHost, address: string): Promise<Outcome> {
  const fn = host.index.functions.get(address);
  if (fn === undefined) return 'ENODEV';
  if (driverOf(fn) !== undefined) return undefined;
  const driver = loadedDrivers(host).find((name) => matches(host, fn, name));
  if (driver !== undefined) await probe(host, address, driver);
  return undefined;
}

async function probe(host: SimHost, address: string, driver: string): Promise<Outcome> {
  const before = host.index.functions.get(address);
  if (before === undefined || !mayProbe(before)) return 'ENODEV';
  // vfio needs an IOMMU group (drivers/vfio/group.c vfio_device_set_group).
  if (isVfioDriver(driver) && !host.profile.iommu) return 'EINVAL';
  if (before.role === 'vf' && !isVfioDriver(driver) && before.profile.card.vfProbeMs > 0) {
    await host.clock.sleep(before.profile.card.vfProbeMs);
    host.enter();
  }
  const fn = host.index.functions.get(address);
  if (fn === undefined) return 'ENODEV';
  // Intel's PF drivers refuse to be a VF's (igb_main.c, igb_probe).
  if (isPfDriverOnVf(fn, driver)) return 'EINVAL';
  commitWithNew(host, attachDriver(host, fn, driver));
  return undefined;
}

function isPfDriverOnVf(fn: SimFunction, driver: string): boolean {
  return fn.role === 'vf' && driver === fn.profile.card.driver && driver !== fn.profile.card.vfDriver;
}

/** Gives a device its driver; answers the interfaces that came with it. Part of a change: the caller commits. */
export function attachDriver(host: SimHost, fn: SimFunction, driver: string): SimNetdev[] {
  if (fn.role === 'pf') {
    fn.pf.driver = driver;
    if (driver !== fn.profile.card.driver) return [];
    fn.pf.netdev = newNetdev(host.state, fn.profile.netdev, fn.profile.mac, false);
    return [fn.pf.netdev];
  }
  if (fn.role !== 'vf') return [];
  const { vf, profile } = fn;
  vf.driver = driver;
  if (driver !== profile.card.vfDriver) {
    // The reset that comes with it makes the PF forget the address that the VF's own driver chose.
    if (vf.adminMac !== true && profile.card.rules.reportsGuestMac === true) vf.settings.mac = zeroMacAddress;
    return [];
  }
  const delayMs = profile.card.vfNetdevDelayMs ?? 0;
  if (delayMs > 0) {
    host.schedule({ pf: fn.pf.address, vf: vf.index, what: 'netdev' }, delayMs);
    return [];
  }
  return [giveNetdev(host.state, profile, vf)];
}

/** Write of a driver's `unbind`. A device that somebody has open through vfio is waited for. */
export async function unbindFrom(host: SimHost, address: string, driver: string): Promise<Outcome> {
  const before = host.index.functions.get(address);
  if (before === undefined || driverOf(before) !== driver) return 'ENODEV';
  if (isVfioDriver(driver)) {
    await host.waitUntil(() => {
      const fn = host.index.functions.get(address);
      return fn?.role !== 'vf' || !isVfHeld(host, fn.vf);
    });
  }
  const fn = host.index.functions.get(address);
  if (fn === undefined || driverOf(fn) !== driver) return 'ENODEV';
  if (fn.role === 'pf') detachPf(host, fn);
  if (fn.role === 'vf') detachVf(host, fn);
  return undefined;
}

function detachVf(host: SimHost, fn: Extract<SimFunction, { role: 'vf' }>): void {
  const { vf, pf } = fn;
  commitWithout(host, [vf.netdev], () => {
    vf.driver = undefined;
    vf.netdev = undefined;
    host.cancelArrivals(pf.address, vf.index);
  });
}

function detachPf(host: SimHost, fn: Extract<SimFunction, { role: 'pf' }>): void {
  const { pf } = fn;
  const netdevs = [pf.netdev, ...pf.vfs.flatMap(({ netdev, representor }) => [netdev, representor])];
  commitWithout(host, netdevs, () => {
    pf.driver = undefined;
    pf.netdev = undefined;
    pf.vfs = [];
    host.cancelArrivals(pf.address);
  });
}

/** Write of a driver's `new_id`: it takes every device of that ID that has no driver. */
export function addDynamicId(host: SimHost, driver: string, text: string): Outcome {
  const [, vendor, device] = /^([0-9a-f]{4}) ([0-9a-f]{4})(?: |$)/i.exec(text.trim()) ?? [];
  if (vendor === undefined || device === undefined) return 'EINVAL';
  const id = `${vendor}:${device}`.toLowerCase();
  const ids = (host.state.dynamicIds[driver] ??= []);
  if (ids.includes(id)) return 'EEXIST';
  ids.push(id);
  const taken = [...host.index.functions.values()].filter(
    (fn) => driverOf(fn) === undefined && matches(host, fn, driver) && mayProbe(fn),
  );
  commitWithNew(
    host,
    taken.flatMap((fn) => attachDriver(host, fn, driver)),
  );
  return undefined;
}
