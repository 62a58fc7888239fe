// Owns the temperature sensors of a device.

import type { PfAddress } from '../../base/identifiers.ts';
import { readInteger } from '../file-text.ts';
import type { FileTree } from '../kernel.ts';
import { devicePath } from './device.ts';

const millidegreesPerDegree = 1000;

/**
 * Temperature in °C of the device's first sensor that answers, undefined when it has none
 * (Documentation/hwmon/sysfs-interface.rst: `tempN_input`, millidegrees). Some drivers ask their firmware for it, which
 * takes milliseconds: only for whoever wants to see it.
 */
export function readTemperatureCelsius(files: FileTree, address: PfAddress): number | undefined {
  const path = `${devicePath(address)}/hwmon`;
  for (const sensor of files.list(path)) {
    const inputs = files.list(`${path}/${sensor}`).filter((name) => /^temp[0-9]{1,3}_input$/.test(name));
    for (const input of inputs.sort((a, b) => a.length - b.length || (a < b ? -1 : 1))) {
      const millidegrees = readInteger(files, `${path}/${sensor}/${input}`);
      if (millidegrees !== undefined) return millidegrees / millidegreesPerDegree;
    }
  }
  return undefined;
}
