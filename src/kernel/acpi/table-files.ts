// Owns the ACPI tables as files: which there are, and the bytes of one.

import type { Errno, FileTree } from '../kernel.ts';

const tablesPath = '/sys/firmware/acpi/tables';
/** A DMAR of a server with eight sockets has a few KiB. */
const tableMaxBytes = 1024 * 1024;

/**
 * Names of the ACPI tables, sorted: `DMAR`, `SSDT1`; undefined when the kernel does not list them, as in a container
 * or without ACPI (Documentation/ABI/testing/sysfs-firmware-acpi).
 */
export function listAcpiTables(files: FileTree): readonly string[] | undefined {
  // Tables that came later lie in `dynamic`, and `data` has what tables point to.
  const names = files.list(tablesPath).filter((name) => /^[A-Z0-9_!@-]{4}[0-9]{0,4}$/.test(name));
  return names.length === 0 ? undefined : names;
}

/** Bytes of a table of the list. Only root may read them (drivers/acpi/sysfs.c, mode 0400): `EACCES` otherwise. */
export function readAcpiTable(files: FileTree, name: 'DMAR' | 'IVRS'): Uint8Array | Errno {
  return files.readBytes(`${tablesPath}/${name}`, tableMaxBytes);
}
