// Owns the counters of PCIe errors that the kernel keeps for a device.

import type { PciAddress } from '../../base/identifiers.ts';
import { parseInteger, readLines } from '../file-text.ts';
import type { FileTree } from '../kernel.ts';
import { devicePath } from './device.ts';

/** Errors since boot; undefined where the kernel keeps none (no AER, or it is the firmware's). */
export interface AerTotals {
  readonly correctable: number | undefined;
  readonly fatal: number | undefined;
  readonly nonFatal: number | undefined;
}

/** The TOTAL_ERR_* lines of `aer_dev_*` (Documentation/ABI/testing/sysfs-bus-pci-devices-aer_stats). */
export function readAerTotals(files: FileTree, address: PciAddress): AerTotals {
  return {
    correctable: readTotal(files, address, 'aer_dev_correctable', 'TOTAL_ERR_COR'),
    fatal: readTotal(files, address, 'aer_dev_fatal', 'TOTAL_ERR_FATAL'),
    nonFatal: readTotal(files, address, 'aer_dev_nonfatal', 'TOTAL_ERR_NONFATAL'),
  };
}

function readTotal(files: FileTree, address: PciAddress, file: string, key: string): number | undefined {
  const prefix = `${key} `;
  const line = readLines(files, `${devicePath(address)}/${file}`).find((each) => each.startsWith(prefix));
  return parseInteger(line?.slice(prefix.length).trim());
}
