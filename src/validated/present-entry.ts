// Owns the entry that a PF and its host would have on a validated hardware list: what is there now, exactly.
// Knows no file.

import type { Pf } from '../model/pf.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { ValidatedEntry } from '../model/validated-list.ts';
import { compareWithEntry, factText, facts, whyUnknown } from './comparison.ts';

/** A fact that an entry could not be given. */
export interface OmittedFact {
  /** Key in the entry. */
  readonly key: string;
  readonly why?: string;
}

/** An entry, and what it should say and does not, because the snapshot does not know it. */
export interface PresentEntry {
  readonly entry: ValidatedEntry;
  readonly omitted: readonly OmittedFact[];
}

/**
 * The entry for a PF as it is now. Undefined: the PF is no PCI device, so there is no card to name.
 * The version of a driver is left out where it is the kernel's, so that a new kernel is one difference and not two.
 */
export function presentEntryOf(pf: Pf, snapshot: Snapshot): PresentEntry | undefined {
  const { vendorId, deviceId } = pf;
  if (vendorId === undefined || deviceId === undefined) return undefined;
  const kernelRelease = factText(snapshot.host.kernelRelease);
  const omitted: OmittedFact[] = [];
  const value: Record<string, string | Record<string, string>> = {};
  for (const fact of facts) {
    const text = factText(fact.found(pf, snapshot));
    if (fact.key === 'driver.version' && (text === undefined || text === kernelRelease)) continue;
    if (text === undefined || !isWritable(fact.key, text, pf, snapshot)) {
      const why =
        text === undefined
          ? whyUnknown(
              fact.path.replace('PF', () => pf.address),
              snapshot,
            )
          : 'not readable as a version';
      if (why !== 'not installed') omitted.push({ key: fact.key, ...(why === undefined ? {} : { why }) });
    } else setValue(value, fact.key, text);
  }
  // A version of a driver without its name means nothing.
  const driver = value['driver'];
  if (typeof driver === 'object' && driver['name'] === undefined) delete value['driver'];
  const note = `recorded on ${snapshot.host.name}, ${snapshot.takenAt.slice(0, 'yyyy-mm-dd'.length)}`;
  return { entry: ValidatedEntry.parse({ ...value, note: note.slice(0, 200) }), omitted };
}

/** Whether an entry with this value alone would be right, and would take the fact that it was made from. */
function isWritable(key: string, text: string, pf: Pf, snapshot: Snapshot): boolean {
  const value: Record<string, string | Record<string, string>> = {
    nic: { id: `${pf.vendorId}:${pf.deviceId}` },
  };
  if (key === 'driver.version') setValue(value, 'driver.name', pf.driver ?? '');
  setValue(value, key, text);
  const parsed = ValidatedEntry.safeParse(value);
  if (!parsed.success) return false;
  return compareWithEntry(parsed.data, pf, snapshot).differences.length === 0;
}

function setValue(value: Record<string, string | Record<string, string>>, key: string, text: string): void {
  const [parent = '', child] = key.split('.');
  const inner = value[parent];
  value[parent] = child === undefined ? text : { ...(typeof inner === 'object' ? inner : {}), [child]: text };
}
