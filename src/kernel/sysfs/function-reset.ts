// Owns the reset of one PCI function and nothing else: never of its bus, whose other devices belong to others.
// Says whether it could; what follows from that is the caller's. Never resets a device that somebody has open: the
// caller looks first.

import type { PciAddress } from '../../base/identifiers.ts';
import { readText } from '../file-text.ts';
import type { FileTree } from '../kernel.ts';
import { readConfigSpace } from '../pci-config/read-config.ts';
import { writeAttribute } from './attribute-write.ts';
import { devicePath } from './device.ts';

/**
 * Methods that reset this function and nothing besides (drivers/pci/pci.c pci_reset_fn_methods), the plainest first.
 * `pm` keeps much of a function's state, `acpi` does what firmware likes, `bus` and `cxl_bus` reset the neighbours.
 */
const functionLevelMethods = ['flr', 'af_flr', 'device_specific'] as const;
export type FunctionResetMethod = (typeof functionLevelMethods)[number];

export type FunctionReset =
  | { readonly isDone: true; readonly method: FunctionResetMethod }
  /** Nothing was reset. */
  | { readonly isDone: false; readonly why: string };

/**
 * Resets a function by a function-level reset, or says why there is none. Kernels since 5.15 are told which method to
 * use (`reset_method`, Documentation/ABI/testing/sysfs-bus-pci), and what was set there is set again afterwards. Older
 * ones try function-level reset before any other when the device has it, so there the device is asked. Throws
 * `kernel.refused`, `kernel.absent`, `kernel.timeout`; the state of the function is unknown then.
 */
export async function resetFunction(
  files: FileTree,
  address: PciAddress,
  timeoutMs: number,
): Promise<FunctionReset> {
  const path = devicePath(address);
  if (files.identity(`${path}/reset`) === undefined)
    return { isDone: false, why: `the kernel knows no way to reset ${address}` };
  const before = readText(files, `${path}/reset_method`);
  if (before === undefined) return resetWithoutChoice(files, address, timeoutMs);

  const offered = before.split(/\s+/);
  const method = functionLevelMethods.find((name) => offered.includes(name));
  if (method === undefined) {
    const others = before === '' ? 'none is allowed' : `only ${before}`;
    return { isDone: false, why: `${address} has no function-level reset (${others})` };
  }
  if (before === method) {
    await writeReset(files, address, timeoutMs);
    return { isDone: true, method };
  }
  await writeMethods(files, address, method, timeoutMs);
  try {
    await writeReset(files, address, timeoutMs);
  } finally {
    await writeMethods(files, address, before, timeoutMs);
  }
  return { isDone: true, method };
}

async function resetWithoutChoice(
  files: FileTree,
  address: PciAddress,
  timeoutMs: number,
): Promise<FunctionReset> {
  if (readConfigSpace(files, address)?.pcie?.functionLevelReset !== true)
    return { isDone: false, why: `${address} does not say that it can do a function-level reset` };
  await writeReset(files, address, timeoutMs);
  return { isDone: true, method: 'flr' };
}

async function writeReset(files: FileTree, address: PciAddress, timeoutMs: number): Promise<void> {
  await writeAttribute(files, `${devicePath(address)}/reset`, '1', timeoutMs, {
    operation: 'write reset',
    doing: `resetting ${address}`,
    timeoutHint: 'The device does not come back from its reset: look at the kernel log.',
  });
}

async function writeMethods(
  files: FileTree,
  address: PciAddress,
  methods: string,
  timeoutMs: number,
): Promise<void> {
  await writeAttribute(files, `${devicePath(address)}/reset_method`, methods, timeoutMs, {
    operation: 'write reset_method',
    doing: `choosing how ${address} is reset`,
  });
}
