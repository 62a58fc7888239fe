// Owns the switch of a PF, `sriov_drivers_autoprobe`, that is on for the moment in which a VF of it gets its usual driver:
// who is killed in that moment leaves it on, and the next one turns it off. Needs the lock `probe`.

import { parsePfAddress } from '../base/identifiers.ts';
import { readBootId } from '../kernel/proc/process-identity.ts';
import { readDriversAutoprobe } from '../kernel/sysfs/sriov.ts';
import { writeDriversAutoprobe } from '../kernel/sysfs/sriov-change.ts';
import { readProbeRecord, removeProbeRecord, writeProbeRecord } from '../lease/probe-record.ts';
import type { AssigningHost } from './assigning-host.ts';

/** Does the work, which may turn on the switch of a PF for a while, so that it is turned off whatever happens. */
export async function keepProbeSwitch(
  host: AssigningHost,
  pf: string,
  work: () => Promise<void>,
): Promise<void> {
  const { session, stateFolder } = host;
  await restoreProbeSwitch(host);
  if (!isOff(host, pf)) return work();
  writeProbeRecord(stateFolder, { pf, bootId: readBootId(session.files) ?? '' });
  try {
    await work();
  } finally {
    if (isOff(host, pf)) removeProbeRecord(stateFolder);
  }
}

/** Turns off what somebody left on. Throws `kernel.refused`, `kernel.timeout`; the next one tries again then. */
export async function restoreProbeSwitch({ session, stateFolder, timeouts }: AssigningHost): Promise<void> {
  const record = readProbeRecord(stateFolder);
  if (record === undefined) return;
  const { files } = session;
  const pf = record === 'unknown' ? undefined : parsePfAddress(record.pf);
  const isOfThisBoot = record !== 'unknown' && record.bootId === (readBootId(files) ?? '');
  if (pf !== undefined && isOfThisBoot && readDriversAutoprobe(files, pf) === true)
    await writeDriversAutoprobe(files, pf, false, timeouts.driverMs);
  removeProbeRecord(stateFolder);
}

function isOff({ session }: AssigningHost, text: string): boolean {
  const pf = parsePfAddress(text);
  return pf !== undefined && readDriversAutoprobe(session.files, pf) === false;
}
