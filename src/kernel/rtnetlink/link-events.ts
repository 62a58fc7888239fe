// Owns the watching of links: what comes, changes and goes in a network namespace, and their IP addresses when asked.
// Answers lost events with everything anew. Judges nothing; src/monitor does.

import { VfleetError } from '../../base/errors.ts';
import type { IfIndex } from '../../base/identifiers.ts';
import type { NetlinkTransport } from '../kernel.ts';
import { NetlinkClient } from '../netlink/client.ts';
import { decodeMessages } from '../netlink/message.ts';
import { decodeAddress, RTM_DELADDR, RTM_NEWADDR } from './address.ts';
import { decodeLink, listLinks, RTM_DELLINK, RTM_NEWLINK } from './link.ts';
import type { Link } from './link.ts';

/** Multicast groups of events, include/uapi/linux/rtnetlink.h. */
export const RTNLGRP_LINK = 1;
const RTNLGRP_IPV4_IFADDR = 5;
const RTNLGRP_IPV6_IFADDR = 9;
const AF_UNSPEC = 0;

export type LinkEvent =
  /** A link is new or has changed. */
  | { readonly kind: 'link'; readonly link: Link }
  /** A link was deleted or moved to another network namespace. */
  | { readonly kind: 'gone'; readonly ifIndex: IfIndex; readonly name: string }
  /** An IP address of a link came, changed or went. */
  | { readonly kind: 'address'; readonly ifIndex: IfIndex; readonly scope: string }
  /** All links; what is not among them is gone. Comes first, and after events were lost. */
  | { readonly kind: 'resync'; readonly links: readonly Link[] };

export interface LinkWatch extends AsyncIterable<LinkEvent> {
  /** Ends the iteration, also one that waits for the next event. */
  close(): void;
}

/**
 * Watches the links of a network namespace, without VFs; with `addresses`, their IP addresses as well. Can be iterated once; leaving the loop closes the sockets.
 * `open` opens a route socket in that namespace: one for the events, one for each full read.
 *
 * Lost events (ENOBUFS) are answered with a new socket, because the old one is of no more use: what still waits in it
 * is older than the full read that must follow, and until it is empty the kernel drops what is new without another
 * word (net/netlink/af_netlink.c, netlink_overrun and netlink_rcv_wake).
 * The iteration throws `kernel.refused`, `kernel.malformed`, `kernel.timeout`.
 */
export function watchLinks(
  open: () => NetlinkTransport,
  options: { readonly addresses?: boolean } = {},
): LinkWatch {
  const groups = [
    RTNLGRP_LINK,
    ...(options.addresses === true ? [RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR] : []),
  ];
  const state: WatchState = { open, groups, closed: false, sockets: new Set() };
  return {
    [Symbol.asyncIterator]: () => iterate(state),
    close: () => closeAll(state),
  };
}

interface WatchState {
  readonly open: () => NetlinkTransport;
  readonly groups: readonly number[];
  closed: boolean;
  readonly sockets: Set<NetlinkTransport>;
}

function closeAll(state: WatchState): void {
  state.closed = true;
  for (const socket of state.sockets) socket.close();
  state.sockets.clear();
}

function openSocket(state: WatchState): NetlinkTransport {
  const socket = state.open();
  state.sockets.add(socket);
  return socket;
}

function closeSocket(state: WatchState, socket: NetlinkTransport): void {
  state.sockets.delete(socket);
  socket.close();
}

async function* iterate(state: WatchState): AsyncGenerator<LinkEvent, void, undefined> {
  try {
    while (!state.closed) {
      const events = openSocket(state);
      // Joined before the read: what happens between the two is then told twice, and never missed.
      for (const group of state.groups) events.joinGroup(group);
      yield { kind: 'resync', links: await readLinks(state) };
      yield* eventsOf(events, state);
      closeSocket(state, events);
    }
  } catch (error) {
    // A socket that we closed under a waiting read refuses it; that is the end and no failure.
    if (!state.closed) throw error;
  } finally {
    closeAll(state);
  }
}

async function readLinks(state: WatchState): Promise<Link[]> {
  const socket = openSocket(state);
  try {
    return await listLinks(new NetlinkClient(socket));
  } finally {
    closeSocket(state, socket);
  }
}

/** Events until some were lost. */
async function* eventsOf(
  socket: NetlinkTransport,
  state: WatchState,
): AsyncGenerator<LinkEvent, void, undefined> {
  while (!state.closed) {
    let datagram: Uint8Array;
    try {
      datagram = await socket.receive();
    } catch (error) {
      if (error instanceof VfleetError && error.details.errno === 'ENOBUFS') return;
      throw error;
    }
    yield* decodeLinkEvents(datagram);
  }
}

/** Link events of a datagram; other messages are passed over. Throws `kernel.malformed`. */
export function decodeLinkEvents(datagram: Uint8Array): LinkEvent[] {
  const found: LinkEvent[] = [];
  for (const { type, payload } of decodeMessages(datagram)) {
    if (type === RTM_NEWADDR || type === RTM_DELADDR) {
      const address = decodeAddress(payload);
      if (address !== undefined)
        found.push({ kind: 'address', ifIndex: address.ifIndex, scope: address.scope });
      continue;
    }
    if (type !== RTM_NEWLINK && type !== RTM_DELLINK) continue;
    const link = decodeLink(payload);
    // A bridge tells of its ports in the same group (AF_BRIDGE): RTM_DELLINK there means that a port left the bridge.
    if (payload[0] !== AF_UNSPEC) continue;
    found.push(
      type === RTM_NEWLINK
        ? { kind: 'link', link }
        : { kind: 'gone', ifIndex: link.ifIndex, name: link.name },
    );
  }
  return found;
}
