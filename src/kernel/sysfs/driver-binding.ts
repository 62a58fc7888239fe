// Owns which driver a PCI device has: taking it away and giving it one, each verified by the driver link.
// Never writes new_id, which would hand every device of that ID to the driver. Loads no module.

import { VfleetError } from '../../base/errors.ts';
import type { ErrorDetails } from '../../base/errors.ts';
import type { PciAddress } from '../../base/identifiers.ts';
import { suggestWord } from '../../base/suggestion.ts';
import { hintFor } from '../errno-hints.ts';
import type { FileTree } from '../kernel.ts';
import type { WriteContext } from './attribute-write.ts';
import { writeAttribute } from './attribute-write.ts';
import { devicePath, isDevicePresent, readDriver } from './device.ts';
import { readDriverOverride, readPhysfn } from './pci-device.ts';
import { readDriversAutoprobe } from './sriov.ts';
import { writeDriversAutoprobe } from './sriov-change.ts';

/** In place of a driver's name: whatever the kernel finds for the device by its IDs. */
export const usualDriverChoice = 'usual';

// A driver's name is a folder of /sys/bus/pci/drivers: no slash, and not the folder itself or the one above.
const driverName = /^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}$/;
const driversPath = '/sys/bus/pci/drivers';
/** Suggested also while its module is not loaded: `vfio`, as others call it, is a module too, and no driver. */
const vfioPci = 'vfio-pci';

/**
 * Takes the driver from a device and verifies that it is gone. Answers its name, undefined when there was none.
 * The write waits until a vfio user lets the device go. Throws `kernel.refused`, `kernel.absent`, `kernel.timeout`,
 * and `verify.mismatch` when a driver is bound all the same.
 */
export async function unbindDriver(
  files: FileTree,
  address: PciAddress,
  timeoutMs: number,
): Promise<string | undefined> {
  checkPresent(files, address);
  const driver = readDriver(files, address);
  if (driver === undefined) return undefined;
  await writeAttribute(files, `${driversPath}/${driver}/unbind`, address, timeoutMs, {
    operation: 'write unbind',
    doing: `taking driver ${driver} from ${address}`,
    driver,
    timeoutHint: driver.includes('vfio')
      ? 'A process holds the device open through vfio: the kernel waits until it lets go.'
      : 'The driver does not let go of the device: look at the kernel log.',
  });
  const left = readDriver(files, address);
  if (left === undefined) return driver;
  throw new VfleetError(
    'verify.mismatch',
    `${address} still has driver ${left} after ${driver} was unbound`,
    {
      details: { operation: 'write unbind', driver: left },
    },
  );
}

/**
 * Gives a device without a driver the named one, or with `usual` the one that the kernel finds for it, verifies the
 * driver link and answers the driver's name. Nothing is written when the named driver is bound already. The device is
 * left without a driver override, whatever happens.
 *
 * Named: `driver_override`, then `drivers_probe`, which alone reaches a VF whose PF has sriov_drivers_autoprobe off
 * (drivers/pci/pci-driver.c pci_device_can_probe). Usual: where that switch is off, it is on for the time of the probe;
 * so bind the VFs of one PF one after another.
 *
 * Throws `kernel.absent` when the device or the driver is not there (hint: modprobe); `kernel.refused` with EBUSY when
 * another driver is bound, and with the probe's errno when the driver does not take the device; `kernel.timeout`.
 */
export async function bindDriver(
  files: FileTree,
  address: PciAddress,
  choice: string,
  timeoutMs: number,
): Promise<string> {
  checkPresent(files, address);
  const bound = readDriver(files, address);
  if (bound !== undefined && bound === choice) return bound;
  if (bound !== undefined) throw refusal(address, 'EBUSY', `it has driver ${bound}`, { driver: bound });
  return choice === usualDriverChoice
    ? bindUsual(files, address, timeoutMs)
    : bindNamed(files, address, choice, timeoutMs);
}

async function bindNamed(
  files: FileTree,
  address: PciAddress,
  driver: string,
  timeoutMs: number,
): Promise<string> {
  if (!driverName.test(driver) || files.identity(`${driversPath}/${driver}`) === undefined) {
    const near = suggestWord(driver, [vfioPci, ...files.list(driversPath)]);
    const meant = near === undefined ? 'Its' : `Did you mean ${near}? Otherwise its`;
    throw new VfleetError('kernel.absent', `there is no PCI driver ${driver} for ${address}`, {
      hint: `${meant} module is not loaded: modprobe ${driver}`,
      details: { operation: 'write driver_override', driver },
    });
  }
  await writeOverride(files, address, driver, timeoutMs);
  let failure: unknown;
  try {
    await probeNamed(files, address, driver, timeoutMs);
  } catch (error) {
    failure = error;
  }
  try {
    await writeOverride(files, address, undefined, timeoutMs);
  } catch (error) {
    // The first failure explains the second one.
    failure ??= error;
  }
  if (failure !== undefined) throw failure;
  return driver;
}

async function probeNamed(
  files: FileTree,
  address: PciAddress,
  driver: string,
  timeoutMs: number,
): Promise<void> {
  const context = probeContext(address, `binding ${address} to ${driver}`, { driver });
  await writeAttribute(files, '/sys/bus/pci/drivers_probe', address, timeoutMs, context);
  if (readDriver(files, address) === driver) return;
  // drivers_probe keeps a driver's refusal to itself; the driver's own bind file tells it (drivers/base/bus.c).
  await writeAttribute(files, `${driversPath}/${driver}/bind`, address, timeoutMs, {
    ...context,
    operation: 'write bind',
  });
  const bound = readDriver(files, address);
  if (bound !== driver) throw refusal(address, 'ENODEV', 'no driver took it', { driver });
}

async function bindUsual(files: FileTree, address: PciAddress, timeoutMs: number): Promise<string> {
  await writeOverride(files, address, undefined, timeoutMs);
  const pf = readPhysfn(files, address);
  const isAutoprobeOff = pf !== undefined && readDriversAutoprobe(files, pf) === false;
  if (isAutoprobeOff) await writeDriversAutoprobe(files, pf, true, timeoutMs);
  try {
    const context = probeContext(address, `finding a driver for ${address}`, {});
    await writeAttribute(files, '/sys/bus/pci/drivers_probe', address, timeoutMs, context);
  } finally {
    if (isAutoprobeOff) await writeDriversAutoprobe(files, pf, false, timeoutMs);
  }
  const bound = readDriver(files, address);
  if (bound === undefined) throw refusal(address, 'ENODEV', 'no driver took it', {});
  return bound;
}

/** Leaves any driver free to bind a device. Writes only where an override is set. Throws `kernel.refused`, `kernel.timeout`. */
export async function clearDriverOverride(
  files: FileTree,
  address: PciAddress,
  timeoutMs: number,
): Promise<void> {
  if ((await readDriverOverride(files, address, timeoutMs)) !== undefined)
    await writeOverride(files, address, undefined, timeoutMs);
}

async function writeOverride(
  files: FileTree,
  address: PciAddress,
  driver: string | undefined,
  timeoutMs: number,
): Promise<void> {
  // A line feed clears it (drivers/base/driver.c driver_set_override); nothing cannot be written.
  await writeAttribute(files, `${devicePath(address)}/driver_override`, driver ?? '\n', timeoutMs, {
    operation: 'write driver_override',
    doing: `${driver === undefined ? 'clearing' : 'setting'} the driver override of ${address}`,
    ...(driver === undefined ? {} : { driver }),
  });
}

function probeContext(address: PciAddress, doing: string, details: ErrorDetails): WriteContext {
  return {
    operation: 'write drivers_probe',
    doing,
    ...details,
    timeoutHint: `The driver hangs in its probe of ${address}: look at the kernel log.`,
  };
}

function checkPresent(files: FileTree, address: PciAddress): void {
  if (isDevicePresent(files, address)) return;
  throw new VfleetError('kernel.absent', `there is no PCI device ${address}`);
}

function refusal(address: PciAddress, errno: string, why: string, details: ErrorDetails): VfleetError {
  const operation = 'write bind';
  return new VfleetError('kernel.refused', `${address} cannot be bound: ${why}`, {
    hint: hintFor(operation, errno, details.driver),
    details: { ...details, operation, errno },
  });
}
