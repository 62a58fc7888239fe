import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NetlinkTransport } from '../kernel.ts';
import { call } from '../libc.ts';
import { NetlinkClient } from '../netlink/client.ts';
import { openNetlinkSocket } from '../netlink-socket.ts';
import { watchLinks } from './link-events.ts';
import type { LinkEvent } from './link-events.ts';
import { listLinks, setLink } from './link.ts';
import type { Link } from './link.ts';

const pf = '0000:01:00.0';
const numVfsFile = `/sys/bus/pci/devices/${pf}/sriov_numvfs`;
// include/uapi/asm-generic/socket.h
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;

/** Takes events until one is what is looked for; gives back all of them. */
async function eventsUntil(
  events: AsyncIterator<LinkEvent>,
  isLookedFor: (event: LinkEvent) => boolean,
): Promise<LinkEvent[]> {
  const seen: LinkEvent[] = [];
  for (;;) {
    const { value, done } = await events.next();
    if (done === true) throw new Error('the watch ended');
    seen.push(value);
    if (isLookedFor(value)) return seen;
  }
}

/** Links of VFs that an event tells of. */
function vfLinks(event: LinkEvent): readonly Link[] {
  return event.kind === 'link' && event.link.attributes.parentDeviceName?.startsWith('0000:01:1') === true
    ? [event.link]
    : [];
}

/** A socket whose queue holds next to nothing once it is in a group, so that events are soon lost. */
function openForgetfulSocket(): NetlinkTransport {
  const sockets = (): string[] =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
      } catch {
        // The folder's own descriptor is closed by now.
        return false;
      }
    });
  const before = new Set(sockets());
  const transport = openNetlinkSocket('route');
  const fd = Number(sockets().find((each) => !before.has(each)));
  return {
    send: async (datagram) => transport.send(datagram),
    receive: async (options) => transport.receive(options),
    close: () => transport.close(),
    joinGroup: (group) => {
      transport.joinGroup(group);
      // The kernel raises 1 to its least.
      const { errno } = call('setsockopt', fd, SOL_SOCKET, SO_RCVBUF, Buffer.from([1, 0, 0, 0]), 4);
      if (errno !== 0) throw new Error(`SO_RCVBUF: errno ${errno}`);
    },
  };
}

describe('watching links', () => {
  const client = new NetlinkClient(openNetlinkSocket('route'));

  async function readPf(): Promise<Link> {
    const link = (await listLinks(client)).find(({ attributes }) => attributes.parentDeviceName === pf);
    if (link === undefined) throw new Error('the lab has no igb');
    return link;
  }

  beforeAll(async () => {
    writeFileSync(numVfsFile, '0');
    // Up, it loses its carrier with each MTU and gets it back in its own time, and tells of that as well.
    await setLink(client, (await readPf()).ifIndex, { up: false });
  });
  afterAll(() => {
    writeFileSync(numVfsFile, '0');
    client.close();
  });

  it('sees VFs come and go', async () => {
    const watch = watchLinks(() => openNetlinkSocket('route'));
    const events = watch[Symbol.asyncIterator]();
    const [first] = await eventsUntil(events, ({ kind }) => kind === 'resync');
    expect(first?.kind === 'resync' && first.links.map(({ name }) => name)).toContain('lo');
    writeFileSync(numVfsFile, '2');
    const come = new Map<number, string>();
    await eventsUntil(events, (event) => {
      for (const { ifIndex, name } of vfLinks(event)) come.set(ifIndex, name);
      return come.size === 2;
    });
    const names = readdirSync(`/sys/bus/pci/devices/0000:01:10.0/net`);
    expect([...come.values()]).toEqual(expect.arrayContaining(names));
    writeFileSync(numVfsFile, '0');
    const gone = new Set<number>();
    await eventsUntil(events, (event) => {
      if (event.kind === 'gone') gone.add(event.ifIndex);
      return gone.size === 2;
    });
    expect(gone).toEqual(new Set(come.keys()));
    watch.close();
    expect(await events.next()).toMatchObject({ done: true });
  });

  it('answers lost events with all links as they are, and goes on', async () => {
    const link = await readPf();
    const watch = watchLinks(openForgetfulSocket);
    const events = watch[Symbol.asyncIterator]();
    await eventsUntil(events, ({ kind }) => kind === 'resync');
    // Nobody takes the events of these changes.
    for (let mtu = 1400; mtu < 1420; mtu++) await setLink(client, link.ifIndex, { mtu });
    const seen = await eventsUntil(events, ({ kind }) => kind === 'resync');
    const resync = seen.at(-1);
    expect(seen.length).toBeLessThan(20);
    expect(
      resync?.kind === 'resync' && resync.links.find(({ ifIndex }) => ifIndex === link.ifIndex)?.mtu,
    ).toBe(1419);
    await setLink(client, link.ifIndex, { mtu: link.mtu });
    const [next] = await eventsUntil(
      events,
      (event) => event.kind === 'link' && event.link.ifIndex === link.ifIndex,
    );
    expect(next).toMatchObject({ kind: 'link', link: { mtu: link.mtu } });
    watch.close();
  });
});
