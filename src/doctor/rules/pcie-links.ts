// Owns the rules about links between a card and the root: how they run, what they carry, who shares them.

import type { Evidence, Finding } from '../../model/finding.ts';
import type { Pf } from '../../model/pf.ts';
import type { DoctorInput } from '../doctor-input.ts';
import { evidence, factOf } from '../doctor-input.ts';
import type { FindingId } from '../finding-kinds/table.ts';
import { makeFinding } from '../finding.ts';
import { carriedGbpsOf, linkText, listLinks } from '../pcie-links.ts';
import type { Link } from '../pcie-links.ts';
import { portsOf } from '../ports.ts';
import { rateText, someOf } from '../wording.ts';

/** GT/s per lane of each generation from the first. */
const generationSpeeds: readonly number[] = [2.5, 5, 8, 16, 32, 64];

type Find = (pf: Pf, id: FindingId, summary: string, facts: readonly Evidence[]) => Finding;

/** Findings about all links: one for each link and not for each PF, at the first PF behind it. */
export function checkLinks(input: DoctorInput): Finding[] {
  const find: Find = (pf, id, summary, facts) =>
    makeFinding(id, input.placeOf(pf), { summary, evidence: facts });
  const links = listLinks(input.snapshot.pfs);
  return [
    ...links.flatMap((link) => checkTraining(link, find)),
    ...links.flatMap((link) => checkCatalogue(input, link, find)),
    ...checkBandwidth(input, links, find),
    ...links.flatMap((link) => checkSharing(link, find)),
  ];
}

function linkEvidence({ lower, pfs: [pf], speedGTps, width }: Link): Evidence[] {
  if (pf === undefined) return [];
  const path = lower.address === pf.address ? 'pcieLink' : `pciePath.${lower.address}.link`;
  return [
    evidence(factOf(pf, `${path}.currentSpeedGTps`), speedGTps),
    evidence(factOf(pf, `${path}.currentWidth`), width),
  ];
}

function endsText({ lower, upper }: Link): string {
  return upper === undefined ? `of ${lower.address}` : `from ${lower.address} to ${upper.address}`;
}

function isBelow(value: number | undefined, limit: number | undefined): boolean {
  return value !== undefined && limit !== undefined && value < limit;
}

function checkTraining(link: Link, find: Find): Finding[] {
  const { pfs, speedGTps, width, possibleSpeedGTps, possibleWidth, lower, upper } = link;
  const [pf] = pfs;
  if (pf === undefined || speedGTps === undefined || width === undefined) return [];
  const facts = linkEvidence(link);
  const now = linkText(speedGTps, width);
  if (isBelow(speedGTps, possibleSpeedGTps) || isBelow(width, possibleWidth)) {
    const best = linkText(possibleSpeedGTps, possibleWidth);
    return [
      find(
        pf,
        'pcie.link.degraded',
        `the link ${endsText(link)} runs at ${now}, both ends can do ${best}`,
        facts,
      ),
    ];
  }
  const ends = [lower.link, upper?.link] as const;
  const isSlotLess =
    isBelow(ends[1]?.maxSpeedGTps, ends[0]?.maxSpeedGTps) || isBelow(ends[1]?.maxWidth, ends[0]?.maxWidth);
  // Above a switch it is not the card whose abilities lie idle.
  if (isSlotLess && lower.kind === 'endpoint') {
    const card = linkText(ends[0]?.maxSpeedGTps, ends[0]?.maxWidth);
    return [find(pf, 'pcie.link.slot-limited', `the slot gives ${now}, the card can do ${card}`, facts)];
  }
  return possibleSpeedGTps === undefined || possibleWidth === undefined
    ? []
    : [find(pf, 'pcie.link.full', `the link ${endsText(link)} runs at ${now}, its best`, facts)];
}

/** What the card itself says it can do, against what cards of its kind have. */
function checkCatalogue(input: DoctorInput, { lower, pfs: [pf] }: Link, find: Find): Finding[] {
  if (pf === undefined || lower.address !== pf.address) return [];
  const card = input.cardOf(pf);
  const { maxSpeedGTps, maxWidth } = lower.link ?? {};
  if (card?.pcie === undefined || maxSpeedGTps === undefined || maxWidth === undefined) return [];
  const { generation, lanes } = card.pcie;
  const speed = generationSpeeds[generation - 1];
  if (!isBelow(maxSpeedGTps, speed) && !isBelow(maxWidth, lanes)) return [];
  return [
    find(
      pf,
      'pcie.link.below-catalogue',
      `the card’s own best is ${linkText(maxSpeedGTps, maxWidth)}, ${card.name} has ${linkText(speed, lanes)}`,
      [
        evidence(factOf(pf, 'pcieLink.maxSpeedGTps'), maxSpeedGTps),
        evidence(factOf(pf, 'pcieLink.maxWidth'), maxWidth),
      ],
    ),
  ];
}

interface Load {
  readonly link: Link;
  readonly carriedGbps: number;
  /** Rates of the ports below, Mbit/s. */
  readonly rates: readonly number[];
  /** Whether the rates of all ports are known. */
  readonly isComplete: boolean;
}

/** Each card by its narrowest link: the others on its way are no worse. */
function checkBandwidth(input: DoctorInput, links: readonly Link[], find: Find): Finding[] {
  const narrowest = new Map<Pf, Load>();
  for (const link of links) {
    const carriedGbps = carriedGbpsOf(link);
    const { rates, isComplete } = ratesBehind(input, link);
    if (carriedGbps === undefined || rates.length === 0) continue;
    const load = { link, carriedGbps, rates, isComplete };
    for (const pf of link.pfs) {
      const known = narrowest.get(pf);
      if (known === undefined || marginOf(load) < marginOf(known)) narrowest.set(pf, load);
    }
  }
  return [...new Set(narrowest.values())].flatMap(({ link, carriedGbps, rates, isComplete }) => {
    const [pf] = link.pfs;
    if (pf === undefined) return [];
    const sumMbps = rates.reduce((sum, rate) => sum + rate, 0);
    const carried = `${carriedGbps.toFixed(1)} Gb/s`;
    const way = `${linkText(link.speedGTps, link.width)} ${endsText(link)}`;
    const facts = linkEvidence(link);
    if (sumMbps > carriedGbps * 1000) {
      const alone = Math.max(...rates) > carriedGbps * 1000 ? '' : '; one port alone fits';
      const what = `${portsText(rates)} behind ${carried}: starved${alone} (${way})`;
      return [find(pf, 'pcie.bandwidth.starved', what, facts)];
    }
    if (!isComplete) return [];
    return [find(pf, 'pcie.bandwidth.enough', `${portsText(rates)} behind ${carried} (${way})`, facts)];
  });
}

/** Gb/s that are left when all ports are busy; below 0 they starve. */
function marginOf({ carriedGbps, rates }: Load): number {
  return carriedGbps - rates.reduce((sum, rate) => sum + rate, 0) / 1000;
}

/** Known rates of the physical ports below a link, each port once. */
function ratesBehind(input: DoctorInput, link: Link): Pick<Load, 'rates' | 'isComplete'> {
  const rates = new Map<string, number>();
  let isComplete = true;
  for (const pf of link.pfs) {
    for (const { key, rateMbps } of portsOf(input, pf)) {
      if (rateMbps === undefined) isComplete = false;
      else rates.set(key, Math.max(rateMbps, rates.get(key) ?? 0));
    }
  }
  return { rates: [...rates.values()], isComplete };
}

/** `100 Gb/s port`, `2 × 25 Gb/s ports`, `ports of 25 Gb/s, 10 Gb/s`. */
function portsText(rates: readonly number[]): string {
  const [first = 0] = rates;
  if (rates.length === 1) return `${rateText(first)} port`;
  if (rates.every((rate) => rate === first)) return `${rates.length} × ${rateText(first)} ports`;
  return `ports of ${someOf(rates.map(rateText), 8)}`;
}

function checkSharing({ upper, pfs }: Link, find: Find): Finding[] {
  const [pf] = pfs;
  if (pf === undefined || upper === undefined) return [];
  const own = new Set(pfs.map(({ address }) => address));
  const others = upper.alsoBelow.filter((address) => !own.has(address));
  if (others.length === 0) return [];
  return [
    find(pf, 'pcie.shared', `below ${upper.address} there are also ${someOf(others, 8)}`, [
      evidence(factOf(pf, `pciePath.${upper.address}.alsoBelow`), others.join(',')),
    ]),
  ];
}
