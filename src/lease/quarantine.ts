// Owns the records of VFs that could not be given back clean: beside the lease, `leases/ADDRESS@INDEX.quarantine`.
// A record says why; it is the lease that keeps the VF from others. One that cannot be read is a quarantine all the same.

import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { Quarantine } from '../model/lease.ts';
import type { VfKey } from '../model/lease.ts';
import { leaseFolder } from './file-leases.ts';
import { listNames, readRecord, removeRecord, replaceRecord } from './record-file.ts';
import { parseVfFileName, vfFileName } from './vf-file-name.ts';
import { describeCorrupt, parseVfRecord } from './vf-record.ts';

const ending = '.quarantine';

function pathOf(stateFolder: string, key: VfKey): string {
  return join(leaseFolder(stateFolder), `${vfFileName(key)}${ending}`);
}

/** Puts a VF into quarantine, or says anew why it is. Synced when the call comes back. */
export function writeQuarantine(stateFolder: string, quarantine: Quarantine): void {
  replaceRecord(pathOf(stateFolder, quarantine.key), `${JSON.stringify(Quarantine.parse(quarantine))}\n`);
}

/**
 * Undefined when the VF is in none. A record that cannot be understood stands under no lease: its generation is empty, and
 * the next recovery looks at the VF and writes it anew, or ends it.
 */
export function readQuarantine(stateFolder: string, key: VfKey): Quarantine | undefined {
  const path = pathOf(stateFolder, key);
  try {
    const text = readRecord(path);
    return text === undefined ? undefined : parseVfRecord(text, Quarantine, key);
  } catch (cause) {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    const since = found.mtime.toISOString();
    return { key, generation: '', why: describeCorrupt('quarantine', path, cause), since };
  }
}

/** All VFs in quarantine, by file name. */
export function listQuarantines(stateFolder: string): readonly Quarantine[] {
  return listNames(leaseFolder(stateFolder)).flatMap((name) => {
    const key = name.endsWith(ending) ? parseVfFileName(name.slice(0, -ending.length)) : undefined;
    return key === undefined ? [] : (readQuarantine(stateFolder, key) ?? []);
  });
}

/** Ends a quarantine. */
export function endQuarantine(stateFolder: string, key: VfKey): void {
  removeRecord(pathOf(stateFolder, key));
}
