// Owns what the network of a host says of its PFs' interfaces: default routes, neighbours by LLDP, flow control.
// The host is asked once; whose interface is whose is uplink.ts's question.

import { present } from '../base/present.ts';
import { readDefaultRouteInterfaces } from '../kernel/proc/default-route.ts';
import { readLldpNeighbours } from '../kernel/programs/lldp-neighbours.ts';
import type { LldpNeighbourFacts } from '../kernel/programs/lldp-neighbours.ts';
import { readFlowControlPriorities } from '../kernel/rtnetlink/dcb.ts';
import { listLinks } from '../kernel/rtnetlink/link.ts';
import type { Link } from '../kernel/rtnetlink/link.ts';
import type { KernelSession } from '../kernel/session.ts';
import type { LldpNeighbour, Netdev } from '../model/pf.ts';
import type { TakeNote } from './card-facts.ts';
import { readOrReason } from './unread-notes.ts';

/** lldpcli asks a daemon on the same host. */
const lldpTimeoutMs = 10_000;
const openVswitchKind = 'openvswitch';

/** What was asked of the host as a whole. */
export interface HostNetwork {
  /** Undefined when the routes could not be read. */
  readonly routes: RouteInterfaces | undefined;
  readonly neighbours: ReadonlyMap<string, readonly LldpNeighbourFacts[]>;
  /** What could not be asked, for the ports of all PFs alike. */
  readonly missing: readonly Missing[];
}

interface Missing {
  readonly fact: 'defaultRoute' | 'lldp';
  readonly what: string;
  readonly why: string;
}

export interface RouteInterfaces {
  /** Indexes of the interfaces that default routes go through, and of all below them. */
  readonly certain: ReadonlySet<number>;
  /** Interfaces of an Open vSwitch that a default route goes into: by which it leaves only the switch itself knows. */
  readonly possible: ReadonlySet<number>;
}

/** Asks the host for its routes, and with `isSlow` also lldpd for neighbours. */
export async function readHostNetwork(session: KernelSession, isSlow: boolean): Promise<HostNetwork> {
  const missing: Missing[] = [];
  const names = readDefaultRouteInterfaces(session.files);
  if (names === undefined) {
    const why = 'neither /proc/net/route nor /proc/net/ipv6_route is there';
    missing.push({ fact: 'defaultRoute', what: 'whether the default route leaves by', why });
  }
  const links = names === undefined || names.length === 0 ? [] : await listLinks(session.route);
  return {
    routes: names === undefined ? undefined : findRouteInterfaces(names, links),
    neighbours: isSlow ? await readNeighbours(session, missing) : new Map(),
    missing,
  };
}

/** lldpcli is not installed, or has no daemon to ask: nothing to note, `platform.programs.lldp` says it. */
const withoutLldpd: ReadonlySet<string> = new Set(['ENOENT', 'EIO']);

async function readNeighbours(
  session: KernelSession,
  missing: Missing[],
): Promise<ReadonlyMap<string, readonly LldpNeighbourFacts[]>> {
  const { value, why } = await readOrReason(readLldpNeighbours(session.kernel, lldpTimeoutMs));
  if (value !== undefined && !('errno' in value)) return value;
  const refusal = why ?? (withoutLldpd.has(value.errno) ? undefined : `lldpcli answered with ${value.errno}`);
  if (refusal !== undefined) missing.push({ fact: 'lldp', what: 'neighbours by LLDP of', why: refusal });
  return new Map();
}

/**
 * Follows interfaces down to what carries them: the members of a bond, bridge or team, the interface under a VLAN or a
 * macvlan. An interface whose lower one is in another network namespace ends the way.
 */
export function findRouteInterfaces(names: readonly string[], links: readonly Link[]): RouteInterfaces {
  const byIndex = new Map<number, Link>(links.map((link) => [link.ifIndex, link]));
  const certain = new Set<number>();
  let entersSwitch = false;
  const down = (link: Link | undefined): void => {
    if (link === undefined || certain.has(link.ifIndex)) return;
    certain.add(link.ifIndex);
    const { lowerLink, linkNetnsId, linkInfo } = link.attributes;
    // Ports of a switch have the datapath as their master, not the interface that leads into the switch.
    if (linkInfo?.kind === openVswitchKind) {
      entersSwitch = true;
      return;
    }
    if (lowerLink !== undefined && linkNetnsId === undefined) down(byIndex.get(lowerLink));
    for (const member of links) if (member.attributes.master === link.ifIndex) down(member);
  };
  for (const name of names) down(links.find((link) => link.name === name));
  const possible = new Set<number>();
  if (entersSwitch) {
    for (const link of links) {
      const isPort = upperKindsOf(link, byIndex).has(openVswitchKind);
      if (isPort && !certain.has(link.ifIndex)) possible.add(link.ifIndex);
    }
  }
  return { certain, possible };
}

/** Kinds of everything that an interface is a member of, directly or not. */
function upperKindsOf(link: Link, byIndex: ReadonlyMap<number, Link>): ReadonlySet<string> {
  const kinds = new Set<string>();
  const seen = new Set<number>();
  for (let each: Link | undefined = link; each !== undefined && !seen.has(each.ifIndex);) {
    seen.add(each.ifIndex);
    const { master }: Link['attributes'] = each.attributes;
    each = master === undefined ? undefined : byIndex.get(master);
    const kind = each?.attributes.linkInfo?.kind;
    if (kind !== undefined) kinds.add(kind);
  }
  return kinds;
}

/**
 * The other end of the cable among the neighbours of a PF: the first that forwards, or else the first. Through the card's
 * own switch the VMs on its VFs are neighbours as well, and on some cards the PF hears itself.
 */
export function findSwitch(
  neighbours: readonly LldpNeighbourFacts[],
  ownMac: string | undefined,
): LldpNeighbourFacts | undefined {
  const others = neighbours.filter(({ portMac }) => portMac === undefined || portMac !== ownMac);
  return others.find(({ forwards }) => forwards) ?? others[0];
}

/** Facts of one interface that only a full reading has. */
export async function readPortFacts(
  session: KernelSession,
  link: Link,
  network: HostNetwork,
  note: TakeNote,
): Promise<Partial<Netdev>> {
  const neighbour = findSwitch(network.neighbours.get(link.name) ?? [], link.attributes.address);
  for (const { fact, what, why } of network.missing)
    note({ fact: `netdevs.${link.name}.${fact}`, what: [what, ''], why });
  const { value, why } = await readOrReason(readFlowControlPriorities(session.route, link.name));
  if (why !== undefined) {
    note({ fact: `netdevs.${link.name}.flowControlPriorities`, what: ['priority flow control of', ''], why });
  }
  return present({
    defaultRoute: carriesDefaultRoute(link, network.routes, note),
    lldp: neighbour === undefined ? undefined : neighbourOf(neighbour),
    flowControlPriorities: value,
  });
}

function carriesDefaultRoute(
  link: Link,
  routes: RouteInterfaces | undefined,
  note: TakeNote,
): boolean | undefined {
  if (routes === undefined) return undefined;
  if (!routes.possible.has(link.ifIndex)) return routes.certain.has(link.ifIndex);
  note({
    fact: `netdevs.${link.name}.defaultRoute`,
    what: ['whether the default route leaves by', ''],
    why: 'it goes into Open vSwitch, which alone knows',
  });
  return undefined;
}

function neighbourOf({ chassis, port, maxFrameBytes, vlans }: LldpNeighbourFacts): LldpNeighbour {
  return present({ chassis, port, maxFrameBytes, vlans: [...vlans] });
}
