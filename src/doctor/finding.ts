// Owns how a finding is made of its kind and of what was read: texts are filled in for the host and the PF at hand.
// Judges nothing.

import { present } from '../base/present.ts';
import type { Evidence, Finding, FindingGroup } from '../model/finding.ts';
import type { Pf } from '../model/pf.ts';
import type { FindingId } from './finding-kinds/table.ts';
import { findingKinds } from './finding-kinds/table.ts';
import { nameSetupEntry, setupEntryNames } from './firmware-setup.ts';
import type { FindingKind } from './finding-kind.ts';

/** What the texts of a kind are filled in with. */
export interface FindingPlace {
  /** Vendor of the server, by DMI. */
  readonly serverVendor?: string | undefined;
  readonly pf?: Pf | undefined;
  /** The command that switches SR-IOV on in the card's own firmware, where the catalogue knows it. */
  readonly enableSriov?: string | undefined;
}

export interface FindingFacts {
  /** One line: what was read, with its values. */
  readonly summary: string;
  readonly evidence: readonly Evidence[];
  /** In place of the kind's own text, when it can be said more precisely. */
  readonly todo?: string | undefined;
  /** Of `unknown`: why it could not be read. */
  readonly reason?: string | undefined;
}

/** Subject of findings that are about the server and not about one card. */
export const hostSubject = 'host';

/** The finding of a kind. */
export function makeFinding(id: FindingId, place: FindingPlace, facts: FindingFacts): Finding {
  const kind: FindingKind = findingKinds[id];
  const todo = facts.todo ?? kind.todo;
  return present({
    id,
    severity: kind.severity,
    group: groupOf(id),
    subject: place.pf?.address ?? hostSubject,
    summary: facts.summary,
    why: fillIn(kind.why, place),
    todo: todo === undefined ? undefined : fillIn(todo, place),
    reason: facts.reason,
    evidence: facts.evidence.map((each) => ({ ...each })),
  });
}

/** The group that an id begins with. */
export function groupOf(id: FindingId): FindingGroup {
  return id.slice(0, id.indexOf('.')) as FindingGroup;
}

const unknownEnableSriov =
  'set it with the vendor’s tool (NVIDIA: `mstconfig -d ADDRESS set SRIOV_EN=1 NUM_OF_VFS=N`; Broadcom: `niccli`; ' +
  'AMD Solarflare: `sfboot`), or in {device}, then restart the server';

/** Puts names of entries, the PF's address and its interface into a text of a kind. */
export function fillIn(text: string, place: FindingPlace): string {
  const [uplink] = place.pf?.netdevs ?? [];
  let filled = text.replace('{enable-sriov}', place.enableSriov ?? unknownEnableSriov);
  for (const name of setupEntryNames) {
    // replace() with a function: a text with $ in it stays as it is.
    if (filled.includes(`{${name}}`))
      filled = filled.replaceAll(`{${name}}`, () => nameSetupEntry(name, place.serverVendor));
  }
  if (place.pf !== undefined) filled = filled.replaceAll('ADDRESS', place.pf.address);
  if (uplink !== undefined) filled = filled.replaceAll('NETDEV', () => uplink.name);
  return filled;
}
