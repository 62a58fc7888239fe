// Owns the making of a host model from a host class of the workload file and the catalogue of cards.
// What the catalogue does not know and the file does not say is a problem of the file, never a guess.

import {
  pcieBandwidthOf,
  usualMaxPayloadBytes,
  usualMaxReadRequestBytes,
} from '../capacity/pcie-bandwidth.ts';
import type { Card } from '../catalogue/card.ts';
import { cardIdOf, findCardById } from '../catalogue/find-card.ts';
import { present } from '../base/present.ts';
import type { Report, SpecPath } from '../spec/problem.ts';
import { quoted } from '../spec/wording.ts';
import type { HostCard, HostModel, HostNode, HostPf, HostPort } from './host-model.ts';
import type { ClassCard, ClassPort, CompletePolicy, HostClass } from '../model/workload.ts';

/** Speed per lane by generation, GT/s. */
const generationSpeeds: readonly number[] = [2.5, 5, 8, 16, 32, 64];
/** Broadcom's RoCE is on the first two partitions of a port only (field.md); no other card is known to have more. */
const rdmaPartitions = 2;
/** Large transfers: what the headers of real ones cost is counted with each NIC. */
const transferBytes = 4096;

/** What of a node is left for machines. */
export function nodeOf(
  facts: {
    readonly node: number;
    readonly coreCount: number;
    readonly threadCount: number;
    readonly memoryMb: number;
  },
  place: { readonly nth: number; readonly of: number },
  policy: CompletePolicy,
): HostNode {
  const share = (whole: number): number =>
    Math.floor(whole / place.of) + (place.nth < whole % place.of ? 1 : 0);
  const reservedCores = Math.min(facts.coreCount, share(policy.reservedCoresPerHost));
  const threadsPerCore = facts.coreCount === 0 ? 0 : facts.threadCount / facts.coreCount;
  const threads = facts.threadCount - reservedCores * threadsPerCore;
  return {
    ...facts,
    reservedCores,
    vcpuCapacity: Math.floor(threads * policy.cpuRatio),
    memoryCapacityMb: Math.max(0, facts.memoryMb - share(policy.reservedMemoryMbPerHost)),
  };
}

/** Effective bandwidth of a link in Mb/s before the headers of packets; undefined for a link that PCIe has not. */
export function linkMbpsOf(speedGTps: number, width: number, maxPayloadBytes?: number): number | undefined {
  const bandwidth = pcieBandwidthOf({
    speedGTps,
    width,
    maxPayloadBytes: maxPayloadBytes ?? usualMaxPayloadBytes,
    maxReadRequestBytes: usualMaxReadRequestBytes,
    transferBytes,
  });
  return bandwidth === undefined ? undefined : Math.floor(bandwidth.linkGbps * 1000);
}

/** The model of a host class; undefined when something was reported. */
export function modelClass(
  hostClass: HostClass,
  policy: CompletePolicy,
  path: SpecPath,
  report: Report,
): HostModel | undefined {
  const { sockets, coresPerSocket, threadsPerCore = 1, memoryGbPerSocket, count } = hostClass;
  const nodes = Array.from({ length: sockets }, (_, node) =>
    nodeOf(
      {
        node,
        coreCount: coresPerSocket,
        threadCount: coresPerSocket * threadsPerCore,
        memoryMb: Math.floor(memoryGbPerSocket * 1024),
      },
      { nth: node, of: sockets },
      policy,
    ),
  );
  const draft: Draft = { cards: [], ports: [], pfs: [], notes: [] };
  let isSound = true;
  for (const [index, entry] of (hostClass.cards ?? []).entries()) {
    const cardPath = [...path, 'cards', index];
    const card = findCardById(entry.card);
    if (card === undefined) {
      report([...cardPath, 'card'], `${quoted(entry.card)} is not in the catalogue`);
      isSound = false;
    } else if (!addCard(draft, entry, card, policy, cardPath, report)) {
      isSound = false;
    }
  }
  if (!isSound) return undefined;
  const isCounted = typeof count === 'number';
  return { name: hostClass.name, source: 'class', ...(isCounted ? { count } : {}), nodes, ...draft };
}

interface Draft {
  readonly cards: HostCard[];
  readonly ports: HostPort[];
  readonly pfs: HostPf[];
  readonly notes: string[];
}

/** Adds a card with its ports and PFs; false when something was reported. */
function addCard(
  draft: Draft,
  entry: ClassCard,
  card: Card,
  policy: CompletePolicy,
  path: SpecPath,
  report: Report,
): boolean {
  const ports = portsOf(entry, card, path, report);
  const shares = entry.npar ?? [100];
  const pfCount = (ports?.length ?? 0) * shares.length;
  if (entry.npar !== undefined) {
    const most = card.npar?.partitionsPerDevice;
    if (card.npar === undefined)
      report([...path, 'npar'], `the catalogue knows no partitions of ${card.name}`);
    else if (most !== undefined && pfCount > most) {
      report([...path, 'npar'], `makes ${pfCount} partitions, and ${card.name} has ${most} at most`);
    }
  }
  const most = card.vfs?.perPf;
  if (entry.vfsPerPf !== undefined && most !== undefined && entry.vfsPerPf > most) {
    report([...path, 'vfsPerPf'], `${entry.vfsPerPf} is more than the ${most} of ${card.name}`);
  }
  const perDevice = card.vfs?.perDevice;
  const totalVfs =
    entry.vfsPerPf ??
    most ??
    (perDevice === undefined || pfCount === 0 ? undefined : Math.floor(perDevice / pfCount));
  if (totalVfs === undefined) {
    report(path, `the catalogue does not know how many VFs ${card.name} has; give vfsPerPf`);
  }
  if (ports === undefined || totalVfs === undefined) return false;

  const at = draft.cards.length;
  const name = `slot ${at} (${card.name})`;
  const pcieMbps = slotMbpsOf(entry, card);
  if (pcieMbps === undefined) draft.notes.push(`${name}: its PCIe link is not known and taken as no limit`);
  const isPool = perDevice !== undefined && totalVfs * pfCount > perDevice;
  const own = ports.map((_, nth) => draft.ports.length + nth);
  draft.cards.push({
    name,
    catalogueId: cardIdOf(card),
    node: entry.socket ?? 0,
    ...present({ pcieMbps, vfLimit: isPool ? perDevice : undefined }),
    ports: own,
  });
  for (const [nth, port] of ports.entries()) {
    draft.ports.push({
      name: `port ${nth}`,
      card: at,
      mbps: port.mbps,
      ...present({ networks: port.networks }),
    });
    for (const [partition, share] of shares.entries()) {
      draft.pfs.push({
        address: `${at}.${nth}.${partition}`,
        port: own[nth] ?? 0,
        totalVfs,
        spareVfs: Math.min(totalVfs, policy.spareVfsPerPf),
        hasRdma: card.rdma !== undefined && partition < rdmaPartitions,
        ...present({
          mbps: entry.npar === undefined ? undefined : Math.floor((port.mbps * share) / 100),
          vectorsPerVf: card.perVf?.msixVectors,
          queuesPerVf: card.perVf?.queuePairs,
        }),
      });
    }
  }
  return true;
}

interface PortDraft {
  readonly mbps: number;
  readonly networks: readonly string[] | undefined;
}

function portsOf(
  entry: ClassCard,
  card: Card,
  path: SpecPath,
  report: Report,
): readonly PortDraft[] | undefined {
  const known = card.ports;
  const ports = entry.ports ?? Array.from({ length: known?.count ?? 0 }, (): ClassPort => ({}));
  if (ports.length === 0) {
    report(path, `the catalogue does not know how many ports ${card.name} has; give ports`);
    return undefined;
  }
  if (known?.count !== undefined && ports.length > known.count) {
    report([...path, 'ports'], `names ${ports.length} ports, and ${card.name} has ${known.count}`);
    return undefined;
  }
  const fastest = known?.speedsMbps.at(-1);
  const drafts: PortDraft[] = [];
  for (const [index, { gbps, networks }] of ports.entries()) {
    const portPath = [...path, 'ports', index];
    const mbps = gbps === undefined ? fastest : Math.floor(gbps * 1000);
    if (mbps === undefined)
      report(portPath, `the catalogue does not know the speed of ${card.name}; give gbps`);
    else if (fastest !== undefined && mbps > fastest) {
      report([...portPath, 'gbps'], `${gbps} is more than the ${fastest / 1000} Gb/s of ${card.name}`);
    } else drafts.push({ mbps, networks });
  }
  return drafts.length === ports.length ? drafts : undefined;
}

/** The slower of slot and card; undefined when neither is known. */
function slotMbpsOf(entry: ClassCard, card: Card): number | undefined {
  const { pcie: slot } = entry;
  const generation = Math.min(slot?.generation ?? Infinity, card.pcie?.generation ?? Infinity);
  const lanes = Math.min(slot?.lanes ?? Infinity, card.pcie?.lanes ?? Infinity);
  const speed = generationSpeeds[generation - 1];
  return speed === undefined ? undefined : linkMbpsOf(speed, lanes);
}
