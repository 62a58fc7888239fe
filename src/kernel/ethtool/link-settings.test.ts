import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { IfIndex } from '../../base/identifiers.ts';
import { decodeAttributes, encodeAttributes } from '../netlink/attributes.ts';
import { NetlinkClient } from '../netlink/client.ts';
import { replay, ScriptedTransport } from '../netlink/replay.fixture.ts';
import { acknowledge, kernelWithFamily } from '../genetlink/genl-kernel.fixture.ts';
import type { AnswersByCommand } from '../genetlink/genl-kernel.fixture.ts';
import {
  ethtoolDumpDialogue,
  ethtoolIgbDialogue,
  ethtoolLoopbackDialogue,
} from './captured-ethtool.fixture.ts';
import {
  ETHTOOL_MSG_LINKMODES_GET,
  ETHTOOL_MSG_LINKSTATE_GET,
  linkInfoTable,
  linkModesTable,
  linkSettingsOf,
  linkStateTable,
  listLinkSettings,
  readLinkSettings,
} from './link-settings.ts';

function clientOf(answers: AnswersByCommand): NetlinkClient {
  return new NetlinkClient(kernelWithFamily('ethtool', answers));
}

const eth0 = 2 as IfIndex;

describe('captured answers', () => {
  test('of an igb with a link', async () => {
    expect(await readLinkSettings(new NetlinkClient(replay(ethtoolIgbDialogue)), eth0)).toEqual({
      ifIndex: 2,
      speedMbps: 1000,
      duplex: 'full',
      portType: 'twisted-pair',
      autonegotiation: true,
      linkDetected: true,
    });
  });

  test('of lo, which is up and has no settings', async () => {
    const client = new NetlinkClient(replay(ethtoolLoopbackDialogue));
    expect(await readLinkSettings(client, 1 as IfIndex)).toEqual({ ifIndex: 1, linkDetected: true });
  });

  test('of all interfaces', async () => {
    const all = await listLinkSettings(new NetlinkClient(replay(ethtoolDumpDialogue)));
    expect([...all.keys()].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(all.get(3 as IfIndex)).toMatchObject({ speedMbps: 1000, duplex: 'full' });
    expect(all.get(4 as IfIndex)).toEqual({ ifIndex: 4 });
  });
});

describe('settings', () => {
  test.each([0xffff_ffff, 0xffff, 0])('a speed of %i is unknown', (speed) => {
    expect(linkSettingsOf(eth0, undefined, { speed, duplex: 1 }, undefined)).toEqual({
      ifIndex: 2,
      duplex: 'full',
    });
  });

  test.each([
    [0, 'twisted-pair'],
    [3, 'fibre'],
    [5, 'direct-attach'],
    [0xef, 'none'],
    [0xff, 'other'],
    [9, undefined],
  ])('port %i is %s', (port, portType) => {
    expect(linkSettingsOf(eth0, { port }, undefined, undefined).portType).toBe(portType);
  });

  test('that the driver does not know are absent', () => {
    expect(linkSettingsOf(eth0, {}, { duplex: 0xff }, {})).toEqual({ ifIndex: 2 });
    expect(linkSettingsOf(eth0, undefined, { autonegotiation: 0, lanes: 4 }, { link: 0 })).toEqual({
      ifIndex: 2,
      autonegotiation: false,
      lanes: 4,
      linkDetected: false,
    });
  });

  test('come back from the tables as they were', () => {
    const byte = fc.nat(0xff);
    const word = fc.nat(0xffff_ffff);
    const header = fc.record(
      { ifIndex: word, ifName: fc.constant('eth0'), flags: word },
      { requiredKeys: [] },
    );
    const optional = { requiredKeys: [] };
    const info = fc.record({ header, port: byte }, optional);
    const modes = fc.record(
      { header, autonegotiation: byte, speed: word, duplex: byte, lanes: word },
      optional,
    );
    const state = fc.record({ header, link: byte }, optional);
    fc.assert(
      fc.property(info, modes, state, (a, b, c) => {
        expect(decodeAttributes(linkInfoTable, encodeAttributes(linkInfoTable, a))).toEqual(a);
        expect(decodeAttributes(linkModesTable, encodeAttributes(linkModesTable, b))).toEqual(b);
        expect(decodeAttributes(linkStateTable, encodeAttributes(linkStateTable, c))).toEqual(c);
      }),
    );
  });
});

describe('a kernel', () => {
  test('without the family tells nothing', async () => {
    const client = new NetlinkClient(new ScriptedTransport((request) => [acknowledge(request, 2)]));
    expect(await readLinkSettings(client, eth0)).toBeUndefined();
    expect(await listLinkSettings(client)).toEqual(new Map());
  });

  test('whose driver answers one of three questions tells that one', async () => {
    const state = encodeAttributes(linkStateTable, { header: { ifIndex: 2 }, link: 1 });
    expect(await readLinkSettings(clientOf({ [ETHTOOL_MSG_LINKSTATE_GET]: [state] }), eth0)).toEqual({
      ifIndex: 2,
      linkDetected: true,
    });
  });

  test.each([95, 19])('that answers errno %i to all questions tells nothing', async (errno) => {
    const client = clientOf({ 2: errno, 4: errno, 6: errno });
    expect(await readLinkSettings(client, eth0)).toBeUndefined();
  });

  test('that answers another errno throws it', async () => {
    const client = clientOf({ [ETHTOOL_MSG_LINKMODES_GET]: 110 });
    await expect(readLinkSettings(client, eth0)).rejects.toMatchObject({
      code: 'kernel.refused',
      details: { operation: 'ethtool LINKMODES_GET 2', errno: 'ETIMEDOUT' },
    });
  });

  test('whose dump ends because one device sleeps says so', async () => {
    await expect(listLinkSettings(clientOf({ 2: 19 }))).rejects.toMatchObject({
      details: { errno: 'ENODEV' },
    });
  });

  test('whose dump names no interface is malformed', async () => {
    const info = encodeAttributes(linkInfoTable, { port: 1 });
    await expect(listLinkSettings(clientOf({ 2: [info] }))).rejects.toMatchObject({
      code: 'kernel.malformed',
    });
  });
});
