// Owns the coming and going of interfaces: events for those who listen, in the order that the kernel sends them.

import type { SimHost } from './host.ts';
import type { SimLink } from './host-index.ts';
import { netnsOf } from './host-index.ts';
import type { SimNetdev } from './state.ts';

/** The link of an interface that is in the state. */
export function linkOf(host: SimHost, netdev: SimNetdev): SimLink | undefined {
  return host.index.links.get(netnsOf(netdev))?.get(netdev.ifIndex);
}

/** Links of one namespace by index. */
export function linksIn(host: SimHost, netns: number): readonly SimLink[] {
  const links = [...(host.index.links.get(netns)?.values() ?? [])];
  return links.sort((a, b) => a.netdev.ifIndex - b.netdev.ifIndex);
}

/** A link by index, or where that is 0 by name. */
export function findLink(
  host: SimHost,
  netns: number,
  ifIndex: number,
  ifName: string | undefined,
): SimLink | undefined {
  if (ifIndex > 0) return host.index.links.get(netns)?.get(ifIndex);
  return linksIn(host, netns).find(({ netdev }) => netdev.name === ifName);
}

/** Ends a change in which interfaces came or changed. */
export function commitWithNew(host: SimHost, netdevs: readonly (SimNetdev | undefined)[]): void {
  host.commit();
  if (host.linkListeners.size === 0) return;
  for (const netdev of netdevs) {
    const link = netdev === undefined ? undefined : linkOf(host, netdev);
    if (link !== undefined) host.emitLink('new', link);
  }
}

/** Ends a change in which interfaces went: `change` takes them from the state. */
export function commitWithout(
  host: SimHost,
  netdevs: readonly (SimNetdev | undefined)[],
  change: () => void,
): void {
  const gone = netdevs.flatMap((netdev) => (netdev === undefined ? [] : (linkOf(host, netdev) ?? [])));
  change();
  host.commit();
  for (const link of gone) host.emitLink('del', link);
}
