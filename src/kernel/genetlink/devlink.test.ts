import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeAttributes, encodeAttributes } from '../netlink/attributes.ts';
import { NetlinkClient } from '../netlink/client.ts';
import { decodeMessages } from '../netlink/message.ts';
import { bytesOfHex, replay, ScriptedTransport } from '../netlink/replay.fixture.ts';
import type { Exchange } from '../netlink/replay.fixture.ts';
import { devlinkDialogue } from './captured-devlink.fixture.ts';
import {
  DEVLINK_CMD_ESWITCH_GET,
  DEVLINK_CMD_ESWITCH_SET,
  DEVLINK_CMD_HEALTH_REPORTER_GET,
  DEVLINK_CMD_INFO_GET,
  DEVLINK_CMD_PARAM_GET,
  DEVLINK_CMD_PORT_GET,
  devlinkTable,
} from './devlink-attributes.ts';
import type { DevlinkAttributes } from './devlink-request.ts';
import { listDevlinkParameters } from './devlink-parameters.ts';
import {
  listDevlinkDevices,
  listDevlinkPorts,
  listHealthReporters,
  readDevlinkInfo,
  readEswitchMode,
  setEswitchMode,
} from './devlink.ts';
import { decodeGenlMessage } from './family.ts';
import { acknowledge, kernelWithFamily } from './genl-kernel.fixture.ts';
import type { AnswersByCommand } from './genl-kernel.fixture.ts';

const simulated = { bus: 'netdevsim', device: 'netdevsim1' };
const card = { bus: 'pci', device: '0000:01:00.0' };

/** A client that first asks for the family and then for the given exchanges of the captured dialogue. */
function captured(...numbers: readonly number[]): NetlinkClient {
  return new NetlinkClient(replay([0, ...numbers].map((number) => devlinkDialogue[number] as Exchange)));
}

/** As the captured kernel had it. */
const familyId = 23;

/** A kernel whose devlink answers each command with attributes, or refuses with an errno. */
function clientOf(answers: Readonly<Record<number, readonly DevlinkAttributes[] | number>>): NetlinkClient {
  const encoded = Object.entries(answers).map(([command, answer]) => [
    command,
    typeof answer === 'number' ? answer : answer.map((one) => encodeAttributes(devlinkTable, one)),
  ]);
  return new NetlinkClient(kernelWithFamily('devlink', Object.fromEntries(encoded) as AnswersByCommand));
}

describe('a captured dialogue', () => {
  test('lists the devices', async () => {
    expect(await listDevlinkDevices(captured(1))).toEqual([simulated]);
  });

  test('tells driver and versions', async () => {
    expect(await readDevlinkInfo(captured(3), simulated)).toEqual({
      driver: 'netdevsim',
      versions: { fixed: {}, running: { 'fw.mgmt': '10.20.30' }, stored: { 'fw.mgmt': '10.20.30' } },
    });
  });

  test('reads the mode, sets it and reads it again', async () => {
    const client = captured(4, 5, 6);
    expect(await readEswitchMode(client, simulated)).toBe('legacy');
    await setEswitchMode(client, simulated, 'switchdev');
    expect(await readEswitchMode(client, simulated)).toBe('switchdev');
  });

  test('lists the ports', async () => {
    const ports = await listDevlinkPorts(captured(7), simulated);
    expect(ports.map(({ index }) => index)).toEqual([0, 128, 129, 130]);
    expect(ports[0]).toEqual({
      ...simulated,
      index: 0,
      flavour: 'physical',
      netdev: 'eth2',
      ifIndex: 4,
      portNumber: 1,
    });
    expect(ports[3]).toEqual({
      ...simulated,
      index: 130,
      flavour: 'pcivf',
      netdev: 'eth5',
      ifIndex: 7,
      pfNumber: 0,
      vfIndex: 2,
      controllerNumber: 0,
      external: false,
    });
  });

  test('lists the health reporters', async () => {
    expect(await listHealthReporters(captured(8), simulated)).toEqual([
      { ...simulated, name: 'empty', state: 'healthy', errorCount: 0, recoverCount: 0 },
      { ...simulated, name: 'dummy', state: 'healthy', errorCount: 0, recoverCount: 0 },
    ]);
  });

  test('lists the parameters', async () => {
    expect(await listDevlinkParameters(captured(9), simulated)).toEqual([
      { ...simulated, name: 'max_macs', generic: true, type: 'u32', values: { driverinit: '32' } },
      { ...simulated, name: 'test1', generic: false, type: 'flag', values: { driverinit: 'true' } },
    ]);
  });

  test('takes a device without devlink for absent when it reads, and not when it writes', async () => {
    const absent = { bus: 'pci', device: '0000:ff:00.0' };
    const client = captured(10, 11);
    expect(await readDevlinkInfo(client, absent)).toBeUndefined();
    await expect(setEswitchMode(client, absent, 'switchdev')).rejects.toMatchObject({
      code: 'kernel.refused',
      details: { errno: 'ENODEV' },
    });
  });

  test('is written again with all its attributes, known and unknown', () => {
    const datagrams = devlinkDialogue.slice(1).flatMap(({ received }) => received.map(bytesOfHex));
    const messages = datagrams.flatMap(decodeMessages).filter(({ type }) => type === familyId);
    expect(messages.length).toBeGreaterThan(10);
    for (const { payload } of messages) {
      const { attributes } = decodeGenlMessage(payload);
      const value = decodeAttributes(devlinkTable, attributes);
      const again = encodeAttributes(devlinkTable, value);
      expect(again.byteLength).toBe(attributes.byteLength);
      expect(decodeAttributes(devlinkTable, again)).toEqual(value);
    }
  });
});

describe('the table', () => {
  const word = fc.string().filter((value) => !value.includes('\0'));
  const u8 = fc.nat(0xff);
  const u16 = fc.nat(0xffff);
  const u32 = fc.nat(0xffff_ffff);
  const optional = { requiredKeys: [] };
  const versions = fc.array(fc.record({ name: word, value: word }, optional), { minLength: 1, maxLength: 3 });
  const parameterValue = fc.record({ data: fc.uint8Array({ maxLength: 8 }), mode: u8 }, optional);
  const parameter = fc.record(
    {
      name: word,
      generic: fc.constant(true as const),
      type: u8,
      values: fc.record({ value: fc.array(parameterValue, { minLength: 1, maxLength: 3 }) }, optional),
    },
    optional,
  );
  const reporter = fc.record(
    { name: word, state: u8, errorCount: fc.maxSafeNat(), recoverCount: fc.maxSafeNat() },
    optional,
  );
  const attributes = fc.record(
    {
      bus: word,
      device: word,
      portIndex: u32,
      portNetdevIfIndex: u32,
      portNetdevName: word,
      eswitchMode: u16,
      portFlavour: u16,
      portNumber: u32,
      parameter,
      driver: word,
      serialNumber: word,
      fixedVersion: versions,
      runningVersion: versions,
      storedVersion: versions,
      healthReporter: reporter,
      pfNumber: u16,
      vfNumber: u16,
      boardSerialNumber: word,
      portExternal: u8,
      portControllerNumber: u32,
    },
    optional,
  );

  test('reads what it writes', () => {
    fc.assert(
      fc.property(attributes, (given) => {
        expect(decodeAttributes(devlinkTable, encodeAttributes(devlinkTable, given))).toEqual(given);
      }),
    );
  });
});

describe('a kernel', () => {
  test('without devlink has no devices, and nothing to tell', async () => {
    const client = new NetlinkClient(new ScriptedTransport((request) => [acknowledge(request, 2)]));
    expect(await listDevlinkDevices(client)).toEqual([]);
    expect(await listDevlinkPorts(client)).toEqual([]);
    expect(await listHealthReporters(client, card)).toEqual([]);
    expect(await listDevlinkParameters(client, card)).toEqual([]);
    expect(await readDevlinkInfo(client, card)).toBeUndefined();
    expect(await readEswitchMode(client, card)).toBeUndefined();
    await expect(setEswitchMode(client, card, 'legacy')).rejects.toMatchObject({ code: 'kernel.absent' });
  });

  test.each([95, 19])('that answers errno %i says that there is nothing', async (errno) => {
    const client = clientOf({
      [DEVLINK_CMD_INFO_GET]: errno,
      [DEVLINK_CMD_ESWITCH_GET]: errno,
      [DEVLINK_CMD_PORT_GET]: errno,
    });
    expect(await readDevlinkInfo(client, card)).toBeUndefined();
    expect(await readEswitchMode(client, card)).toBeUndefined();
    expect(await listDevlinkPorts(client, card)).toEqual([]);
  });

  test('that shows the mode to root alone does not keep others from reading the rest', async () => {
    const client = clientOf({ [DEVLINK_CMD_ESWITCH_GET]: 1, [DEVLINK_CMD_ESWITCH_SET]: 1 });
    expect(await readEswitchMode(client, card)).toBeUndefined();
    await expect(setEswitchMode(client, card, 'legacy')).rejects.toMatchObject({
      details: { errno: 'EPERM' },
    });
  });

  test('whose answer is another errno throws it', async () => {
    const client = clientOf({
      [DEVLINK_CMD_INFO_GET]: 5,
      [DEVLINK_CMD_PARAM_GET]: 110,
      [DEVLINK_CMD_ESWITCH_SET]: 16,
    });
    await expect(readDevlinkInfo(client, card)).rejects.toMatchObject({
      code: 'kernel.refused',
      details: { operation: 'devlink INFO_GET pci/0000:01:00.0', errno: 'EIO' },
    });
    await expect(listDevlinkParameters(client)).rejects.toMatchObject({ details: { errno: 'ETIMEDOUT' } });
    await expect(setEswitchMode(client, card, 'switchdev')).rejects.toMatchObject({
      details: { operation: 'devlink ESWITCH_SET pci/0000:01:00.0 switchdev', errno: 'EBUSY' },
    });
  });

  test('that gives the ports of all devices is sifted', async () => {
    const client = clientOf({
      [DEVLINK_CMD_PORT_GET]: [
        { ...card, portIndex: 1, portFlavour: 0 },
        { ...simulated, portIndex: 2, portFlavour: 4 },
      ],
    });
    expect(await listDevlinkPorts(client, card)).toEqual([{ ...card, index: 1, flavour: 'physical' }]);
    expect(await listDevlinkPorts(client)).toHaveLength(2);
  });

  test('that is newer than this program has modes and flavours that it does not know', async () => {
    const client = clientOf({
      [DEVLINK_CMD_ESWITCH_GET]: [{ ...card, eswitchMode: 2 }],
      [DEVLINK_CMD_PORT_GET]: [{ ...card, portIndex: 1, portFlavour: 77 }],
    });
    expect(await readEswitchMode(client, card)).toBeUndefined();
    expect(await listDevlinkPorts(client, card)).toMatchObject([{ flavour: 'flavour 77' }]);
  });

  test('can have a version called __proto__', async () => {
    const client = clientOf({
      [DEVLINK_CMD_INFO_GET]: [{ ...card, fixedVersion: [{ name: '__proto__', value: '1' }] }],
    });
    const info = await readDevlinkInfo(client, card);
    expect(Object.entries(info?.versions.fixed ?? {})).toEqual([['__proto__', '1']]);
  });

  test.each([
    ['no device', DEVLINK_CMD_PORT_GET, { portIndex: 1 }],
    ['no index', DEVLINK_CMD_PORT_GET, card],
    ['no reporter', DEVLINK_CMD_HEALTH_REPORTER_GET, card],
    ['no parameter', DEVLINK_CMD_PARAM_GET, card],
  ])('whose answer names %s is malformed', async (_, command, attributes) => {
    const client = clientOf({ [command]: [attributes] });
    const list = {
      [DEVLINK_CMD_PORT_GET]: listDevlinkPorts,
      [DEVLINK_CMD_HEALTH_REPORTER_GET]: listHealthReporters,
      [DEVLINK_CMD_PARAM_GET]: listDevlinkParameters,
    }[command];
    await expect(list?.(client)).rejects.toMatchObject({ code: 'kernel.malformed' });
  });
});
