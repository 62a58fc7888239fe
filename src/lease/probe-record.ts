// Owns the record of a PF whose driver switch is on only while a VF of it gets its usual driver, `leases/probe.pending`.
// Needs the lock `probe`, so there is one at most.

import { join } from 'node:path';
import { z } from 'zod';
import { leaseFolder } from './file-leases.ts';
import { readRecord, removeRecord, replaceRecord } from './record-file.ts';

/** Its name in the folder of leases. */
export const probeRecordName = 'probe.pending';

/** `bootId`: at boot the kernel sets the switch anew. */
const ProbeRecord = z.strictObject({ pf: z.string(), bootId: z.string() });
export type ProbeRecord = z.infer<typeof ProbeRecord>;

/** Synced when the call comes back. */
export function writeProbeRecord(stateFolder: string, record: ProbeRecord): void {
  replaceRecord(pathOf(stateFolder), `${JSON.stringify(record)}\n`);
}

/** Undefined: there is none. `unknown`: nobody can say of which PF it is. */
export function readProbeRecord(stateFolder: string): ProbeRecord | 'unknown' | undefined {
  try {
    const text = readRecord(pathOf(stateFolder));
    return text === undefined ? undefined : ProbeRecord.parse(JSON.parse(text));
  } catch {
    return 'unknown';
  }
}

export function removeProbeRecord(stateFolder: string): void {
  removeRecord(pathOf(stateFolder));
}

function pathOf(stateFolder: string): string {
  return join(leaseFolder(stateFolder), probeRecordName);
}
