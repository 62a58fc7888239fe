import { describe, expect, it } from 'vitest';
import { concatBytes, encodeAttribute, encodeAttributes, u32 } from '../../kernel/netlink/attributes.ts';
import {
  decodeAcknowledgement,
  decodeMessages,
  encodeMessage,
  NLM_F_ACK,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
} from '../../kernel/netlink/message.ts';
import { listAddresses } from '../../kernel/rtnetlink/address.ts';
import {
  encodeIfInfo,
  linkTable,
  listLinks,
  readLink,
  RTEXT_FILTER_VF,
  RTM_GETLINK,
  setLink,
} from '../../kernel/rtnetlink/link.ts';
import { openWithVfs } from '../testing/opened-host.ts';

describe('links', () => {
  it('lists the links of the namespace and reads one', async () => {
    const { client, ifIndex } = await openWithVfs('igb', 2);
    const links = await listLinks(client);
    expect(links.map(({ name }) => name)).toEqual(['lo', 'enp1s0', 'enp2s0', 'enp1s0v0', 'enp1s0v1']);
    const link = await readLink(client, ifIndex);
    expect(link).toMatchObject({ name: 'enp1s0', up: true, mtu: 1500 });
    expect(link.attributes).toMatchObject({
      minMtu: 68,
      maxMtu: 9216,
      address: '52:54:00:82:57:01',
      parentDeviceName: '0000:01:00.0',
      parentBusName: 'pci',
    });
    expect(link.attributes.unknown?.length).toBeGreaterThan(5);
    await expect(readLink(client, 99)).rejects.toMatchObject({ details: { errno: 'ENODEV' } });
  });

  it('shows an igb VF as igb does', async () => {
    const opened = await openWithVfs('igb', 1);
    const { vfs = [] } = await readLink(opened.client, opened.ifIndex, { vfs: true, statistics: true });
    const [vf] = vfs;
    expect(vf?.settings).toMatchObject({
      vlan: 0,
      qos: 0,
      minTxRateMbps: 0,
      maxTxRateMbps: 0,
      spoofCheck: true,
      trust: false,
      linkState: 'auto',
    });
    // igbvf had no address from the PF and took a random one.
    expect(vf?.settings.mac).toMatch(/^[0-9a-f][26ae]:/);
    expect(vf?.settings).not.toHaveProperty('rssQuery');
    expect(vf?.statistics).toMatchObject({ rxPackets: 0, txDropped: 0 });
    const without = await readLink(opened.client, opened.ifIndex, { vfs: true });
    expect(without.vfs?.[0]).not.toHaveProperty('statistics');
  });

  it('wraps the length of a list of 256 VFs, and the reader sees them all', async () => {
    const { kernel, client, ifIndex } = await openWithVfs('netdevsim', 256);
    const { vfs = [] } = await readLink(client, ifIndex, { vfs: true, statistics: true });
    expect(vfs.map(({ index }) => index)).toEqual(Array.from({ length: 256 }, (_, index) => index));
    const socket = kernel.openNetlink('route');
    const payload = concatBytes([
      encodeIfInfo({ ifIndex }),
      encodeAttributes(linkTable, { extMask: RTEXT_FILTER_VF }),
    ]);
    await socket.send(encodeMessage({ type: RTM_GETLINK, flags: NLM_F_REQUEST, sequence: 1, payload }));
    const datagram = await socket.receive();
    // As large as the real one (77,340 bytes in the lab), more than a 16-bit length can say.
    expect(datagram.byteLength).toBeGreaterThan(76_000);
    expect(datagram.byteLength).toBeLessThan(78_500);
  });

  it('answers a dump in several datagrams that end in NLMSG_DONE', async () => {
    const { kernel } = await openWithVfs('igb', 7);
    const socket = kernel.openNetlink('route');
    const flags = NLM_F_REQUEST | NLM_F_DUMP;
    await socket.send(encodeMessage({ type: RTM_GETLINK, flags, sequence: 7, payload: encodeIfInfo({}) }));
    // Until it is received, the socket takes no other one.
    await socket.send(encodeMessage({ type: RTM_GETLINK, flags, sequence: 8, payload: encodeIfInfo({}) }));
    const datagrams = [decodeMessages(await socket.receive())];
    while (datagrams.at(-1)?.at(-1)?.type !== NLMSG_DONE)
      datagrams.push(decodeMessages(await socket.receive()));
    expect(datagrams.length).toBeGreaterThan(2);
    expect(datagrams.flat().every(({ sequence }) => sequence === 7)).toBe(true);
    const [refusal] = decodeMessages(await socket.receive());
    expect(refusal?.type).toBe(NLMSG_ERROR);
    expect(refusal === undefined ? undefined : decodeAcknowledgement(refusal)).toEqual({ errno: 16 });
  });

  it('repeats a dump that is marked as interrupted', async () => {
    const { client } = await openWithVfs('igb', 0, [{ operation: 'getlink', interrupted: true, times: 2 }]);
    expect(await listLinks(client)).toHaveLength(3);
  });

  it('checks strictly and caps its acks', async () => {
    const { kernel, ifIndex } = await openWithVfs('igb', 0);
    const socket = kernel.openNetlink('route');
    const ask = async (payload: Uint8Array) => {
      const flags = NLM_F_REQUEST | NLM_F_ACK;
      await socket.send(encodeMessage({ type: RTM_GETLINK, flags, sequence: 1, payload }));
      const [answer] = decodeMessages(await socket.receive());
      if (answer === undefined) throw new Error('no answer');
      return answer;
    };
    const header = encodeIfInfo({ ifIndex });
    const strange = await ask(concatBytes([header, encodeAttribute(4, u32.encode(1500))]));
    expect(strange.flags).toBe(NLM_F_CAPPED | NLM_F_ACK_TLVS);
    expect(decodeAcknowledgement(strange)).toEqual({
      errno: 22,
      kernelMessage: 'Unsupported attribute in get link request',
    });
    expect(decodeAcknowledgement(await ask(header.subarray(0, 8)))).toMatchObject({
      kernelMessage: 'Invalid header for get link',
    });
    expect(decodeAcknowledgement(await ask(encodeIfInfo({ ifIndex, flags: 1 })))).toMatchObject({
      kernelMessage: 'Invalid values in header for get link request',
    });
    expect(decodeAcknowledgement(await ask(concatBytes([header, Uint8Array.of(9, 0, 1, 0)])))).toMatchObject({
      kernelMessage: 'bytes leftover after parsing attributes',
    });
  });

  it('sets MTU and state within their bounds', async () => {
    const { client, ifIndex } = await openWithVfs('igb', 0);
    await setLink(client, ifIndex, { mtu: 9000, up: false });
    expect(await readLink(client, ifIndex)).toMatchObject({ mtu: 9000, up: false });
    await expect(setLink(client, ifIndex, { mtu: 9217 })).rejects.toMatchObject({
      details: { errno: 'EINVAL', kernelMessage: 'mtu greater than device maximum' },
    });
    await expect(setLink(client, ifIndex, { mtu: 67 })).rejects.toMatchObject({
      details: { errno: 'EINVAL', kernelMessage: 'mtu less than device minimum' },
    });
    expect((await readLink(client, ifIndex)).mtu).toBe(9000);
  });

  it('needs CAP_NET_ADMIN for changes', async () => {
    const { kernel, client, ifIndex } = await openWithVfs('igb', 0);
    kernel.change((state) => {
      state.capEff = '0000000000000000';
    });
    await expect(setLink(client, ifIndex, { mtu: 1400 })).rejects.toMatchObject({
      details: { errno: 'EPERM' },
    });
    expect((await readLink(client, ifIndex)).mtu).toBe(1500);
  });

  it('lists addresses', async () => {
    const { kernel, client, pf } = await openWithVfs('igb', 1);
    kernel.holdVf(pf, 0, { kind: 'netdev', address: '192.0.2.1/24' });
    expect(await listAddresses(client)).toEqual([
      { ifIndex: 1, family: 'ipv4', address: '127.0.0.1', prefixLength: 8, scope: 'host' },
      { ifIndex: 4, family: 'ipv4', address: '192.0.2.1', prefixLength: 24, scope: 'global' },
    ]);
  });
});
