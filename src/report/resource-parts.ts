// Owns the order in which the resources of a host are shown, and what each is called: by NUMA node, by card, by PF.
// Names for people; nothing here is escaped for a page or made safe for a terminal.

import type { HostModel } from '../sizing/host-model.ts';
import type { HostClassUse, ResourceKind, ResourceUse } from '../sizing/result.ts';

const kindNames: Readonly<Record<ResourceKind, string>> = {
  vcpus: 'vCPUs',
  memory: 'memory',
  pcie: 'PCIe link',
  'card-vfs': 'VFs of the card',
  port: 'bandwidth',
  partition: 'share',
  vfs: 'VFs',
  vectors: 'vectors',
  queues: 'queues',
};

/** The part of a host that a resource belongs to. */
export interface ResourcePart {
  /** `node 0`, `slot 0 (ConnectX-6 Dx), node 1`. */
  readonly title: string;
  readonly resources: readonly { readonly label: string; readonly use: ResourceUse }[];
  /** Index in the host's nodes or cards. */
  readonly node?: number;
  readonly card?: number;
}

/** Resources by part of the host: its NUMA nodes first, then its cards with ports and PFs. */
export function resourceParts(host: HostModel, { resources }: HostClassUse): readonly ResourcePart[] {
  const nodes = host.nodes.map(({ node }, at): ResourcePart => ({
    title: `NUMA node ${node}`,
    node: at,
    resources: resources
      .filter(({ kind, index }) => (kind === 'vcpus' || kind === 'memory') && index === at)
      .map((use) => ({ label: kindNames[use.kind], use })),
  }));
  const cards = host.cards.map(({ name }, at): ResourcePart => ({
    title: `${name}, ${nodeText(host, at)}`,
    card: at,
    resources: resources
      .filter((use) => cardOf(host, use) === at)
      .map((use) => ({ label: labelInCard(host, use), use })),
  }));
  return [...nodes, ...cards].filter((part) => part.resources.length > 0);
}

/** The NUMA node of a card: `node 1`, `node not known`. */
export function nodeText(host: HostModel, card: number): string {
  const node = host.cards[card]?.node;
  return node === undefined ? 'node not known' : `node ${host.nodes[node]?.node ?? node}`;
}

function cardOf(host: HostModel, { kind, index }: ResourceUse): number | undefined {
  if (kind === 'vcpus' || kind === 'memory') return undefined;
  if (kind === 'pcie' || kind === 'card-vfs') return index;
  const port = kind === 'port' ? index : host.pfs[index]?.port;
  return port === undefined ? undefined : host.ports[port]?.card;
}

function labelInCard(host: HostModel, { kind, index }: ResourceUse): string {
  if (kind === 'pcie' || kind === 'card-vfs') return kindNames[kind];
  const name = kind === 'port' ? (host.ports[index]?.name ?? '') : pfName(host, index);
  return `${name} ${kindNames[kind]}`;
}

/** A PF for people: the name of its port; with its address where several PFs share the port. */
export function pfName(host: HostModel, pf: number): string {
  const { port = -1, address = '' } = host.pfs[pf] ?? {};
  const isAlone = host.pfs.filter((each) => each.port === port).length === 1;
  const name = host.ports[port]?.name ?? address;
  return isAlone ? name : `${name} ${address}`;
}

/** The name of a resource with the part it belongs to: `vCPUs of NUMA node 0`. */
export function resourceName(host: HostModel, use: ResourceUse): string {
  if (use.kind === 'vcpus' || use.kind === 'memory') {
    return `${kindNames[use.kind]} of NUMA node ${host.nodes[use.index]?.node ?? use.index}`;
  }
  const card = cardOf(host, use);
  const label = labelInCard(host, use);
  return card === undefined ? label : `${label} of ${host.cards[card]?.name ?? ''}`;
}

/** VFs of every PF on the used hosts of a class: least, most, and spares. */
export interface PfUse {
  readonly name: string;
  readonly address: string;
  readonly card: string;
  readonly networks: string;
  readonly least: number;
  readonly most: number;
  readonly spare: number;
  readonly total: number;
}

export function pfUses(host: HostModel, use: HostClassUse): readonly PfUse[] {
  return host.pfs.map((pf, at): PfUse => {
    const used = use.resources.find(({ kind, index }) => kind === 'vfs' && index === at);
    const port = host.ports[pf.port];
    return {
      name: pfName(host, at),
      address: pf.address,
      card: host.cards[port?.card ?? -1]?.name ?? '',
      networks: port?.networks === undefined ? 'every' : port.networks.join(' '),
      least: used?.least ?? 0,
      most: used?.most ?? 0,
      spare: pf.spareVfs,
      total: pf.totalVfs,
    };
  });
}
