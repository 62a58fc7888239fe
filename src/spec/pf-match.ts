// Owns which PFs of a host a match means, and the explanation when it means none or too many.
// Reads a snapshot only.

import { parsePciAddress, parsePfAddress } from '../base/identifiers.ts';
import type { Pf, PfIdentity } from '../model/pf.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { HostSpec, PfMatch } from '../model/spec.ts';
import type { Vf } from '../model/vf.ts';
import { listed, printable } from './wording.ts';

/** PFs that a message names before it counts the rest. */
const maxNamedPfs = 4;

const criterionLabels: Readonly<Record<keyof PfMatch, string>> = {
  address: 'address',
  name: 'interface',
  id: 'ID',
  driver: 'driver',
  numa: 'NUMA node',
};

/** One condition of a match, and what a PF and a VF have to show for it. */
interface Criterion {
  readonly key: keyof PfMatch;
  readonly wanted: string;
  ofPf(pf: PfIdentity): readonly (string | undefined)[];
  ofVf(vf: Vf): readonly (string | undefined)[];
}

/** The PFs that a match means, as many as expected, or a sentence that says why they are not. */
export function findPfs(
  match: PfMatch,
  expect: number,
  snapshot: Pick<Snapshot, 'pfs'>,
): readonly Pf[] | string {
  const criteria = criteriaOf(match);
  const found = snapshot.pfs.filter((pf) => criteria.every((criterion) => meets(pf, criterion)));
  if (found.length === expect) return found;
  if (found.length === 0) return explainNothing(criteria, snapshot);
  const found_ = `finds ${found.length === 1 ? '1 PF' : `${found.length} PFs`}: ${namesOf(found)}`;
  if (found.length < expect) return `${found_}; expect says ${expect}`;
  return `${found_}; ${expect === 1 ? `say which one, or expect: ${found.length}` : `expect says ${expect}`}`;
}

/** Whether some entry of a spec finds a PF; the others need not be read in full to decide what the spec means. */
export function isNamed(spec: HostSpec, pf: PfIdentity): boolean {
  return spec.pfs.some(({ match }) => criteriaOf(match).every((criterion) => meets(pf, criterion)));
}

/** A PF for people: `0000:01:00.0 (igb, enp1s0f0)`. */
export function describePf(pf: Pf): string {
  const facts = [pf.driver, pf.netdevs[0]?.name].filter((fact) => fact !== undefined);
  return printable(facts.length === 0 ? pf.address : `${pf.address} (${facts.join(', ')})`);
}

function namesOf(pfs: readonly Pf[]): string {
  return listed(pfs.map(describePf), Math.min(pfs.length, maxNamedPfs));
}

/** The conditions of a match, the most telling first. */
function criteriaOf(match: PfMatch): readonly Criterion[] {
  const criteria: Criterion[] = [];
  if (match.address !== undefined) {
    criteria.push({
      key: 'address',
      wanted: parsePfAddress(match.address) ?? match.address,
      ofPf: (pf) => [parsePfAddress(pf.address)],
      ofVf: (vf) => [vf.address === undefined ? undefined : parsePciAddress(vf.address)],
    });
  }
  if (match.name !== undefined) {
    criteria.push({
      key: 'name',
      wanted: match.name,
      ofPf: (pf) => pf.netdevs.map((netdev) => netdev.name),
      ofVf: (vf) => [vf.netdev, vf.representor],
    });
  }
  if (match.id !== undefined) {
    criteria.push({
      key: 'id',
      wanted: match.id.toLowerCase(),
      ofPf: (pf) => [pciIdOf(pf.vendorId, pf.deviceId)],
      ofVf: (vf) => [pciIdOf(vf.vendorId, vf.deviceId)],
    });
  }
  if (match.driver !== undefined) {
    criteria.push({
      key: 'driver',
      wanted: match.driver,
      ofPf: (pf) => [pf.driver],
      ofVf: (vf) => [vf.driver],
    });
  }
  if (match.numa !== undefined) {
    const wanted = String(match.numa);
    criteria.push({ key: 'numa', wanted, ofPf: (pf) => [pf.numaNode?.toString()], ofVf: () => [] });
  }
  return criteria;
}

function meets(pf: PfIdentity, criterion: Criterion): boolean {
  return criterion.ofPf(pf).includes(criterion.wanted);
}

/** `8086:10c9`, whether or not the parts have the `0x` of sysfs. */
function pciIdOf(vendorId: string | undefined, deviceId: string | undefined): string | undefined {
  if (vendorId === undefined || deviceId === undefined) return undefined;
  return `${vendorId.replace(/^0x/i, '')}:${deviceId.replace(/^0x/i, '')}`.toLowerCase();
}

function explainNothing(criteria: readonly Criterion[], snapshot: Pick<Snapshot, 'pfs'>): string {
  for (const criterion of criteria) {
    if (snapshot.pfs.some((pf) => meets(pf, criterion))) continue;
    const meant = vfSentence(criterion, snapshot);
    if (meant !== undefined) return meant;
  }
  if (snapshot.pfs.length === 0) return 'finds no PF; this host has none';
  return explainNearest(criteria, snapshot) ?? `finds no PF; this host has ${namesOf(snapshot.pfs)}`;
}

/** What to say when a PF meets all conditions but one; the most telling conditions come first, and count most. */
function explainNearest(criteria: readonly Criterion[], snapshot: Pick<Snapshot, 'pfs'>): string | undefined {
  if (criteria.length < 2) return undefined;
  for (const unmet of [...criteria].reverse()) {
    const others = criteria.filter((criterion) => criterion !== unmet);
    const pf = snapshot.pfs.find((pf) => others.every((criterion) => meets(pf, criterion)));
    if (pf === undefined) continue;
    const label = criterionLabels[unmet.key];
    const actual = unmet.ofPf(pf).filter((value) => value !== undefined);
    const has = `${label} ${printable(listed(actual))}, not ${printable(unmet.wanted)}`;
    return `finds no PF; ${describePf(pf)} comes nearest and has ${actual.length === 0 ? `no ${label}` : has}`;
  }
  return undefined;
}

/** What to say when a condition that no PF meets is met by a VF. */
function vfSentence(criterion: Criterion, snapshot: Pick<Snapshot, 'pfs'>): string | undefined {
  for (const pf of snapshot.pfs) {
    const vf = pf.vfs.find((vf) => criterion.ofVf(vf).includes(criterion.wanted));
    if (vf === undefined) continue;
    const wanted = printable(criterion.wanted);
    const owner = `VF ${vf.index} of ${printable(pf.address)}`;
    if (criterion.key === 'id') return `finds no PF; ${wanted} is the ID of VFs, such as ${owner}`;
    if (criterion.key === 'driver') return `finds no PF; ${wanted} is the driver of VFs, such as ${owner}`;
    const isRepresentor = criterion.key === 'name' && vf.netdev !== criterion.wanted;
    return `${wanted} is ${isRepresentor ? 'the representor of ' : ''}${owner}`;
  }
  return undefined;
}
