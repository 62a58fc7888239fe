// Owns the facts of the whole host that are files: its names and its kernel.

import { readText } from '../file-text.ts';
import type { FileTree } from '../kernel.ts';

/** Who the host is and what it runs. */
export interface HostFacts {
  /** Undefined when none is set (the kernel says `(none)`). */
  readonly name: string | undefined;
  readonly kernelRelease: string | undefined;
  /** Changes with each boot. */
  readonly bootId: string | undefined;
  /** Stable over reboots; undefined when the machine has none (machine-id(5)). */
  readonly machineId: string | undefined;
}

/** Names and versions of the host (Documentation/admin-guide/sysctl/kernel.rst). */
export function readHostFacts(files: FileTree): HostFacts {
  const name = readText(files, '/proc/sys/kernel/hostname');
  const machineId = readText(files, '/etc/machine-id');
  return {
    name: name === '(none)' ? undefined : name,
    kernelRelease: readText(files, '/proc/sys/kernel/osrelease'),
    bootId: readText(files, '/proc/sys/kernel/random/boot_id'),
    machineId: machineId !== undefined && /^[0-9a-f]{32}$/.test(machineId) ? machineId : undefined,
  };
}
