import { describe, expect, it } from 'vitest';
import { decodeMessages } from '../kernel/netlink/message.ts';
import { decodeLink, setLink, setVfSettings } from '../kernel/rtnetlink/link.ts';
import { RTNLGRP_LINK, watchLinks } from '../kernel/rtnetlink/link-events.ts';
import { writeNumVfs } from '../kernel/sysfs/sriov-change.ts';
import { openWithVfs, timeoutMs } from './testing/opened-host.ts';

describe('link events', () => {
  it('tells of changes, new links and links that go', async () => {
    const { kernel, client, ifIndex, pf } = await openWithVfs('igb', 0);
    const watch = watchLinks(() => kernel.openNetlink('route'));
    const told: string[] = [];
    for await (const event of watch) {
      if (event.kind === 'resync') {
        told.push(`resync ${event.links.length}`);
        await setLink(client, ifIndex, { mtu: 1400 });
        await writeNumVfs(kernel.files, pf, 1, timeoutMs);
        await writeNumVfs(kernel.files, pf, 0, timeoutMs);
      } else if (event.kind === 'link') told.push(`link ${event.link.name} ${event.link.mtu}`);
      else told.push(event.kind === 'gone' ? `gone ${event.name}` : event.kind);
      if (event.kind === 'gone') break;
    }
    expect(told).toEqual(['resync 3', 'link enp1s0 1400', 'link enp1s0v0 1500', 'gone enp1s0v0']);
  });

  it('tells of settings of VFs while their PF is up, and nothing while it is down', async () => {
    const { kernel, client, ifIndex } = await openWithVfs('igb', 2);
    const socket = kernel.openNetlink('route');
    socket.joinGroup(RTNLGRP_LINK);
    await setLink(client, ifIndex, { up: false });
    await setVfSettings(client, ifIndex, [{ index: 0, settings: { vlan: 5 } }]);
    await setLink(client, ifIndex, { up: true });
    await setVfSettings(client, ifIndex, [{ index: 0, settings: { vlan: 6 } }]);
    await setLink(client, ifIndex, { mtu: 1400 });
    const seen: string[] = [];
    while (seen.length < 4) {
      const { up, mtu } = decodeLink(decodeMessages(await socket.receive())[0]?.payload ?? new Uint8Array());
      seen.push(`${up} ${mtu}`);
    }
    expect(seen).toEqual(['false 1500', 'true 1500', 'true 1500', 'true 1400']);
    socket.close();
  });

  it('wakes a waiting reader when an interface arrives late', async () => {
    const { kernel, pf } = await openWithVfs('i40e', 0);
    const socket = kernel.openNetlink('route');
    socket.joinGroup(RTNLGRP_LINK);
    await writeNumVfs(kernel.files, pf, 1, timeoutMs);
    const [event] = decodeMessages(await socket.receive());
    expect(event?.type).toBe(16);
    socket.close();
    await expect(socket.receive()).rejects.toMatchObject({ details: { errno: 'EBADF' } });
  });

  it('loses events when told, and the watch reads everything again', async () => {
    const { kernel, client, ifIndex } = await openWithVfs('igb', 0, [
      { operation: 'event', errno: 'ENOBUFS', times: 1 },
    ]);
    const watch = watchLinks(() => kernel.openNetlink('route'));
    const mtus: (number | undefined)[] = [];
    for await (const event of watch) {
      if (event.kind !== 'resync') continue;
      mtus.push(event.links.find((link) => link.ifIndex === ifIndex)?.mtu);
      if (mtus.length === 2) break;
      await setLink(client, ifIndex, { mtu: 1300 });
    }
    expect(mtus).toEqual([1500, 1300]);
  });

  it('refuses a read that waits when its socket is closed', async () => {
    const { kernel } = await openWithVfs('igb', 0);
    const socket = kernel.openNetlink('route');
    const waiting = socket.receive();
    socket.close();
    await expect(waiting).rejects.toMatchObject({ details: { errno: 'EBADF' } });
    await expect(socket.send(new Uint8Array(16))).rejects.toMatchObject({ details: { errno: 'EBADF' } });
  });
});
