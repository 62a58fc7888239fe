// Owns what a simulated host shows of its firmware: /sys/firmware, DMI, the TPM, the kernel's lockdown.

import { iommuTableOf } from '../acpi-tables.ts';
import type { SimHost } from '../host.ts';
import { platformOf } from '../platform.ts';
import type { FileNode, FolderNode, TreeNode } from './node.ts';
import { folderOf, line } from './node.ts';

/** Tables that every server has; nobody asks for their bytes. */
const commonTables = ['APIC', 'BERT', 'DSDT', 'FACP', 'HPET', 'MCFG', 'SRAT', 'SSDT1'];
const secureBootName = 'SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c';
const lockdownModes = ['none', 'integrity', 'confidentiality'] as const;

/** /sys/firmware. */
export function firmwareFolder(host: SimHost): FolderNode {
  const { uefi, secureBoot } = platformOf(host.profile);
  const table = iommuTableOf(host.profile);
  const tables = Object.fromEntries(commonTables.map((name) => [name, rootFile(host, new Uint8Array(36))]));
  const known = table === undefined ? tables : { ...tables, [table.name]: rootFile(host, table.bytes) };
  // Four bytes of attributes, then the value.
  const variable: FileNode = { kind: 'file', read: () => Uint8Array.of(6, 0, 0, 0, secureBoot ? 1 : 0) };
  return folderOf({
    acpi: folderOf({ tables: folderOf({ ...known, data: folderOf({}), dynamic: folderOf({}) }) }),
    ...(uefi ? { efi: folderOf({ efivars: folderOf({ [secureBootName]: variable }) }) } : {}),
  });
}

/** A file of mode 0400. */
function rootFile(host: SimHost, bytes: Uint8Array): FileNode {
  return {
    kind: 'file',
    read: () => (host.hasCapability('CAP_DAC_OVERRIDE') ? bytes : { errno: 'EACCES' }),
  };
}

/** Folders of /sys/class. */
export function firmwareClasses({ profile }: SimHost): Readonly<Record<string, TreeNode>> {
  const { dmi, tpm } = platformOf(profile);
  const banks = (tpm?.pcrBanks ?? []).map((bank) => [`pcr-${bank}`, folderOf({})] as const);
  const version = { tpm_version_major: line(tpm?.majorVersion ?? 0) };
  return {
    ...(dmi === undefined
      ? {}
      : {
          dmi: folderOf({
            id: folderOf({
              sys_vendor: line(dmi.vendor),
              product_name: line(dmi.product),
              bios_version: line(dmi.version),
            }),
          }),
        }),
    tpm: folderOf(tpm === undefined ? {} : { tpm0: folderOf({ ...version, ...Object.fromEntries(banks) }) }),
  };
}

/** /sys/kernel/security. */
export function securityFolder({ profile }: SimHost): FolderNode {
  const { lockdown } = platformOf(profile);
  const modes = lockdownModes.map((mode) => (mode === lockdown ? `[${mode}]` : mode));
  return folderOf({ lockdown: line(modes.join(' ')), lsm: line('lockdown,capability,apparmor') });
}
