// Owns the IOMMU units and groups of the host, the switches of vfio, and the device nodes through which vfio hands a device out.
// Judges nothing; whether a group is safe to assign is decided in the readiness checks.

import type { PciAddress } from '../../base/identifiers.ts';
import { readText } from '../file-text.ts';
import type { FileTree } from '../kernel.ts';
import { devicePath } from './device.ts';
import { readIommuGroup } from './pci-device.ts';

const groupsPath = '/sys/kernel/iommu_groups';
const modulesPath = '/sys/module';

/** Kind of a group's default domain as the kernel spells it (drivers/iommu/iommu.c iommu_group_show_type). */
export type IommuGroupType = 'DMA' | 'DMA-FQ' | 'identity' | 'blocked' | 'unmanaged' | 'unknown';
const groupTypes: ReadonlySet<string> = new Set<IommuGroupType>([
  'DMA',
  'DMA-FQ',
  'identity',
  'blocked',
  'unmanaged',
  'unknown',
]);

/** Numbers of all groups in rising order; empty when there is no IOMMU, or it is off. */
export function listIommuGroups(files: FileTree): readonly number[] {
  return files
    .list(groupsPath)
    .filter((name) => /^[0-9]{1,9}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/** Names of the units that translate, sorted: `dmar0`, `ivhd0` (Documentation/ABI/testing/sysfs-class-iommu). */
export function listIommuUnits(files: FileTree): readonly string[] {
  return files.list('/sys/class/iommu');
}

/** The switches by which vfio gives up isolation; undefined where the module is not loaded or has no such switch. */
export interface VfioSwitches {
  /** Devices are handed out without interrupt remapping (drivers/vfio/vfio_iommu_type1.c). */
  readonly allowUnsafeInterrupts: boolean | undefined;
  /** Devices are handed out without any IOMMU (drivers/vfio/container.c, CONFIG_VFIO_NOIOMMU). */
  readonly noIommuMode: boolean | undefined;
}

export function readVfioSwitches(files: FileTree): VfioSwitches {
  return {
    allowUnsafeInterrupts: readFlag(
      files,
      `${modulesPath}/vfio_iommu_type1/parameters/allow_unsafe_interrupts`,
    ),
    noIommuMode: readFlag(files, `${modulesPath}/vfio/parameters/enable_unsafe_noiommu_mode`),
  };
}

/** A parameter of type bool (kernel/params.c, param_get_bool). */
function readFlag(files: FileTree, path: string): boolean | undefined {
  const text = readText(files, path);
  return text === 'Y' ? true : text === 'N' ? false : undefined;
}

/** Whether a process can use iommufd: /dev/iommu is there (Documentation/userspace-api/iommufd.rst). */
export function hasIommufd(files: FileTree): boolean {
  return files.identity('/dev/iommu') !== undefined;
}

/** Names of a group's devices, sorted: PCI addresses, and names of devices on other buses. */
export function listIommuGroupDevices(files: FileTree, group: number): readonly string[] {
  return files.list(`${groupsPath}/${group}/devices`);
}

/** Type of a group; undefined when it is not there or says something that we do not know. */
export function readIommuGroupType(files: FileTree, group: number): IommuGroupType | undefined {
  const text = readText(files, `${groupsPath}/${group}/type`);
  return text !== undefined && groupTypes.has(text) ? (text as IommuGroupType) : undefined;
}

/**
 * Device nodes through which a process can hold the device: `/dev/vfio/GROUP`, `/dev/vfio/noiommu-GROUP` without an
 * IOMMU, and `/dev/vfio/devices/vfioN` (Documentation/driver-api/vfio.rst). Empty unless a vfio driver is bound: the
 * caller asks only then, for a group's node stands for all devices of the group.
 */
export function listVfioNodes(files: FileTree, address: PciAddress): readonly string[] {
  const folder = `${devicePath(address)}/vfio-dev`;
  const nodes = files
    .list(folder)
    .filter((name) => /^(?:noiommu-)?vfio[0-9]+$/.test(name))
    // Kernels without CONFIG_VFIO_DEVICE_CDEV have the folder, but no device number and no node.
    .filter((name) => files.identity(`${folder}/${name}/dev`) !== undefined)
    .map((name) => `/dev/vfio/devices/${name}`);
  const group = readIommuGroup(files, address);
  if (group === undefined) return nodes;
  // A group that vfio itself made for a device without IOMMU carries this name (drivers/vfio/group.c).
  const isNoIommu = readText(files, `${groupsPath}/${group}/name`) === 'vfio-noiommu';
  return [`/dev/vfio/${isNoIommu ? 'noiommu-' : ''}${group}`, ...nodes];
}
