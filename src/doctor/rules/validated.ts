// Owns the rule about the organisation's own list of validated hardware.

import type { Finding } from '../../model/finding.ts';
import { facts as listFacts } from '../../validated/comparison.ts';
import type { Difference } from '../../validated/comparison.ts';
import { matchHost } from '../../validated/match.ts';
import type { ListWithLines, PfValidation, Verdict } from '../../validated/match.ts';
import type { DoctorInput } from '../doctor-input.ts';
import { evidence } from '../doctor-input.ts';
import type { FindingId } from '../finding-kinds/table.ts';
import { makeFinding } from '../finding.ts';
import { someOf } from '../wording.ts';

const ids: Readonly<Record<Verdict, FindingId>> = {
  validated: 'validated.listed',
  differs: 'validated.differs',
  unknown: 'validated.undecided',
  unlisted: 'validated.unlisted',
};

/** One finding for each card. Devices that are not on the PCI bus are no hardware. */
export function checkValidated(input: DoctorInput, list: ListWithLines): Finding[] {
  const pfs = new Map(input.snapshot.pfs.map((pf) => [pf.address, pf]));
  return matchHost(list, input.snapshot).flatMap((validation) => {
    const { address, verdict, differences, unknown } = validation;
    const pf = pfs.get(address);
    if (pf?.vendorId === undefined) return [];
    const told = verdict === 'differs' ? differences : verdict === 'unknown' ? unknown : [];
    const [first] = unknown;
    return [
      makeFinding(ids[verdict], input.placeOf(pf), {
        summary: summaryOf(validation, pf.deviceId === undefined ? '' : ` ${pf.vendorId}:${pf.deviceId}`),
        evidence: told.map(({ key, found }) => evidence(pathOf(key, address), found)),
        reason: verdict === 'unknown' ? (first?.why ?? 'not in the snapshot') : undefined,
      }),
    ];
  });
}

/** Path in the snapshot of what a key of the list is about. */
function pathOf(key: string, address: string): string {
  const path = listFacts.find((fact) => fact.key === key)?.path ?? key;
  return path.replace('PF', () => address);
}

function summaryOf({ verdict, entry, differences, unknown }: PfValidation, id: string): string {
  const name = entry === undefined ? 'the list' : `entry ${entry.name ?? entry.number} (line ${entry.line})`;
  switch (verdict) {
    case 'validated':
      return `covered by ${name}`;
    case 'unlisted':
      return `no entry is about the card${id}`;
    case 'differs':
      return `differs from ${name}: ${someOf(differences.map(differenceText))}`;
    case 'unknown':
      return `not known, and asked for by ${name}: ${someOf(unknown.map(({ key, wanted }) => `${key} ${wanted}`))}`;
  }
}

function differenceText({ key, wanted, found }: Difference): string {
  return `${key} is ${found ?? 'unknown'}, validated is ${wanted}`;
}
