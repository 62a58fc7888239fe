// Owns what sysfs tells of a device on any bus: its folder, its driver, its interfaces, its NUMA node.
// Every attribute read here is answered at once; those that wait for a lock are not here.

import type { PfAddress } from '../../base/identifiers.ts';
import { splitPfAddress } from '../../base/identifiers.ts';
import { readInteger, readLinkName } from '../file-text.ts';
import type { FileTree } from '../kernel.ts';

/** Folder of a device, `/sys/bus/BUS/devices/DEVICE` (a symbolic link into /sys/devices). */
export function devicePath(address: PfAddress): string {
  const { bus, device } = splitPfAddress(address);
  return `/sys/bus/${bus}/devices/${device}`;
}

/** Whether the device is there now. */
export function isDevicePresent(files: FileTree, address: PfAddress): boolean {
  return files.identity(devicePath(address)) !== undefined;
}

/** Name of the bound driver, undefined when none is. While a probe runs, the link is already there. */
export function readDriver(files: FileTree, address: PfAddress): string | undefined {
  return readLinkName(files, `${devicePath(address)}/driver`);
}

/**
 * Names of the device's interfaces in our own network namespace, sorted; the folder hides those of other namespaces.
 * In switchdev mode a PF's folder holds the representors as well (kernels since 5.8).
 */
export function listNetdevs(files: FileTree, address: PfAddress): readonly string[] {
  return files.list(`${devicePath(address)}/net`);
}

/** NUMA node of the device; undefined when the firmware names none (the file says -1). */
export function readNumaNode(files: FileTree, address: PfAddress): number | undefined {
  const node = readInteger(files, `${devicePath(address)}/numa_node`);
  return node === undefined || node < 0 ? undefined : node;
}
