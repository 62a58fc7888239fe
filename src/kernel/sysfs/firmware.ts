// Owns what firmware tells of itself in sysfs: the maker of the machine, UEFI and secure boot, the kernel's lockdown.

import type { Errno, FileTree } from '../kernel.ts';
import { isErrno } from '../kernel.ts';
import { readText } from '../file-text.ts';

/** What DMI says; undefined where firmware says nothing, or only white space. */
export interface DmiFacts {
  readonly vendor: string | undefined;
  readonly product: string | undefined;
  /** Version of the BIOS or UEFI. */
  readonly version: string | undefined;
}

const dmiPath = '/sys/class/dmi/id';
const efiPath = '/sys/firmware/efi';
/** The variable SecureBoot of the EFI global namespace (UEFI 2.10, 3.3). */
const secureBootPath = `${efiPath}/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c`;
const lockdownPath = '/sys/kernel/security/lockdown';

export type LockdownMode = 'none' | 'integrity' | 'confidentiality';
const lockdownModes: ReadonlySet<string> = new Set<LockdownMode>(['none', 'integrity', 'confidentiality']);

/** Maker, product and firmware version (drivers/firmware/dmi-id.c). */
export function readDmi(files: FileTree): DmiFacts {
  return {
    vendor: readName(files, `${dmiPath}/sys_vendor`),
    product: readName(files, `${dmiPath}/product_name`),
    version: readName(files, `${dmiPath}/bios_version`),
  };
}

function readName(files: FileTree, path: string): string | undefined {
  const text = readText(files, path);
  return text === '' ? undefined : text;
}

/** Whether the kernel was started by UEFI; undefined when it shows nothing of its firmware, as in a container. */
export function readUefi(files: FileTree): boolean | undefined {
  const names = files.list('/sys/firmware');
  return names.length === 0 ? undefined : names.includes('efi');
}

/**
 * Whether firmware checked the signature of what it started; the variable's value follows four bytes of attributes
 * (Documentation/filesystems/efivarfs.rst). `ENOENT` where efivarfs is not mounted or the firmware does not know it,
 * `EIO` when the variable is no truth value.
 */
export function readSecureBoot(files: FileTree): boolean | Errno {
  const bytes = files.readBytes(secureBootPath, 64);
  if (isErrno(bytes)) return bytes;
  const value = bytes.length === 5 ? bytes[4] : undefined;
  if (value !== 0 && value !== 1) return { errno: 'EIO' };
  return value === 1;
}

/**
 * The mode that the kernel is locked down to; it stands in brackets (security/lockdown/lockdown.c). `ENOENT` where
 * securityfs is not mounted or the kernel has no lockdown, `EIO` when the file is not understood.
 */
export function readLockdown(files: FileTree): LockdownMode | Errno {
  const bytes = files.readBytes(lockdownPath, 256);
  if (isErrno(bytes)) return bytes;
  const [, mode = ''] = /\[([a-z]+)\]/.exec(Buffer.from(bytes).toString('latin1')) ?? [];
  return lockdownModes.has(mode) ? (mode as LockdownMode) : { errno: 'EIO' };
}

/** Whether securityfs is mounted: without it nobody can say whether the kernel is locked down. */
export function hasSecurityFiles(files: FileTree): boolean {
  return files.list('/sys/kernel/security').length > 0;
}
