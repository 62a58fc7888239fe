// Owns the making of a host model from a snapshot.
// The host is taken as empty. What the snapshot does not know is left out and noted, never guessed.

import { VfleetError } from '../base/errors.ts';
import { present } from '../base/present.ts';
import { narrowestLink } from '../capacity/pcie-bandwidth.ts';
import { cardIdOf, findCard } from '../catalogue/find-card.ts';
import type { Pf } from '../model/pf.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Report, SpecPath } from '../spec/problem.ts';
import { quoted } from '../spec/wording.ts';
import { linkMbpsOf, nodeOf } from './class-host.ts';
import type { HostCard, HostModel, HostNode, HostPf, HostPort } from './host-model.ts';
import type { CompletePolicy, HostSnapshot } from '../model/workload.ts';

/** Memory is used in whole GB: kernels of hosts that are alike take some MB more or less for themselves. */
const memoryStepMb = 1024;

/**
 * The model of a host as it was read. Reports ports in the file that the host has not.
 * Throws `snapshot.invalid` when the snapshot says nothing about processors and memory.
 */
export function modelSnapshot(
  snapshot: Snapshot,
  entry: HostSnapshot,
  policy: CompletePolicy,
  path: SpecPath,
  report: Report,
): HostModel {
  const notes: string[] = [];
  const nodes = nodesOf(snapshot, entry.file, policy, notes);
  const draft: Draft = { cards: new Map(), ports: new Map(), pfs: [], nodes, notes };
  for (const pf of snapshot.pfs) addPf(draft, pf, entry, policy);
  for (const key of Object.keys(entry.ports ?? {})) {
    const isThere = snapshot.pfs.some(
      (pf) => pf.address === key || pf.netdevs.some(({ name }) => name === key),
    );
    if (!isThere)
      report([...path, 'ports', key], `${quoted(entry.file)} has no PF and no interface of this name`);
  }
  const { count = 1 } = entry;
  const ports = [...draft.ports.values()];
  return {
    name: entry.name ?? snapshot.host.name,
    source: 'snapshot',
    ...(count === 'unlimited' ? {} : { count }),
    nodes,
    cards: [...draft.cards.values()].map((card, at): HostCard => ({
      ...card,
      ports: ports.flatMap((port, index) => (port.card === at ? [index] : [])),
    })),
    ports,
    pfs: draft.pfs,
    notes,
  };
}

function nodesOf(
  snapshot: Snapshot,
  file: string,
  policy: CompletePolicy,
  notes: string[],
): readonly HostNode[] {
  const numa = snapshot.platform?.numa ?? [];
  if (numa.length === 0) {
    throw new VfleetError('snapshot.invalid', `${quoted(file)} says nothing about processors and memory`, {
      hint: 'Take it again with this version of vfleet.',
      details: { file },
    });
  }
  return numa.map((facts, nth): HostNode => {
    if (facts.memoryTotalMb === undefined) notes.push(`node ${facts.node}: memory not known, none is used`);
    const node = nodeOf(
      {
        node: facts.node,
        coreCount: facts.cores.length,
        threadCount: facts.cores.flat().length,
        memoryMb: facts.memoryTotalMb ?? 0,
      },
      { nth, of: numa.length },
      policy,
    );
    const memoryCapacityMb = node.memoryCapacityMb - (node.memoryCapacityMb % memoryStepMb);
    return { ...node, memoryCapacityMb };
  });
}

interface Draft {
  readonly cards: Map<string, Omit<HostCard, 'ports'>>;
  readonly ports: Map<string, HostPort>;
  readonly pfs: HostPf[];
  readonly nodes: readonly HostNode[];
  readonly notes: string[];
}

function addPf(draft: Draft, pf: Pf, entry: HostSnapshot, policy: CompletePolicy): void {
  const label = pf.netdevs[0]?.name ?? pf.address;
  const known = findCard(pf);
  const mbps = pf.netdevs[0]?.speedMbps ?? known?.ports?.speedsMbps.at(-1);
  if (pf.sriov.totalVfs === 0) {
    draft.notes.push(`${label}: can make no VFs, not used`);
    return;
  }
  if (pf.sriov.vfBars?.some(({ assigned }) => assigned === false) === true) {
    draft.notes.push(`${label}: no address space for VFs, not used`);
    return;
  }
  if (mbps === undefined) {
    draft.notes.push(`${label}: speed not known, not used`);
    return;
  }
  if (pf.netdevs[0]?.speedMbps === undefined) {
    draft.notes.push(`${label}: has no link, taken as ${mbps / 1000} Gb/s from the catalogue`);
  }
  const cardKey = cardKeyOf(pf);
  if (!draft.cards.has(cardKey)) draft.cards.set(cardKey, cardOf(pf, cardKey, draft));
  const card = [...draft.cards.keys()].indexOf(cardKey);
  const portKey = `${cardKey} ${portKeyOf(pf)}`;
  if (!draft.ports.has(portKey)) {
    draft.ports.set(portKey, { name: label, card, mbps, ...present({ networks: networksOf(pf, entry) }) });
  }
  const { totalVfs } = pf.sriov;
  draft.pfs.push({
    address: pf.address,
    port: [...draft.ports.keys()].indexOf(portKey),
    totalVfs,
    spareVfs: Math.min(totalVfs, policy.spareVfsPerPf),
    hasRdma: (pf.rdma?.length ?? 0) > 0,
    ...present({
      vectorsPerVf: pf.sriov.msixPerVf,
      vectorPool: pf.sriov.vfTotalMsix,
      queuesPerVf: known?.perVf?.queuePairs,
    }),
  });
}

function cardOf(pf: Pf, key: string, draft: Draft): Omit<HostCard, 'ports'> {
  const known = findCard(pf);
  const name = known === undefined ? key : `${key} (${known.name})`;
  const link = narrowestLink(pf.pciePath ?? []);
  const speed = link?.speedGTps ?? pf.pcieLink?.currentSpeedGTps;
  const width = link?.width ?? pf.pcieLink?.currentWidth;
  const pcieMbps =
    speed === undefined || width === undefined
      ? undefined
      : linkMbpsOf(speed, width, pf.pciePath?.[0]?.maxPayloadBytes);
  if (pcieMbps === undefined) draft.notes.push(`${name}: its PCIe link is not known and taken as no limit`);
  const node = draft.nodes.findIndex((each) => each.node === pf.numaNode);
  return {
    name,
    ...present({
      catalogueId: known === undefined ? undefined : cardIdOf(known),
      node: node < 0 ? undefined : node,
      pcieMbps,
      vfLimit: known?.vfs?.perDevice,
    }),
  };
}

/** PFs of one card: one PCIe link ends in one device, so a bus is a card; bus 0 holds the chipset's own devices. */
function cardKeyOf(pf: Pf): string {
  const match = /^([0-9a-f]{4,8}:[0-9a-f]{2}):([0-9a-f]{2})\.[0-7]$/.exec(pf.address);
  if (match === null) return pf.address;
  const [, bus = '', device = ''] = match;
  return bus.endsWith(':00') ? `${bus}:${device}` : bus;
}

/** What PFs on one physical port have in common; a PF that says nothing of its port has one of its own. */
function portKeyOf(pf: Pf): string {
  const [uplink] = pf.netdevs;
  if (uplink?.physPortId !== undefined) return `id ${uplink.physPortId}`;
  const port = pf.devlink?.ports.find(
    ({ flavour, netdev }) => flavour === 'physical' && netdev !== undefined && netdev === uplink?.name,
  );
  return port?.portNumber === undefined ? pf.address : `number ${port.portNumber}`;
}

function networksOf(pf: Pf, entry: HostSnapshot): readonly string[] | undefined {
  const names = [pf.address, ...pf.netdevs.map(({ name }) => name)];
  const named = names.flatMap((name) => entry.ports?.[name] ?? []);
  return names.some((name) => entry.ports?.[name] !== undefined) ? named : undefined;
}
