// Owns the records of VFs that could not be given back clean: beside the lease, `leases/ADDRESS@INDEX.quarantine`.
// A record says why; it is the lease that keeps the VF from others.

import { join } from 'node:path';
import { VfleetError, messageOf } from '../base/errors.ts';
import { Quarantine } from '../model/lease.ts';
import type { VfKey } from '../model/lease.ts';
import { leaseFolder } from './file-leases.ts';
import { listNames, readRecord, removeRecord, replaceRecord } from './record-file.ts';
import { parseVfFileName, vfFileName } from './vf-file-name.ts';

const ending = '.quarantine';

function pathOf(stateFolder: string, key: VfKey): string {
  return join(leaseFolder(stateFolder), `${vfFileName(key)}${ending}`);
}

/** Puts a VF into quarantine, or says anew why it is. Synced when the call comes back. */
export function writeQuarantine(stateFolder: string, quarantine: Quarantine): void {
  replaceRecord(pathOf(stateFolder, quarantine.key), `${JSON.stringify(Quarantine.parse(quarantine))}\n`);
}

/** Undefined when the VF is in none. Throws `lease.corrupt`. */
export function readQuarantine(stateFolder: string, key: VfKey): Quarantine | undefined {
  const path = pathOf(stateFolder, key);
  const text = readRecord(path);
  if (text === undefined) return undefined;
  try {
    return Quarantine.parse(JSON.parse(text));
  } catch (cause) {
    throw new VfleetError(
      'lease.corrupt',
      `the quarantine in ${path} cannot be understood: ${messageOf(cause)}`,
      {
        details: { file: path },
        cause,
      },
    );
  }
}

/** All VFs in quarantine, by file name. Throws `lease.corrupt`. */
export function listQuarantines(stateFolder: string): readonly Quarantine[] {
  return listNames(leaseFolder(stateFolder)).flatMap((name) => {
    const key = name.endsWith(ending) ? parseVfFileName(name.slice(0, -ending.length)) : undefined;
    return key === undefined ? [] : (readQuarantine(stateFolder, key) ?? []);
  });
}

/** Ends a quarantine. */
export function endQuarantine(stateFolder: string, key: VfKey): void {
  if (readRecord(pathOf(stateFolder, key)) !== undefined) removeRecord(pathOf(stateFolder, key));
}
