// Owns what sysfs tells of a PCI device beyond its IDs: the slot it sits in, how it can be reset, its product data,
// the vectors it can share out. Files that wait for the device are asked by a child process.

import type { PciAddress } from '../../base/identifiers.ts';
import { parseInteger, readText, textOf } from '../file-text.ts';
import { isErrno } from '../kernel.ts';
import type { Errno, FileTree } from '../kernel.ts';
import type { VitalProductData } from '../pci-config/vital-product-data.ts';
import { parseVitalProductData } from '../pci-config/vital-product-data.ts';
import { devicePath } from './device.ts';

const slotsPath = '/sys/bus/pci/slots';

/** Names of the physical slots by `dddd:bb:dd` of what sits in them, or `dddd:bb` for a slot that is a whole bus. */
export type SlotNames = ReadonlyMap<string, string>;

/**
 * Slots that firmware or a hotplug driver names (Documentation/ABI/testing/sysfs-bus-pci, drivers/pci/slot.c
 * address_read_file). Empty where there are none, as on most servers' on-board devices.
 */
export function readSlotNames(files: FileTree): SlotNames {
  const names = new Map<string, string>();
  for (const name of files.list(slotsPath)) {
    const address = readText(files, `${slotsPath}/${name}/address`)?.toLowerCase();
    if (address !== undefined && /^[0-9a-f]{4,8}:[0-9a-f]{2}(?::[0-9a-f]{2})?$/.test(address))
      names.set(address, name);
  }
  return names;
}

/** Name of the slot that a device sits in; undefined when nobody names one. */
export function slotOf(names: SlotNames, address: PciAddress): string | undefined {
  const device = address.slice(0, address.indexOf('.'));
  return names.get(device) ?? names.get(device.slice(0, device.lastIndexOf(':')));
}

const resetMethodNames = /^[a-z][a-z_]{0,31}$/;

/**
 * Ways to reset a function in the order in which the kernel tries them: `device_specific`, `acpi`, `flr`, `af_flr`, `pm`,
 * `bus`, `cxl_bus`. Undefined where there is no such file: the function cannot be reset, or the kernel is older than 5.15
 * (Documentation/ABI/testing/sysfs-bus-pci, reset_method).
 */
export function readResetMethods(files: FileTree, address: PciAddress): readonly string[] | undefined {
  return readText(files, `${devicePath(address)}/reset_method`)
    ?.split(/\s+/)
    .filter((name) => resetMethodNames.test(name));
}

/**
 * Vital product data. Undefined when the device has none; the errno when it may not be read (EACCES: for root only) or
 * the card does not give it (EIO, ETIMEDOUT). The kernel asks the card for each four bytes and waits up to 125 ms
 * (drivers/pci/vpd.c pci_vpd_wait): hence a child process, which gives the first 4096 bytes. `kernel.timeout`.
 */
export async function readVitalProductData(
  files: FileTree,
  address: PciAddress,
  timeoutMs: number,
): Promise<VitalProductData | Errno | undefined> {
  const path = `${devicePath(address)}/vpd`;
  if (files.identity(path) === undefined) return undefined;
  const bytes = await files.readWaiting(path, timeoutMs);
  return isErrno(bytes) ? bytes : parseVitalProductData(bytes);
}

/**
 * MSI-X vectors that a PF's driver can share out among its VFs. Undefined when it has no such pool (the kernel says 0)
 * or the kernel is older than 5.13. Takes the device lock (drivers/pci/iov.c sriov_vf_total_msix_show), which a change of
 * the number of VFs holds for minutes: hence a child process. `kernel.timeout`.
 */
export async function readVfTotalMsix(
  files: FileTree,
  pf: PciAddress,
  timeoutMs: number,
): Promise<number | undefined> {
  const path = `${devicePath(pf)}/sriov_vf_total_msix`;
  if (files.identity(path) === undefined) return undefined;
  const bytes = await files.readWaiting(path, timeoutMs);
  const total = isErrno(bytes) ? undefined : parseInteger(textOf(bytes));
  return total === undefined || total <= 0 ? undefined : total;
}
