// Owns the rule about what could not be read: nothing is judged in its place, and the reason is passed on.

import type { Finding, FindingGroup } from '../../model/finding.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { DoctorInput } from '../doctor-input.ts';
import { evidence } from '../doctor-input.ts';
import { makeFinding } from '../finding.ts';
import { someOf } from '../wording.ts';

type Unread = Snapshot['unread'][number];

/** Findings of severity `unknown`: one for each subject, group and reason. */
export function checkUnread(input: DoctorInput): Finding[] {
  const { snapshot } = input;
  const missing =
    input.platform === undefined
      ? [
          makeFinding('host.platform.unread', input.placeOf(), {
            summary: 'the snapshot has no platform: it was taken by an older vfleet, or of PFs alone',
            evidence: [evidence('platform')],
            reason: 'not in this snapshot: take a new one',
          }),
        ]
      : [];
  const pfs = new Map(snapshot.pfs.map((pf) => [pf.address, pf]));
  const sets = new Map<string, { readonly address: string | undefined; readonly facts: Unread[] }>();
  for (const unread of snapshot.unread) {
    const address = addressIn(unread.fact);
    const key = [address, groupOfFact(unread.fact), unread.why].join('\n');
    const set = sets.get(key) ?? { address, facts: [] };
    set.facts.push(unread);
    sets.set(key, set);
  }
  const unknown = [...sets.values()].flatMap(({ address, facts }) => {
    const [first] = facts;
    if (first === undefined) return [];
    const pf = address === undefined ? undefined : pfs.get(address);
    return [
      makeFinding(`${groupOfFact(first.fact)}.unread`, input.placeOf(pf), {
        summary: `not read: ${someOf(facts.map(({ what }) => what))}: ${first.why}`,
        evidence: facts.slice(0, maxEvidence).map(({ fact, what }) => evidence(fact ?? what)),
        reason: first.why,
      }),
    ];
  });
  return [...missing, ...unknown];
}

/** A host whose every VF lacks a fact would fill pages. */
const maxEvidence = 32;

type ReadGroup = Exclude<FindingGroup, 'validated'>;

/** The group that a fact belongs to; the host's when the path says nothing. */
function groupOfFact(fact: string | undefined): ReadGroup {
  if (fact === undefined) return 'host';
  if (/^platform\.(?:iommu|firmware\.(?:dmar|ivrs|acpiTables))/.test(fact)) return 'iommu';
  if (fact.startsWith('platform.programs.lldp')) return 'network';
  if (!fact.startsWith('pfs')) return 'host';
  if (/\.(?:pcie|acs|aer)/.test(fact)) return 'pcie';
  return /\.(?:lldp|flowControlPriorities)/.test(fact) ? 'network' : 'nic';
}

/** The PF in a fact's path, `pfs.0000:01:00.0.pciePath`: an address holds a dot itself. */
function addressIn(fact: string | undefined): string | undefined {
  return /^pfs\.([^.]+:[^.]+\.[0-7]|[^.]+\/[^.]+)(?:\.|$)/.exec(fact ?? '')?.[1];
}
