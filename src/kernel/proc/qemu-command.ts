// Owns what a QEMU command line says: the VM's name and the host devices that it was given.
// Pure, and the arguments can be anything: other programs' are given too.

import type { PciAddress } from '../../base/identifiers.ts';
import { parsePciAddress } from '../../base/identifiers.ts';

/**
 * Name of the VM that a QEMU process runs (qemu(1), `-name`), undefined when the arguments name none. libvirt writes
 * `-name guest=web-1,debug-threads=on`; by hand it is often `-name web-1`. The last one counts, as in QEMU.
 */
export function vmNameOf(commandLine: readonly string[]): string | undefined {
  const options = optionsNamed(commandLine, 'name').at(-1);
  const name = options === undefined ? undefined : parseOptions(options, 'guest').get('guest');
  return name === '' ? undefined : name;
}

/**
 * PCI addresses of the host devices that the arguments give to the VM through vfio, in order and once each:
 * `-device vfio-pci,host=0000:01:10.0`, `-device {"driver":"vfio-pci","host":"0000:01:10.0"}`, `sysfsdev=` of a device's
 * folder. Devices plugged in later are not among them; who has the vfio node open is in vfio-users.ts.
 */
export function vfioHostAddressesOf(commandLine: readonly string[]): readonly PciAddress[] {
  const found = new Set<PciAddress>();
  for (const text of optionsNamed(commandLine, 'device')) {
    const options = text.startsWith('{') ? parseJsonOptions(text) : parseOptions(text, 'driver');
    if (options.get('driver')?.startsWith('vfio-pci') !== true) continue;
    const sysfsDevice = options.get('sysfsdev');
    const named = options.get('host') ?? sysfsDevice?.slice(sysfsDevice.lastIndexOf('/') + 1);
    const address = named === undefined ? undefined : parsePciAddress(named);
    if (address !== undefined) found.add(address);
  }
  return [...found];
}

/** Values of an option; QEMU takes one dash or two. */
function optionsNamed(commandLine: readonly string[], name: string): readonly string[] {
  const values: string[] = [];
  // The first argument is the program.
  for (let index = 1; index < commandLine.length - 1; index++) {
    const argument = commandLine[index];
    if (argument !== `-${name}` && argument !== `--${name}`) continue;
    index += 1;
    values.push(commandLine[index] ?? '');
  }
  return values;
}

/** `first,key=value,…`: the first one may leave out its key; a comma in a value is written twice. */
function parseOptions(text: string, firstKey: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  const parts = text.match(/(?:[^,]|,,)+/g) ?? [];
  parts.forEach((part, index) => {
    const equals = part.indexOf('=');
    const isBare = equals < 0;
    if (isBare && index > 0) return;
    const key = isBare ? firstKey : part.slice(0, equals);
    options.set(key, part.slice(equals + 1).replaceAll(',,', ','));
  });
  return options;
}

function parseJsonOptions(text: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return options;
  }
  if (typeof parsed !== 'object' || parsed === null) return options;
  for (const [key, value] of Object.entries(parsed)) {
    if (typeof value === 'string') options.set(key, value);
  }
  return options;
}
