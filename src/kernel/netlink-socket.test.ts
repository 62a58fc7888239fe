// Against the real kernel of the machine that runs the tests, in a network namespace of their own.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VfleetError } from '../base/errors.ts';
import type { NetlinkTransport } from './kernel.ts';
import { openNetlinkSocket } from './netlink-socket.ts';
import { NetlinkClient } from './netlink/client.ts';
import { makeNamespace, whyNoNamespace } from './network-namespace.fixture.ts';
import type { TestNamespace } from './network-namespace.fixture.ts';
import { readFamily } from './genetlink/family.ts';
import { listAddresses } from './rtnetlink/address.ts';
import { watchLinks } from './rtnetlink/link-events.ts';
import type { LinkEvent } from './rtnetlink/link-events.ts';
import { listLinks, readLink, setLink } from './rtnetlink/link.ts';

describe('a netlink socket in our own namespace', () => {
  test('reads lo, its addresses and the controller of generic netlink', async () => {
    const route = new NetlinkClient(openNetlinkSocket('route'));
    const generic = new NetlinkClient(openNetlinkSocket('generic'));
    try {
      const lo = (await listLinks(route)).find(({ name }) => name === 'lo');
      expect(lo?.attributes.address).toBe('00:00:00:00:00:00');
      expect(await readLink(route, lo?.ifIndex ?? 0)).toMatchObject({ name: 'lo', mtu: lo?.mtu });
      const addresses = await listAddresses(route);
      expect(addresses.every(({ prefixLength }) => prefixLength <= 128)).toBe(true);
      expect(await readFamily(generic, 'nlctrl')).toMatchObject({ name: 'nlctrl', id: 16 });
      expect(await readFamily(generic, 'no such family')).toBeUndefined();
    } finally {
      route.close();
      generic.close();
    }
  });

  test('refuses what the kernel refuses', async () => {
    const client = new NetlinkClient(openNetlinkSocket('route'));
    await expect(readLink(client, 0x7fff_fff0)).rejects.toMatchObject({
      code: 'kernel.refused',
      details: { errno: 'ENODEV' },
    });
    client.close();
  });

  test('that is closed while it waits ends the wait, and refuses what comes later', async () => {
    const socket = openNetlinkSocket('route');
    const waiting = socket.receive();
    setImmediate(() => socket.close());
    const closed = { code: 'kernel.refused', details: { errno: 'EBADF' } };
    await expect(waiting).rejects.toMatchObject(closed);
    await expect(socket.receive()).rejects.toMatchObject(closed);
    await expect(socket.send(new Uint8Array(16))).rejects.toMatchObject(closed);
    socket.close();
  });

  test('can be closed at any moment of a wait', async () => {
    for (let turns = 0; turns < 40; turns++) {
      const socket = openNetlinkSocket('route');
      const both = Promise.allSettled([socket.receive(), socket.receive()]);
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      if (turns % 4 === 3) await new Promise(setImmediate);
      socket.close();
      const ends = await both;
      const closed = { status: 'rejected', reason: { details: { errno: 'EBADF' } } };
      expect(ends).toMatchObject([closed, closed]);
      expect(() => socket.joinGroup(1)).toThrow(VfleetError);
    }
  });

  test('that waits does not hold up anything else', async () => {
    const socket = openNetlinkSocket('route');
    let isOver = false;
    const waiting = socket.receive().catch(() => {
      isOver = true;
    });
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    expect(isOver).toBe(false);
    socket.close();
    await waiting;
    expect(isOver).toBe(true);
  });

  test('cannot be opened in a namespace that is not there', () => {
    expect(() => openNetlinkSocket('route', { netns: '/run/netns/no-such-namespace' })).toThrow(
      expect.objectContaining({ code: 'kernel.absent' }),
    );
  });
});

const missing = whyNoNamespace();

describe.skipIf(missing !== undefined)(
  `links of a namespace${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    let namespace: TestNamespace;
    const clients: NetlinkClient[] = [];

    beforeAll(() => {
      namespace = makeNamespace();
      namespace.ip('link', 'add', 'name', 'left', 'type', 'veth', 'peer', 'name', 'right');
    });
    afterAll(() => {
      for (const client of clients) client.close();
      namespace.remove();
    });

    function open(): NetlinkTransport {
      return openNetlinkSocket('route', { netns: namespace.path });
    }
    function client(): NetlinkClient {
      const opened = new NetlinkClient(open());
      clients.push(opened);
      return opened;
    }
    async function ifIndexOf(route: NetlinkClient, name: string): Promise<number> {
      return (await listLinks(route)).find((link) => link.name === name)?.ifIndex ?? 0;
    }

    test('are other links than ours, and ours are still there afterwards', async () => {
      const inside = await listLinks(client());
      expect(inside.map(({ name }) => name).sort()).toEqual(['left', 'lo', 'right']);
      const ours = new NetlinkClient(openNetlinkSocket('route'));
      expect((await listLinks(ours)).map(({ name }) => name)).not.toContain('left');
      ours.close();
    });

    test('take MTU and state, and show them', async () => {
      const route = client();
      const left = await ifIndexOf(route, 'left');
      await setLink(route, left, { mtu: 2345, up: true });
      expect(await readLink(route, left)).toMatchObject({ name: 'left', mtu: 2345, up: true });
      await setLink(route, left, { up: false });
      expect(await readLink(route, left)).toMatchObject({ mtu: 2345, up: false });
      expect((await readLink(route, left)).attributes.linkInfo?.kind).toBe('veth');
    });

    test("say why not in the kernel's own words", async () => {
      const route = client();
      const left = await ifIndexOf(route, 'left');
      await expect(setLink(route, left, { mtu: 1 })).rejects.toMatchObject({
        code: 'kernel.refused',
        details: {
          operation: `RTM_SETLINK ${left}`,
          errno: 'EINVAL',
          kernelMessage: 'mtu less than device minimum',
        },
      });
    });

    test('have addresses', async () => {
      const route = client();
      namespace.ip('address', 'add', '192.0.2.7/24', 'dev', 'left');
      namespace.ip('address', 'add', '2001:db8::7/64', 'dev', 'left');
      const left = await ifIndexOf(route, 'left');
      const found = (await listAddresses(route)).filter(({ ifIndex }) => ifIndex === left);
      expect(found.map(({ address, prefixLength }) => `${address}/${prefixLength}`)).toEqual([
        '192.0.2.7/24',
        '2001:db8::7/64',
      ]);
    });

    test('are told of as they come, change and go', async () => {
      const route = client();
      const watch = watchLinks(open);
      const events = watch[Symbol.asyncIterator]();
      const until = async (isIt: (event: LinkEvent) => boolean): Promise<LinkEvent | undefined> => {
        for (;;) {
          const next = await events.next();
          if (next.done === true) return undefined;
          if (isIt(next.value)) return next.value;
        }
      };
      const first = await until(() => true);
      expect(first?.kind === 'resync' && first.links.map(({ name }) => name)).toContain('left');
      namespace.ip('link', 'add', 'name', 'more', 'type', 'veth', 'peer', 'name', 'less');
      await until((event) => event.kind === 'link' && event.link.name === 'more');
      await setLink(route, await ifIndexOf(route, 'more'), { mtu: 1777 });
      await until((event) => event.kind === 'link' && event.link.name === 'more' && event.link.mtu === 1777);
      namespace.ip('link', 'del', 'more');
      const left = new Set(['more', 'less']);
      await until((event) => event.kind === 'gone' && left.delete(event.name) && left.size === 0);
      expect(left.size).toBe(0);
      const waiting = events.next();
      setImmediate(() => watch.close());
      expect(await waiting).toMatchObject({ done: true });
    });

    test('tell of addresses that come and go, when they are asked to', async () => {
      const left = await ifIndexOf(client(), 'left');
      const watch = watchLinks(open, { addresses: true });
      const events = watch[Symbol.asyncIterator]();
      expect(await events.next()).toMatchObject({ value: { kind: 'resync' } });
      for (const address of ['198.51.100.9/32', '2001:db8:1::9/128']) {
        for (const verb of ['add', 'del']) {
          namespace.ip('address', verb, address, 'dev', 'left', ...(verb === 'add' ? ['noprefixroute'] : []));
          expect(await events.next()).toMatchObject({
            value: { kind: 'address', ifIndex: left, scope: 'global' },
          });
        }
      }
      watch.close();
    });

    // A socket takes 16 MiB of events, at least 2 KiB each as the kernel counts; a change of the MTU makes one or two.
    const tooManyChanges = Array.from(
      { length: 10_000 },
      (_, index) => `link set dev right mtu ${1400 + (index % 2)}`,
    );

    test('that change while the event loop stands still wake one that waits', async () => {
      const watch = watchLinks(open);
      const events = watch[Symbol.asyncIterator]();
      await events.next();
      const waiting = events.next();
      await new Promise(setImmediate);
      namespace.ipBatch(tooManyChanges);
      expect(await waiting).toMatchObject({ value: { kind: 'resync' } });
      watch.close();
    });

    test('that change faster than they are told of are read anew', async () => {
      const route = client();
      const right = await ifIndexOf(route, 'right');
      const watch = watchLinks(open);
      const events = watch[Symbol.asyncIterator]();
      expect(await events.next()).toMatchObject({ value: { kind: 'resync' } });
      namespace.ipBatch([...tooManyChanges, 'link set dev right mtu 1499']);
      const next = await events.next();
      const found = next.done === true ? undefined : next.value;
      expect(found?.kind).toBe('resync');
      expect(found?.kind === 'resync' && found.links.find(({ ifIndex }) => ifIndex === right)?.mtu).toBe(
        1499,
      );
      // What comes later is told again.
      await setLink(route, right, { mtu: 1498 });
      expect(await events.next()).toMatchObject({ value: { kind: 'link', link: { mtu: 1498 } } });
      watch.close();
    });
  },
);

describe.skipIf(missing !== undefined)(
  `500 links${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    let namespace: TestNamespace;
    beforeAll(() => {
      namespace = makeNamespace();
      const pairs = Array.from({ length: 250 }, (_, index) => index);
      namespace.ipBatch(pairs.map((index) => `link add name a${index} type veth peer name b${index}`));
    });
    afterAll(() => namespace.remove());

    test('are all in one dump, each once', async () => {
      const client = new NetlinkClient(openNetlinkSocket('route', { netns: namespace.path }));
      const links = await listLinks(client);
      client.close();
      expect(new Set(links.map(({ ifIndex }) => ifIndex)).size).toBe(501);
      expect(new Set(links.map(({ name }) => name)).size).toBe(501);
    });

    test('are the same for many clients at once', async () => {
      const clients = Array.from(
        { length: 8 },
        () => new NetlinkClient(openNetlinkSocket('route', { netns: namespace.path })),
      );
      const lists = await Promise.all(clients.map(async (client) => listLinks(client)));
      for (const client of clients) client.close();
      expect(lists.map((links) => links.length)).toEqual(lists.map(() => 501));
    });
  },
);
