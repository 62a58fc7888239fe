import { describe, expect, test } from 'vitest';
import { concatBytes, encodeAttributes } from '../netlink/attributes.ts';
import { encodeMessage, NLMSG_DONE } from '../netlink/message.ts';
import { answerTo, ScriptedTransport } from '../netlink/replay.fixture.ts';
import { watchLinks } from './link-events.ts';
import type { LinkEvent, LinkWatch } from './link-events.ts';
import { encodeIfInfo, linkTable, RTM_DELLINK, RTM_NEWLINK } from './link.ts';

const AF_BRIDGE = 7;

function payloadOf(ifIndex: number, name: string, family = 0): Uint8Array {
  const header = encodeIfInfo({ ifIndex, flags: 1 });
  header[0] = family;
  return concatBytes([header, encodeAttributes(linkTable, { ifName: name, mtu: 1500 })]);
}

function event(type: number, payload: Uint8Array): Uint8Array {
  return encodeMessage({ type, flags: 0, sequence: 0, payload });
}

/** A kernel with some links: its sockets answer dumps, and those that joined the group get what is delivered. */
class LinkHost {
  readonly sockets: ScriptedTransport[] = [];
  links: readonly (readonly [ifIndex: number, name: string])[] = [];

  readonly open = (): ScriptedTransport => {
    const socket = new ScriptedTransport((request) => [
      ...this.links.map(([ifIndex, name]) =>
        answerTo(request, { type: RTM_NEWLINK, payload: payloadOf(ifIndex, name) }),
      ),
      answerTo(request, { type: NLMSG_DONE }),
    ]);
    this.sockets.push(socket);
    return socket;
  };

  get listener(): ScriptedTransport {
    const socket = this.sockets.findLast(({ groups, isClosed }) => groups.includes(1) && !isClosed);
    if (socket === undefined) throw new Error('nobody listens');
    return socket;
  }
}

function brief(found: LinkEvent): unknown {
  switch (found.kind) {
    case 'link':
      return { link: found.link.name };
    case 'gone':
      return { gone: found.name, ifIndex: found.ifIndex };
    case 'address':
      return { address: found.scope, ifIndex: found.ifIndex };
    case 'resync':
      return { resync: found.links.map(({ name }) => name) };
  }
}

async function take(events: AsyncIterator<LinkEvent>, count: number): Promise<unknown[]> {
  const found: unknown[] = [];
  for (let index = 0; index < count; index++) {
    const next = await events.next();
    if (next.done === true) break;
    found.push(brief(next.value));
  }
  return found;
}

function started(host: LinkHost): { watch: LinkWatch; events: AsyncIterator<LinkEvent> } {
  const watch = watchLinks(host.open);
  return { watch, events: watch[Symbol.asyncIterator]() };
}

describe('watching links', () => {
  test('begins with all links, then tells what comes and goes', async () => {
    const host = new LinkHost();
    host.links = [
      [1, 'lo'],
      [4, 'eth0'],
    ];
    const { watch, events } = started(host);
    expect(await take(events, 1)).toEqual([{ resync: ['lo', 'eth0'] }]);
    host.listener.deliver(event(RTM_NEWLINK, payloadOf(9, 'eth1')), event(RTM_DELLINK, payloadOf(4, 'eth0')));
    expect(await take(events, 2)).toEqual([{ link: 'eth1' }, { gone: 'eth0', ifIndex: 4 }]);
    watch.close();
  });

  test('joins the group before it reads, so that nothing falls between', async () => {
    const host = new LinkHost();
    const { watch, events } = started(host);
    host.links = [[1, 'lo']];
    const first = take(events, 2);
    host.listener.deliver(event(RTM_NEWLINK, payloadOf(2, 'eth0')));
    expect(await first).toEqual([{ resync: ['lo'] }, { link: 'eth0' }]);
    watch.close();
  });

  test('tells all messages of one datagram, and passes over other kinds', async () => {
    const host = new LinkHost();
    const { watch, events } = started(host);
    await take(events, 1);
    const datagram = concatBytes([
      event(RTM_NEWLINK, payloadOf(2, 'a')),
      event(24, new Uint8Array(12)),
      event(RTM_NEWLINK, payloadOf(3, 'b')),
    ]);
    host.listener.deliver(datagram);
    expect(await take(events, 2)).toEqual([{ link: 'a' }, { link: 'b' }]);
    watch.close();
  });

  test('does not take a port that leaves its bridge for a link that is gone', async () => {
    const host = new LinkHost();
    const { watch, events } = started(host);
    await take(events, 1);
    host.listener.deliver(
      event(RTM_DELLINK, payloadOf(4, 'eth0', AF_BRIDGE)),
      event(RTM_NEWLINK, payloadOf(4, 'eth0', AF_BRIDGE)),
      event(RTM_NEWLINK, payloadOf(4, 'eth0')),
    );
    expect(await take(events, 1)).toEqual([{ link: 'eth0' }]);
    watch.close();
  });

  test('answers lost events with everything anew, and never tells what is older than that', async () => {
    const host = new LinkHost();
    host.links = [[1, 'lo']];
    const { watch, events } = started(host);
    await take(events, 1);
    const overrun = host.listener;
    host.links = [
      [1, 'lo'],
      [6, 'new'],
    ];
    // The kernel reports the loss first, though events from before it still wait.
    overrun.deliver({ errno: 'ENOBUFS' }, event(RTM_NEWLINK, payloadOf(5, 'since-deleted')));
    expect(await take(events, 1)).toEqual([{ resync: ['lo', 'new'] }]);
    expect(overrun.isClosed).toBe(true);
    host.listener.deliver(event(RTM_DELLINK, payloadOf(6, 'new')));
    expect(await take(events, 1)).toEqual([{ gone: 'new', ifIndex: 6 }]);
    watch.close();
  });

  test('survives one loss after the other', async () => {
    const host = new LinkHost();
    const { watch, events } = started(host);
    await take(events, 1);
    for (let round = 0; round < 5; round++) {
      host.links = [[round + 1, `eth${round}`]];
      host.listener.deliver({ errno: 'ENOBUFS' });
      expect(await take(events, 1)).toEqual([{ resync: [`eth${round}`] }]);
    }
    watch.close();
    expect(host.sockets.every(({ isClosed }) => isClosed)).toBe(true);
  });

  test('ends when it is closed while it waits, and leaves no socket open', async () => {
    const host = new LinkHost();
    const { watch, events } = started(host);
    await take(events, 1);
    const waiting = events.next();
    watch.close();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(host.sockets.every(({ isClosed }) => isClosed)).toBe(true);
  });

  test('ends when it is closed in the middle of the first read', async () => {
    const host = new LinkHost();
    const { watch, events } = started(host);
    const first = events.next();
    watch.close();
    expect(await first).toMatchObject({ done: true });
    expect(host.sockets.every(({ isClosed }) => isClosed)).toBe(true);
  });

  test('opens nothing when it was closed before', async () => {
    const host = new LinkHost();
    const { watch, events } = started(host);
    watch.close();
    expect(await events.next()).toMatchObject({ done: true });
    expect(host.sockets).toEqual([]);
  });

  test('leaving the loop closes the sockets', async () => {
    const host = new LinkHost();
    const kinds: string[] = [];
    for await (const found of watchLinks(host.open)) {
      kinds.push(found.kind);
      break;
    }
    expect(kinds).toEqual(['resync']);
    expect(host.sockets.map(({ isClosed }) => isClosed)).toEqual([true, true]);
  });

  test.each([
    ['an event that is malformed', event(RTM_NEWLINK, new Uint8Array(4)), 'kernel.malformed'],
    ['another refusal', { errno: 'EIO' }, 'kernel.refused'],
  ] as const)('%s is thrown, and the sockets are closed', async (_, delivery, code) => {
    const host = new LinkHost();
    const { events } = started(host);
    await take(events, 1);
    host.listener.deliver(delivery);
    await expect(events.next()).rejects.toMatchObject({ code });
    expect(host.sockets.every(({ isClosed }) => isClosed)).toBe(true);
  });
});
