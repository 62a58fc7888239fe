// Owns what /proc/interrupts tells of interrupt remapping.

import type { FileTree } from '../kernel.ts';
import { readText } from '../file-text.ts';

/** Devices' lines come first; on a host with hundreds of CPUs this is still hundreds of them. */
const interruptsMaxBytes = 1024 * 1024;

/** Chips whose interrupts an IOMMU can remap; with it on, all of these names begin with `IR-`. */
const remappable = /^(IR-)?(?:PCI-MSI|IO-APIC)/;

/**
 * Whether device interrupts go through the IOMMU's remapping: every chip of a PCI or IO-APIC interrupt is named `IR-`
 * (drivers/iommu/intel/irq_remapping.c and drivers/iommu/amd/iommu.c name their chips so; kernel/irq/proc.c
 * show_interrupts writes the name behind one count for each CPU). Undefined when there is no such interrupt, as on
 * other architectures, or the file cannot be read.
 */
export function readInterruptRemapping(files: FileTree): boolean | undefined {
  const text = readText(files, '/proc/interrupts', interruptsMaxBytes);
  if (text === undefined) return undefined;
  const [header = '', ...lines] = text.split('\n');
  const cpuCount = header.split(/\s+/).filter((word) => /^CPU[0-9]+$/.test(word)).length;
  let remapped: boolean | undefined;
  for (const line of lines) {
    const chip = line.trim().split(/\s+/, cpuCount + 2)[cpuCount + 1] ?? '';
    const match = remappable.exec(chip);
    if (match === null) continue;
    if (match[1] === undefined) return false;
    remapped = true;
  }
  return remapped;
}
