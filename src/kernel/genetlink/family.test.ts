import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NetlinkClient } from '../netlink/client.ts';
import { decodeMessages, NLMSG_DONE } from '../netlink/message.ts';
import { answerTo, bytesOfHex, replay, ScriptedTransport } from '../netlink/replay.fixture.ts';
import { devlinkDialogue } from './captured-devlink.fixture.ts';
import {
  CTRL_CMD_NEWFAMILY,
  decodeFamily,
  decodeGenlMessage,
  encodeFamily,
  encodeGenlMessage,
  GENL_ID_CTRL,
  genlDump,
  genlRequest,
  readFamily,
} from './family.ts';
import { acknowledge, genlAnswer } from './genl-kernel.fixture.ts';

const malformed: unknown = expect.objectContaining({ code: 'kernel.malformed' });
const blue = { name: 'blue', id: 40, version: 3, groups: new Map([['config', 9]]) };

describe('families', () => {
  test('of a captured answer', async () => {
    const client = new NetlinkClient(replay(devlinkDialogue.slice(0, 1)));
    expect(await readFamily(client, 'devlink')).toEqual({
      name: 'devlink',
      id: 23,
      version: 1,
      groups: new Map([['config', 8]]),
    });
  });

  test('are asked for once per client', async () => {
    const transport = new ScriptedTransport((request) => [
      genlAnswer(request, GENL_ID_CTRL, CTRL_CMD_NEWFAMILY, encodeFamily(blue)),
      acknowledge(request),
    ]);
    const client = new NetlinkClient(transport);
    expect(await readFamily(client, 'blue')).toEqual(blue);
    expect(await readFamily(client, 'blue')).toEqual(blue);
    expect(transport.requests).toHaveLength(1);
    await readFamily(new NetlinkClient(transport), 'blue');
    expect(transport.requests).toHaveLength(2);
  });

  test('that the kernel does not have are undefined, and asked for again', async () => {
    const transport = new ScriptedTransport((request) => [acknowledge(request, 2)]);
    const client = new NetlinkClient(transport);
    expect(await readFamily(client, 'devlink')).toBeUndefined();
    expect(await readFamily(client, 'devlink')).toBeUndefined();
    expect(transport.requests).toHaveLength(2);
  });

  test.each([
    ['refused otherwise', 1, 'kernel.refused'],
    ['answered with nothing', 0, 'kernel.malformed'],
  ])('that are %s throw', async (_, errno, code) => {
    const transport = new ScriptedTransport((request) => [acknowledge(request, errno)]);
    await expect(readFamily(new NetlinkClient(transport), 'devlink')).rejects.toMatchObject({ code });
  });

  test('come back as they were', () => {
    const name = fc.string({ minLength: 1, maxLength: 15 }).filter((value) => !value.includes('\0'));
    const family = fc.record({
      name,
      id: fc.integer({ min: 16, max: 1023 }),
      version: fc.nat(255),
      groups: fc.array(fc.tuple(name, fc.nat())).map((pairs) => new Map(pairs)),
    });
    fc.assert(
      fc.property(family, (given) => {
        expect(decodeFamily(encodeFamily(given))).toEqual(given);
      }),
    );
  });

  test.each([
    ['without an id', '09000200 626c7565 00000000'],
    ['without a name', '06000100 28000000'],
  ])('%s are malformed', (_, hex) => {
    expect(() => decodeFamily(bytesOfHex(hex))).toThrow(malformed);
  });
});

describe('messages', () => {
  test('come back as they were', () => {
    const message = fc.record({ command: fc.nat(255), version: fc.nat(255), attributes: fc.uint8Array() });
    fc.assert(
      fc.property(message, (given) => {
        expect(decodeGenlMessage(encodeGenlMessage(given))).toEqual(given);
      }),
    );
  });

  test.each([0, 1, 2, 3])('of %i bytes are malformed', (sizeBytes) => {
    expect(() => decodeGenlMessage(new Uint8Array(sizeBytes))).toThrow(malformed);
  });

  test('are sent with the id and the version of the family', async () => {
    const transport = new ScriptedTransport((request) => [acknowledge(request)]);
    await genlRequest(new NetlinkClient(transport), blue, {
      operation: 'blue GET',
      command: 7,
      attributes: bytesOfHex('08000100 01000000'),
    });
    expect(transport.requests).toMatchObject([{ type: 40 }]);
    expect(transport.requests[0]?.payload).toEqual(bytesOfHex('07030000 08000100 01000000'));
  });

  test('of another family in an answer are passed over', async () => {
    const transport = new ScriptedTransport((request) => [
      genlAnswer(request, 40, 8, bytesOfHex('08000100 01000000')),
      genlAnswer(request, 41, 9, new Uint8Array(0)),
      answerTo(request, { type: NLMSG_DONE }),
    ]);
    const messages = await genlDump(new NetlinkClient(transport), blue, {
      operation: 'blue GET',
      command: 7,
      attributes: new Uint8Array(0),
    });
    expect(messages.map(({ command }) => command)).toEqual([8]);
  });

  test('captured: the frame of a request is what the kernel took', () => {
    const [exchange] = devlinkDialogue;
    const [request] = decodeMessages(bytesOfHex(exchange?.sent ?? ''));
    expect(request && decodeGenlMessage(request.payload)).toMatchObject({ command: 3, version: 1 });
  });
});
