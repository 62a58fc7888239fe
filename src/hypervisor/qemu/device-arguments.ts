// Owns how a VF is named to QEMU: the id of its device, and the arguments that give it to a machine that is started.
// Pure. The VF has its MAC address already; QEMU's arguments have no place for one.

import type { PciAddress } from '../../base/identifiers.ts';

export interface VfDevice {
  /** PCI address of the VF on the host. */
  readonly hostAddress: PciAddress;
  /** PCI bus of the machine, for example the id of a pcie-root-port; absent: QEMU's first bus with room. */
  readonly bus?: string | undefined;
}

/** The arguments for a QEMU that is to be started. */
export interface DeviceArguments {
  /** For execve(2): each element is one argument. */
  readonly list: readonly string[];
  /** For a shell: one line that is read as just these arguments. */
  readonly line: string;
}

/** Id of a VF's device in QEMU, by which it is found again. Well-formed for any address (QEMU, util/id.c). */
export function deviceIdOf(hostAddress: PciAddress): string {
  return `vfleet-${hostAddress.replaceAll(/[:.]/g, '-')}`;
}

/** The `-device` arguments of a VF. */
export function renderDeviceArguments(device: VfDevice): DeviceArguments {
  const properties = [
    ['host', device.hostAddress],
    ['id', deviceIdOf(device.hostAddress)],
    ...(device.bus === undefined ? [] : [['bus', device.bus]]),
  ];
  const text = ['vfio-pci', ...properties.map(([name, value = '']) => `${name}=${doubleCommas(value)}`)];
  const list = ['-device', text.join(',')];
  return { list, line: list.map(quoteForShell).join(' ') };
}

/** A comma in a value is written twice (qemu(1), QEMU's util/keyval.c and util/qemu-option.c). */
function doubleCommas(value: string): string {
  return value.replaceAll(',', ',,');
}

/**
 * A word that a POSIX shell reads as just this text. Words that need no quotes get none: then the line also serves where
 * the shell splits it into words without looking at quotes, as in `qemu … $(vfleet …)`.
 */
export function quoteForShell(word: string): string {
  if (/^[A-Za-z0-9_./:=,@%+-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
