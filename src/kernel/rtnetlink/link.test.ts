import { describe, expect, test } from 'vitest';
import type { VfIndex } from '../../base/identifiers.ts';
import { concatBytes, encodeAttribute, encodeAttributes } from '../netlink/attributes.ts';
import { NetlinkClient } from '../netlink/client.ts';
import { encodeAcknowledgement, NLMSG_DONE, NLMSG_ERROR } from '../netlink/message.ts';
import type { NetlinkMessage } from '../netlink/message.ts';
import { answerTo, bytesOfHex, replay, ScriptedTransport } from '../netlink/replay.fixture.ts';
import { loopbackDialogue, vfDialogue } from './captured-links.fixture.ts';
import {
  decodeLink,
  encodeIfInfo,
  IFLA_VFINFO_LIST,
  linkTable,
  listLinks,
  readLink,
  readVfList,
  RTM_NEWLINK,
  setLink,
  setVfSettings,
} from './link.ts';
import type { Link } from './link.ts';
import { encodeVfInfo, joinVfInfos } from './vf-info-table.ts';
import type { VfInfo } from './vf-info.ts';

const malformed: unknown = expect.objectContaining({ code: 'kernel.malformed' });

function linkPayload(ifIndex: number, name: string): Uint8Array {
  return concatBytes([
    encodeIfInfo({ ifIndex, flags: 1 }),
    encodeAttributes(linkTable, { ifName: name, mtu: 1500 }),
  ]);
}

function acknowledged(request: NetlinkMessage): Uint8Array {
  return answerTo(request, { type: NLMSG_ERROR, ...encodeAcknowledgement(request, { errno: 0 }) });
}

describe('captured links', () => {
  test('lo', async () => {
    const link = await readLink(new NetlinkClient(replay(loopbackDialogue)), 1, {
      vfs: true,
      statistics: true,
    });
    expect(link).toMatchObject({ ifIndex: 1, name: 'lo', up: true, mtu: 65536, vfs: [] });
    expect(link.attributes).toMatchObject({ address: '00:00:00:00:00:00', operState: 0, carrier: 1 });
    expect(link.attributes).not.toHaveProperty('permanentAddress');
  });

  test('a PF with three VFs', async () => {
    const link = await readLink(new NetlinkClient(replay(vfDialogue)), 4, { vfs: true, statistics: true });
    expect(link).toMatchObject({ ifIndex: 4, name: 'eth2', up: true });
    expect(link.attributes).toMatchObject({ numVf: 3, parentDeviceName: 'netdevsim1' });
    expect(link.vfs?.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(link.vfs?.[2]).toEqual({
      index: 2,
      settings: {
        mac: '00:00:00:00:00:00',
        vlan: 0,
        qos: 0,
        minTxRateMbps: 0,
        maxTxRateMbps: 0,
        spoofCheck: false,
        trust: false,
        linkState: 'auto',
        rssQuery: false,
      },
      statistics: {
        rxPackets: 0,
        txPackets: 0,
        rxBytes: 0,
        txBytes: 0,
        broadcast: 0,
        multicast: 0,
        rxDropped: 0,
        txDropped: 0,
      },
    });
  });

  test('a captured link is written again with all its attributes, known and unknown', () => {
    const payload = bytesOfHex(loopbackDialogue[0]?.received[0] ?? '').subarray(16);
    const link = decodeLink(payload);
    expect(link.attributes.unknown?.length).toBeGreaterThan(20);
    const again = concatBytes([payload.subarray(0, 16), encodeAttributes(linkTable, link.attributes)]);
    expect(again.byteLength).toBe(payload.byteLength);
    expect(decodeLink(again)).toEqual(link);
  });
});

describe('links', () => {
  test('are listed from a dump; messages of another kind are passed over', async () => {
    const transport = new ScriptedTransport((request) => [
      answerTo(request, { type: RTM_NEWLINK, payload: linkPayload(1, 'lo') }),
      answerTo(request, { type: 20, payload: new Uint8Array(8) }),
      answerTo(request, { type: RTM_NEWLINK, payload: linkPayload(7, 'eth5') }),
      answerTo(request, { type: NLMSG_DONE }),
    ]);
    const links = await listLinks(new NetlinkClient(transport));
    expect(links.map(({ ifIndex, name, up }) => ({ ifIndex, name, up }))).toEqual([
      { ifIndex: 1, name: 'lo', up: true },
      { ifIndex: 7, name: 'eth5', up: true },
    ]);
  });

  test('without a header are malformed', () => {
    expect(() => decodeLink(new Uint8Array(15))).toThrow(malformed);
  });

  test.each([
    [{ mtu: 9000 }, '00000000 05000000 00000000 00000000 08000400 28230000'],
    [{ up: true }, '00000000 05000000 01000000 01000000'],
    [{ up: false }, '00000000 05000000 00000000 01000000'],
  ])('are changed by %o in these bytes', async (change, hex) => {
    const transport = new ScriptedTransport((request) => [acknowledged(request)]);
    await setLink(new NetlinkClient(transport), 5, change);
    expect(transport.requests.map(({ payload }) => Uint8Array.from(payload))).toEqual([bytesOfHex(hex)]);
  });
});

describe('VF settings', () => {
  test('of 256 VFs go in one message', async () => {
    const transport = new ScriptedTransport((request) => [acknowledged(request)]);
    const requests = Array.from({ length: 256 }, (_, index) => ({
      index,
      settings: { mac: '02:00:00:00:00:01', vlan: 100, spoofCheck: true, trust: true },
    }));
    await setVfSettings(new NetlinkClient(transport), 5, requests);
    expect(transport.requests).toHaveLength(1);
  });

  test('that do not fit in one list go in several messages, each VF once and in order', async () => {
    const transport = new ScriptedTransport((request) => [acknowledged(request)]);
    const requests = Array.from({ length: 1500 }, (_, index) => ({
      index,
      settings: { mac: '02:00:00:00:00:01', vlan: 100, spoofCheck: true, trust: true },
    }));
    await setVfSettings(new NetlinkClient(transport), 5, requests);
    expect(transport.requests.length).toBeGreaterThan(1);
    const found = transport.requests.flatMap(({ payload }) => decodeLink(payload).vfs ?? []);
    expect(found.map(({ index }) => index)).toEqual(requests.map(({ index }) => index));
  });

  test('of no VF send nothing', async () => {
    const transport = new ScriptedTransport();
    await setVfSettings(new NetlinkClient(transport), 5, []);
    expect(transport.requests).toEqual([]);
  });
});

// The kernel closes the list with its low 16 bits only, so that a longer one lies about its length.
describe('a VF list longer than its length can say', () => {
  const statistics = {
    rxPackets: 1,
    txPackets: 2,
    rxBytes: 3,
    txBytes: 4,
    broadcast: 5,
    multicast: 6,
    rxDropped: 7,
    txDropped: 8,
  };

  function vf(index: number): VfInfo {
    const byte = index.toString(16).padStart(4, '0');
    return {
      index: index as VfIndex,
      settings: {
        mac: `02:00:00:00:${byte.slice(0, 2)}:${byte.slice(2)}`,
        vlan: index % 4095,
        qos: index % 8,
        vlanProtocol: '802.1Q',
        minTxRateMbps: index,
        maxTxRateMbps: index + 1,
        spoofCheck: index % 2 === 0,
        trust: index % 3 === 0,
        linkState: 'enable',
        rssQuery: false,
      },
      statistics,
    };
  }

  function vfs(count: number): VfInfo[] {
    return Array.from({ length: count }, (_, index) => vf(index));
  }

  /** IFLA_VFINFO_LIST as nla_nest_end leaves it, between the attributes that stand around it in a real message. */
  function message(
    entries: Uint8Array,
    options: { numVf: number; stored?: number; after?: Uint8Array },
  ): Uint8Array {
    const list = new Uint8Array(4 + entries.byteLength);
    const view = new DataView(list.buffer);
    view.setUint16(0, (options.stored ?? list.byteLength) & 0xffff, true);
    view.setUint16(2, IFLA_VFINFO_LIST, true);
    list.set(entries, 4);
    return concatBytes([
      encodeIfInfo({ ifIndex: 4, flags: 1 }),
      encodeAttributes(linkTable, { address: '02:00:00:00:00:01', ifName: 'eth2', mtu: 1500 }),
      encodeAttributes(linkTable, { numVf: options.numVf }),
      list,
      options.after ?? encodeAttributes(linkTable, { carrier: 1, parentDeviceName: 'netdevsim1' }),
    ]);
  }

  function listOf(link: Link): number[] | undefined {
    return link.vfs?.map(({ index }) => index);
  }

  test.each([1, 216, 217, 218, 255, 256, 1024])('%i VFs are read, and what stands behind them', (count) => {
    const given = vfs(count);
    const link = decodeLink(message(joinVfInfos(given.map(encodeVfInfo)), { numVf: count }));
    expect(link.vfs).toEqual(given);
    expect(link.attributes).toMatchObject({ ifName: 'eth2', carrier: 1, parentDeviceName: 'netdevsim1' });
  });

  test('the list of 256 VFs is read whole as it is written, and without VFs it is empty', async () => {
    const entries = joinVfInfos(vfs(256).map(encodeVfInfo));
    const payloads = [message(entries, { numVf: 256 }), linkPayload(4, 'eth2')];
    const transport = new ScriptedTransport((request) => [
      answerTo(request, { type: RTM_NEWLINK, payload: payloads.shift() ?? new Uint8Array() }),
      acknowledged(request),
    ]);
    const client = new NetlinkClient(transport);
    expect(Buffer.compare(await readVfList(client, 4), entries)).toBe(0);
    expect(await readVfList(client, 4)).toEqual(new Uint8Array());
    client.close();
  });

  test('256 VFs really wrap the length', () => {
    const sizeBytes = joinVfInfos(vfs(256).map(encodeVfInfo)).byteLength;
    expect(sizeBytes).toBeGreaterThan(0xffff);
  });

  test.each([-4, 0, 4])('a list whose length ends %i bytes from 65,536 is read', (distance) => {
    const entries = vfs(210).map(encodeVfInfo);
    const missing = 0x10000 + distance - 4 - joinVfInfos(entries).byteLength;
    // One entry more, filled up with an attribute that no program knows.
    const last = encodeVfInfo(vf(210));
    const filler = encodeAttribute(99, new Uint8Array(missing - last.byteLength - 4));
    const filled = encodeAttribute(1, concatBytes([last.subarray(4), filler]));
    const all = joinVfInfos([...entries, filled]);
    expect(4 + all.byteLength).toBe(0x10000 + distance);
    const link = decodeLink(message(all, { numVf: 211 }));
    expect(listOf(link)).toEqual(Array.from({ length: 211 }, (_, index) => index));
    expect(link.attributes.carrier).toBe(1);
  });

  test('VFs that the driver says nothing about are missing in the list, and the rest is read', () => {
    // rtnl_fill_vfinfo adds no entry when ndo_get_vf_config fails.
    const given = vfs(256).filter(({ index }) => index % 50 !== 0);
    const link = decodeLink(message(joinVfInfos(given.map(encodeVfInfo)), { numVf: 256 }));
    expect(link.vfs).toEqual(given);
  });

  test('at the very end of the message it is read as well', () => {
    const link = decodeLink(
      message(joinVfInfos(vfs(256).map(encodeVfInfo)), { numVf: 256, after: new Uint8Array(0) }),
    );
    expect(link.vfs).toHaveLength(256);
  });

  test('an attribute of type 1 behind a list that did not wrap is not taken for a VF', () => {
    const after = encodeAttributes(linkTable, { address: '02:00:00:00:00:09' });
    const link = decodeLink(message(joinVfInfos(vfs(3).map(encodeVfInfo)), { numVf: 9, after }));
    expect(listOf(link)).toEqual([0, 1, 2]);
    expect(link.attributes.address).toBe('02:00:00:00:00:09');
  });

  test('an attribute of type 1 behind a list that wrapped is not taken for a VF', () => {
    const after = encodeAttributes(linkTable, { address: '02:00:00:00:00:09' });
    const link = decodeLink(message(joinVfInfos(vfs(256).map(encodeVfInfo)), { numVf: 300, after }));
    expect(link.vfs).toHaveLength(256);
    expect(link.attributes.address).toBe('02:00:00:00:00:09');
  });

  test.each([
    ['is cut off in the middle of a VF', (bytes: Uint8Array) => bytes.subarray(0, 40_000)],
    ['is cut off behind a VF', (bytes: Uint8Array) => bytes.subarray(0, 16 + 100 * 4)],
  ])('a message that %s is malformed', (_, cut) => {
    const bytes = cut(message(joinVfInfos(vfs(256).map(encodeVfInfo)), { numVf: 256 }));
    expect(() => decodeLink(bytes)).toThrow(malformed);
  });

  test.each([0, 1, 2, 3])('a stored length of %i that the entries do not bear out is malformed', (stored) => {
    const bytes = message(joinVfInfos(vfs(20).map(encodeVfInfo)), { numVf: 20, stored });
    expect(() => decodeLink(bytes)).toThrow(malformed);
  });

  test('entries that claim to be longer than the message are malformed', () => {
    const entries = joinVfInfos(vfs(256).map(encodeVfInfo));
    new DataView(entries.buffer).setUint16(
      entries.byteLength - encodeVfInfo(vf(255)).byteLength,
      0xffff,
      true,
    );
    expect(() => decodeLink(message(entries, { numVf: 256 }))).toThrow(malformed);
  });

  test('4,294,967,295 VFs that are not there take no time', () => {
    const link = decodeLink(message(joinVfInfos(vfs(2).map(encodeVfInfo)), { numVf: 0xffff_ffff }));
    expect(listOf(link)).toEqual([0, 1]);
  });
});
