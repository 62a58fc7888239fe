// Owns the sysfs facts of one PCI device, and which devices are there.
// Reads only attributes that the kernel answers at once. SR-IOV is in sriov.ts, configuration space in ../pci-config.

import type { PciAddress } from '../../base/identifiers.ts';
import { hex, parsePciAddress } from '../../base/identifiers.ts';
import { isErrno } from '../kernel.ts';
import type { FileTree } from '../kernel.ts';
import { parseInteger, readHex, readInteger, readLinkName, readText, textOf } from '../file-text.ts';
import { devicePath, listNetdevs, readDriver, readNumaNode } from './device.ts';

/** A PCI device as sysfs shows it (Documentation/ABI/testing/sysfs-bus-pci, Documentation/PCI/sysfs-pci.rst). */
export interface PciDevice {
  readonly address: PciAddress;
  /** Four lower-case hex digits each, without 0x. */
  readonly vendorId: string | undefined;
  readonly deviceId: string | undefined;
  readonly subsystemVendorId: string | undefined;
  readonly subsystemDeviceId: string | undefined;
  /** Base class, sub-class and programming interface, six hex digits: `020000` is an Ethernet controller. */
  readonly classCode: string | undefined;
  /** Bound driver, undefined when none is. */
  readonly driver: string | undefined;
  /** Undefined when the firmware names no node. */
  readonly numaNode: number | undefined;
  /** Undefined when there is no IOMMU, or it is off. */
  readonly iommuGroup: number | undefined;
  /** Interfaces in our own network namespace. */
  readonly netdevs: readonly string[];
  /** PCIe link in GT/s per lane and in lanes; undefined for VFs, whose link is the PF's, and for devices without one. */
  readonly currentSpeedGTps: number | undefined;
  readonly currentWidth: number | undefined;
  readonly maxSpeedGTps: number | undefined;
  readonly maxWidth: number | undefined;
  /** The PF that this device is a VF of. */
  readonly physfn: PciAddress | undefined;
}

/** Addresses of all PCI devices, sorted. */
export function listPciDevices(files: FileTree): readonly PciAddress[] {
  return files
    .list('/sys/bus/pci/devices')
    .map((name) => parsePciAddress(name))
    .filter((address) => address !== undefined);
}

/** Everything that sysfs says of a device at once; fields of a device that has gone are undefined. */
export function readPciDevice(files: FileTree, address: PciAddress): PciDevice {
  const path = devicePath(address);
  const physfn = readPhysfn(files, address);
  const link = physfn === undefined ? readPcieLink(files, path) : noLink;
  return {
    address,
    ...readPciIds(files, address),
    subsystemVendorId: readId(files, `${path}/subsystem_vendor`, 4),
    subsystemDeviceId: readId(files, `${path}/subsystem_device`, 4),
    classCode: readClassCode(files, address),
    driver: readDriver(files, address),
    numaNode: readNumaNode(files, address),
    iommuGroup: readIommuGroup(files, address),
    netdevs: listNetdevs(files, address),
    ...link,
    physfn,
  };
}

/** Vendor and device, four lower-case hex digits each. */
export function readPciIds(files: FileTree, address: PciAddress): Pick<PciDevice, 'vendorId' | 'deviceId'> {
  const path = devicePath(address);
  return { vendorId: readId(files, `${path}/vendor`, 4), deviceId: readId(files, `${path}/device`, 4) };
}

/** Base class, sub-class and programming interface as six hex digits. */
export function readClassCode(files: FileTree, address: PciAddress): string | undefined {
  return readId(files, `${devicePath(address)}/class`, 6);
}

/** The PF of a VF, undefined for every other device. */
export function readPhysfn(files: FileTree, address: PciAddress): PciAddress | undefined {
  const name = readLinkName(files, `${devicePath(address)}/physfn`);
  return name === undefined ? undefined : parsePciAddress(name);
}

/** Number of the device's IOMMU group. */
export function readIommuGroup(files: FileTree, address: PciAddress): number | undefined {
  return parseInteger(readLinkName(files, `${devicePath(address)}/iommu_group`));
}

/**
 * Driver that alone may bind the device, undefined when any may. Costs a child process (2 ms): the kernel takes the
 * device lock to answer, and a probe or an unbind that hangs holds it (drivers/pci/pci-sysfs.c driver_override_show).
 * Fails with `kernel.timeout`.
 */
export async function readDriverOverride(
  files: FileTree,
  address: PciAddress,
  timeoutMs: number,
): Promise<string | undefined> {
  const answer = await files.readWaiting(`${devicePath(address)}/driver_override`, timeoutMs);
  if (isErrno(answer)) return undefined;
  const name = textOf(answer);
  // The kernel prints its null pointer.
  return name === '' || name === '(null)' ? undefined : name;
}

type PcieLinkFiles = Pick<PciDevice, 'currentSpeedGTps' | 'currentWidth' | 'maxSpeedGTps' | 'maxWidth'>;

const noLink: PcieLinkFiles = {
  currentSpeedGTps: undefined,
  currentWidth: undefined,
  maxSpeedGTps: undefined,
  maxWidth: undefined,
};

function readPcieLink(files: FileTree, path: string): PcieLinkFiles {
  const currentWidth = readWidth(files, `${path}/current_link_width`);
  // No such file, or a link that is down: the three others say nothing then.
  if (currentWidth === undefined) return noLink;
  return {
    currentSpeedGTps: readSpeed(files, `${path}/current_link_speed`),
    currentWidth,
    maxSpeedGTps: readSpeed(files, `${path}/max_link_speed`),
    maxWidth: readWidth(files, `${path}/max_link_width`),
  };
}

/** `8.0 GT/s PCIe` in kernels since 5.6, `8 GT/s` before, `Unknown` for a link that is down. */
function readSpeed(files: FileTree, path: string): number | undefined {
  const match = /^([0-9]{1,4}(?:\.[0-9])?) GT\/s/.exec(readText(files, path) ?? '');
  return match === null ? undefined : Number(match[1]);
}

/** Lanes; 0 (no link) and 255 (could not be read) are undefined. */
function readWidth(files: FileTree, path: string): number | undefined {
  const width = readInteger(files, path);
  return width === undefined || width < 1 || width > 32 ? undefined : width;
}

function readId(files: FileTree, path: string, digits: number): string | undefined {
  const value = readHex(files, path);
  return value === undefined ? undefined : hex(value, digits);
}
