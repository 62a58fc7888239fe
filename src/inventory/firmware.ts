// Owns what the snapshot says of a server's firmware: its maker, its ACPI tables, secure boot, the TPM.

import { present } from '../base/present.ts';
import { parseDmar } from '../kernel/acpi/dmar.ts';
import { parseIvrs } from '../kernel/acpi/ivrs.ts';
import { listAcpiTables, readAcpiTable } from '../kernel/acpi/table-files.ts';
import type { FileTree } from '../kernel/kernel.ts';
import { readDmi, readSecureBoot, readUefi } from '../kernel/sysfs/firmware.ts';
import { readTpm } from '../kernel/sysfs/tpm.ts';
import type { Dmar, Firmware, Ivrs } from '../model/platform.ts';
import type { UnreadFacts } from './unread-facts.ts';

/** Reads the firmware's facts. A table that is not there is absent; one that only root may read is in `unread`. */
export function readFirmware(files: FileTree, unread: UnreadFacts): Firmware {
  const uefi = readUefi(files);
  if (uefi === undefined)
    unread.add(
      'platform.firmware.uefi',
      'how firmware started the kernel',
      'the kernel shows no /sys/firmware',
    );
  const acpiTables = listAcpiTables(files);
  if (acpiTables === undefined)
    unread.add('platform.firmware.acpiTables', 'the ACPI tables', 'the kernel does not list them');
  const tpm = readTpm(files);
  return present({
    ...readDmi(files),
    uefi: uefi === true,
    acpiTables: acpiTables === undefined ? undefined : [...acpiTables],
    dmar: acpiTables?.includes('DMAR') === true ? readDmar(files, unread) : undefined,
    ivrs: acpiTables?.includes('IVRS') === true ? readIvrs(files, unread) : undefined,
    secureBoot:
      uefi === true
        ? unread.take('platform.firmware.secureBoot', 'the UEFI variable SecureBoot', readSecureBoot(files))
        : undefined,
    tpm:
      tpm === undefined
        ? undefined
        : present({ majorVersion: tpm.majorVersion, pcrBanks: [...tpm.pcrBanks] }),
  });
}

function readDmar(files: FileTree, unread: UnreadFacts): Dmar | undefined {
  const [fact, what] = ['platform.firmware.dmar', 'the ACPI table DMAR'];
  const bytes = unread.take(fact, what, readAcpiTable(files, 'DMAR'));
  const table = bytes === undefined ? undefined : unread.attempt(fact, what, () => parseDmar(bytes));
  if (table === undefined) return undefined;
  const { units, ...flags } = table;
  return { ...flags, unitCount: units.length };
}

function readIvrs(files: FileTree, unread: UnreadFacts): Ivrs | undefined {
  const [fact, what] = ['platform.firmware.ivrs', 'the ACPI table IVRS'];
  const bytes = unread.take(fact, what, readAcpiTable(files, 'IVRS'));
  const table = bytes === undefined ? undefined : unread.attempt(fact, what, () => parseIvrs(bytes));
  return table === undefined ? undefined : { unitCount: table.units.length };
}
