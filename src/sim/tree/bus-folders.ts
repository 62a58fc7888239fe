// Owns /sys/bus and /sys/devices: which devices and drivers there are, each device's folder in its place.

import { splitPfAddress } from '../../base/identifiers.ts';
import type { PfAddress } from '../../base/identifiers.ts';
import { loadedDrivers } from '../driver-binding.ts';
import type { SimHost } from '../host.ts';
import { driverOf } from '../host-index.ts';
import type { SimFunction } from '../host-index.ts';
import { bindFile, driversProbeFile, newIdFile, numVfsFile, unbindFile } from './device-writes.ts';
import { rdmaClassFolder, slotsFolder } from './card-files.ts';
import { functionFolder, netFolder } from './function-folder.ts';
import { netdevFolder } from './netdev-folder.ts';
import { systemFolder } from './cpu-folders.ts';
import { firmwareClasses } from './firmware-folders.ts';
import { iommuClassFolder, iommuUnitsFolder } from './host-files.ts';
import type { FolderNode, FolderTable } from './node.ts';
import { folder, folderOf, line, link, listFolder } from './node.ts';
import { functionPath, netdevPath, rootBusOf } from './places.ts';

function isPci(fn: SimFunction): boolean {
  return !fn.address.includes('/');
}

function pciFunctions(host: SimHost): SimFunction[] {
  return [...host.index.functions.values()].filter(isPci);
}

/** Name of a device on its own bus. */
function deviceNameOf(fn: SimFunction): string {
  return splitPfAddress(fn.address as PfAddress).device;
}

export function busFolder(host: SimHost): FolderNode {
  const pci = folder(host, {
    devices: () =>
      listFolder(
        () => pciFunctions(host).map(({ address }) => address),
        (name) => {
          const fn = host.index.functions.get(name);
          return fn === undefined || !isPci(fn) ? undefined : link(functionPath(fn));
        },
      ),
    drivers: () =>
      listFolder(
        () => loadedDrivers(host),
        (name) => (loadedDrivers(host).includes(name) ? driverFolder(host, name) : undefined),
      ),
    drivers_autoprobe: () => line(1),
    drivers_probe: () => driversProbeFile(host),
    slots: () => slotsFolder(host),
  });
  const others = host.index.otherDevices;
  if (others.length === 0) return folderOf({ pci });
  const netdevsim = folderOf({
    devices: listFolder(
      () => others.map(deviceNameOf),
      (name) => {
        const fn = others.find((each) => deviceNameOf(each) === name);
        return fn === undefined ? undefined : link(functionPath(fn));
      },
    ),
    drivers: folderOf({ netdevsim: folderOf({}) }),
  });
  return folderOf({ pci, netdevsim });
}

function driverFolder(host: SimHost, driver: string): FolderNode {
  const bound = (): SimFunction[] => pciFunctions(host).filter((fn) => driverOf(fn) === driver);
  return folder(
    host,
    {
      bind: () => bindFile(host, driver),
      unbind: () => unbindFile(host, driver),
      new_id: () => newIdFile(host, driver),
      module: () => link(`/sys/module/${driver.replaceAll('-', '_')}`),
    },
    {
      names: () => bound().map(({ address }) => address),
      child: (name) => {
        const fn = host.index.functions.get(name);
        return fn === undefined || driverOf(fn) !== driver ? undefined : link(functionPath(fn));
      },
    },
  );
}

export function devicesFolder(host: SimHost): FolderNode {
  const table: FolderTable<SimHost> = {
    system: () => systemFolder(host),
    virtual: () => virtualFolder(host),
  };
  return folder(host, table, {
    names: () => [
      ...new Set(host.profile.rootPorts.map(({ address }) => rootBusOf(address))),
      ...host.index.otherDevices.map(deviceNameOf),
    ],
    child: (name) => {
      const other = host.index.otherDevices.find((fn) => deviceNameOf(fn) === name);
      return other === undefined ? rootBusFolder(host, name) : otherDeviceFolder(host, other);
    },
  });
}

function rootBusFolder(host: SimHost, bus: string): FolderNode | undefined {
  const ports = host.profile.rootPorts
    .map(({ address }) => address)
    .filter((address) => rootBusOf(address) === bus);
  if (ports.length === 0) return undefined;
  return listFolder(
    () => ports,
    (name) => {
      const fn = ports.includes(name) ? host.index.functions.get(name) : undefined;
      return fn === undefined ? undefined : functionFolder(host, fn);
    },
  );
}

/** A device of netdevsim (drivers/net/netdevsim/bus.c). */
function otherDeviceFolder(host: SimHost, fn: SimFunction): FolderNode {
  const driver = driverOf(fn);
  return folder(fn, {
    driver: () => (driver === undefined ? undefined : link(`/sys/bus/netdevsim/drivers/${driver}`)),
    net: () => netFolder(host, fn),
    sriov_numvfs: () => numVfsFile(host, fn.address),
    subsystem: () => link('/sys/bus/netdevsim'),
    uevent: () => line(`DRIVER=${driver ?? ''}`),
  });
}

function virtualFolder(host: SimHost): FolderNode {
  const links = () => [...host.index.ownLinks.values()].filter(({ role }) => role === 'virtual');
  const net = listFolder(
    () => links().map(({ netdev }) => netdev.name),
    (name) => {
      const found = links().find(({ netdev }) => netdev.name === name);
      return found === undefined ? undefined : netdevFolder(host, found);
    },
  );
  return folderOf({ net, ...(host.profile.iommu ? { iommu: iommuUnitsFolder(host) } : {}) });
}

/** /sys/class/net: our own namespace's interfaces. */
export function classFolder(host: SimHost): FolderNode {
  const net = listFolder(
    () => [...host.index.ownLinks.keys()],
    (name) => {
      const found = host.index.ownLinks.get(name);
      return found === undefined ? undefined : link(netdevPath(found));
    },
  );
  return folderOf({
    net,
    infiniband: rdmaClassFolder(host),
    iommu: iommuClassFolder(host),
    ...firmwareClasses(host),
  });
}
