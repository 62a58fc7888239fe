// Owns what counts for and against a VF that can be taken, in points. What is not known counts 0 and is said.
// The weights are the order of what hurts most: no link, a group that is shared, another NUMA node, too little bandwidth.

import type { CandidateVerdict } from '../model/attachment.ts';
import type { ChoiceFacts, ChoiceGroup } from '../model/choice-facts.ts';
import type { Network } from '../model/network.ts';
import type { Pf } from '../model/pf.ts';
import type { Vf } from '../model/vf.ts';
import type { Headroom, PfBandwidth } from './bandwidth.ts';
import { hasNoIommu, othersOf } from './vf-reasons.ts';
import { portName, rateText, shareText } from './wording.ts';

export type Score = CandidateVerdict['scores'][number];

/** A port without link carries nothing now, though the cable may come: behind all others, yet not refused. */
const noLinkPoints = -2000;
const noIommuPoints = -800;
const groupPoints = 400;
const numaPoints = 200;
const bandwidthPoints = 100;
const rdmaPoints = 50;
const spreadPoints = 50;

/** The most that a port, and a PCIe link, of the PFs in question has left for a VF; absent: none is known. */
export interface BestBandwidth {
  readonly portMbps?: number;
  readonly pcieMbps?: number;
}

/** Finds the best of the PFs that could be taken: others are measured by it. */
export function bestOf(bandwidths: readonly PfBandwidth[]): BestBandwidth {
  const ports = bandwidths.flatMap(({ port }) => port?.availableMbps ?? []);
  const links = bandwidths.flatMap(({ pcie }) => pcie?.availableMbps ?? []);
  return {
    ...(ports.length === 0 ? {} : { portMbps: Math.max(...ports) }),
    ...(links.length === 0 ? {} : { pcieMbps: Math.max(...links) }),
  };
}

export interface PfScoring {
  readonly pf: Pf;
  readonly network: Network;
  readonly bandwidth: PfBandwidth;
  readonly best: BestBandwidth;
  /** Spread is asked, and the VM has a VF already: on another card, or this one would be excluded. */
  readonly isSpread: boolean;
  readonly unread: ChoiceFacts['unread'];
}

/** What all VFs of a PF have in common. */
export function scorePf({ pf, network, bandwidth, best, isSpread, unread }: PfScoring): readonly Score[] {
  const scores: Score[] = [];
  const [netdev] = pf.netdevs;
  const name = portName(pf);
  if (netdev?.carrier === false)
    scores.push({ name: 'link', points: noLinkPoints, text: `port ${name} has no link` });
  else if (netdev !== undefined && netdev.carrier === undefined)
    scores.push({ name: 'link', points: 0, text: `whether port ${name} has a link is not known` });
  scores.push(
    scoreHeadroom('port', bandwidth.port, best.portMbps, `port ${name}`),
    scoreHeadroom('pcie', bandwidth.pcie, best.pcieMbps, 'its PCIe link'),
  );
  const rdma = scoreRdma(pf, network);
  if (rdma !== undefined) scores.push(rdma);
  if (isSpread)
    scores.push({ name: 'spread', points: spreadPoints, text: 'a card that the VM has no VF of' });
  for (const { what, why, fact } of unread)
    if (fact?.startsWith('holders') === true)
      scores.push({ name: 'holders', points: 0, text: `not all users of VFs are known: ${what}: ${why}` });
  return scores;
}

function scoreHeadroom(
  name: 'port' | 'pcie',
  headroom: Headroom | undefined,
  bestMbps: number | undefined,
  where: string,
): Score {
  if (headroom === undefined || bestMbps === undefined)
    return { name, points: 0, text: `the bandwidth of ${where} is not known` };
  const { availableMbps, capacityMbps, promised } = headroom;
  const share = bestMbps <= 0 ? 0 : Math.max(0, availableMbps / bestMbps);
  const points = Math.round(2 * bandwidthPoints * (share - 0.5));
  const left = capacityMbps - promised.totalMbps;
  const { unratedCount } = promised;
  const shared =
    unratedCount === 0
      ? ''
      : `, shared with ${unratedCount} ${unratedCount === 1 ? 'VF' : 'VFs'} without a rate`;
  const amount =
    left < 0
      ? `of ${where} ${rateText(-left)} too much is promised`
      : `${where} has ${shareText(left, capacityMbps)} unpromised${shared}`;
  return { name, points, text: amount };
}

/** A PF with RDMA is kept for networks that need it. */
function scoreRdma({ rdma }: Pf, network: Network): Score | undefined {
  const isWanted = network.rdma === true;
  if (rdma === undefined)
    return isWanted ? { name: 'rdma', points: 0, text: 'whether this PF has RDMA is not known' } : undefined;
  const [device] = rdma;
  if (device === undefined) return undefined;
  return isWanted
    ? { name: 'rdma', points: rdmaPoints, text: `RDMA device ${device.name}` }
    : { name: 'rdma', points: -rdmaPoints, text: 'its PF has RDMA, which this network does not need' };
}

/**
 * How a VF is kept apart from other devices: a group of its own, one shared with so many others, no IOMMU, or not known.
 */
export type Isolation = 'own' | 'none' | 'unknown' | number;

export function isolationOf(vf: Vf, group: ChoiceGroup | undefined): Isolation {
  if (hasNoIommu(vf, group)) return 'none';
  if (group === undefined) return 'unknown';
  return othersOf(vf, group).length || 'own';
}

export interface VfScoring {
  readonly isolation: Isolation;
  /** Of the VF, or of its PF where it has none itself; undefined: not known. */
  readonly node: number | undefined;
  /** Undefined: it may run anywhere. */
  readonly vmNodes: readonly number[] | undefined;
  readonly nodeCount: number;
  readonly interruptRemapping: boolean | undefined;
}

/** What sets a VF apart from others of its PF. */
export function scoreVf(scoring: VfScoring): readonly Score[] {
  const scores = [scoreIsolation(scoring.isolation)];
  if (scoring.nodeCount > 1) scores.push(scoreNode(scoring));
  if (scoring.interruptRemapping === undefined)
    scores.push({ name: 'interrupts', points: 0, text: 'whether interrupts are remapped is not known' });
  return scores;
}

function scoreIsolation(isolation: Isolation): Score {
  const name = 'isolation';
  if (isolation === 'none') return { name, points: noIommuPoints, text: 'no IOMMU' };
  if (isolation === 'unknown')
    return { name, points: 0, text: 'who else is in its IOMMU group is not known' };
  if (isolation === 'own') return { name, points: groupPoints, text: 'an IOMMU group of its own' };
  const devices = isolation === 1 ? 'another device' : `${isolation} devices`;
  return { name, points: -groupPoints, text: `an IOMMU group shared with ${devices}` };
}

function scoreNode({ node, vmNodes }: VfScoring): Score {
  const name = 'numa';
  if (vmNodes === undefined) return { name, points: 0, text: 'the VM is not pinned to a NUMA node' };
  if (node === undefined) return { name, points: 0, text: 'its NUMA node is not known' };
  if (!vmNodes.includes(node))
    return { name, points: -numaPoints, text: `on NUMA node ${node}, the VM is on ${vmNodes.join(' and ')}` };
  return vmNodes.length === 1
    ? { name, points: numaPoints, text: `on NUMA node ${node} like the VM` }
    : { name, points: numaPoints / 2, text: `on NUMA node ${node}, one of those of the VM` };
}
