import { describe, expect, test } from 'vitest';
import { NetlinkClient } from './client.ts';
import {
  encodeAcknowledgement,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
} from './message.ts';
import type { NetlinkMessage } from './message.ts';
import { answerTo, ScriptedTransport } from './replay.fixture.ts';

const linkType = 16;
const ask = { operation: 'RTM_GETLINK 1', type: 18, payload: Uint8Array.of(1, 2, 3, 4) };

function acknowledge(request: NetlinkMessage, errno = 0, kernelMessage?: string): Uint8Array {
  const answer = kernelMessage === undefined ? { errno } : { errno, kernelMessage };
  return answerTo(request, { type: NLMSG_ERROR, ...encodeAcknowledgement(request, answer) });
}

function link(request: NetlinkMessage, byte: number, flags = 0): Uint8Array {
  return answerTo(request, { type: linkType, flags, payload: Uint8Array.of(byte) });
}

function clientOf(answer: (request: NetlinkMessage) => readonly Uint8Array[]): {
  client: NetlinkClient;
  transport: ScriptedTransport;
} {
  const transport = new ScriptedTransport(answer);
  return { client: new NetlinkClient(transport), transport };
}

describe('requests', () => {
  test('ask for an acknowledgement and give the messages before it', async () => {
    const { client, transport } = clientOf((request) => [link(request, 7), acknowledge(request)]);
    const messages = await client.request(ask);
    expect(messages.map(({ payload }) => payload[0])).toEqual([7]);
    expect(transport.requests).toMatchObject([{ type: 18, flags: NLM_F_REQUEST | NLM_F_ACK, sequence: 1 }]);
  });

  test('go one after the other, each with its own sequence number', async () => {
    const { client, transport } = clientOf((request) => [
      link(request, request.sequence),
      acknowledge(request),
    ]);
    const answers = await Promise.all([client.request(ask), client.request(ask), client.request(ask)]);
    expect(answers.map(([message]) => message?.payload[0])).toEqual([1, 2, 3]);
    expect(transport.requests.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  test("pass over messages with another's sequence number, and no-ops", async () => {
    const { client } = clientOf((request) => [
      link({ ...request, sequence: 999 }, 1),
      acknowledge({ ...request, sequence: 0 }, 5),
      answerTo(request, { type: NLMSG_NOOP }),
      link(request, 2),
      acknowledge(request),
    ]);
    const messages = await client.request(ask);
    expect(messages.map(({ payload }) => payload[0])).toEqual([2]);
  });

  test('that are refused carry operation, errno and the words of the kernel', async () => {
    const { client } = clientOf((request) => [acknowledge(request, 16, 'in use')]);
    await expect(client.request(ask)).rejects.toMatchObject({
      code: 'kernel.refused',
      details: { operation: 'RTM_GETLINK 1', errno: 'EBUSY', kernelMessage: 'in use' },
    });
  });

  test('go on after one was refused', async () => {
    const { client } = clientOf((request) => [acknowledge(request, request.sequence === 1 ? 19 : 0)]);
    await expect(client.request(ask)).rejects.toMatchObject({ code: 'kernel.refused' });
    await expect(client.request(ask)).resolves.toEqual([]);
  });

  test('go on after an answer that was malformed', async () => {
    const { client } = clientOf((request) =>
      request.sequence === 1 ? [new Uint8Array(20), acknowledge(request)] : [acknowledge(request)],
    );
    await expect(client.request(ask)).rejects.toMatchObject({ code: 'kernel.malformed' });
    await expect(client.request(ask)).resolves.toEqual([]);
  });

  test('without an answer end in time, and the socket is not used again', async () => {
    const { client, transport } = clientOf(() => []);
    const late = client.request({ ...ask, timeoutMs: 5 });
    const queued = client.request(ask);
    await expect(late).rejects.toMatchObject({ code: 'kernel.timeout' });
    await expect(queued).rejects.toMatchObject({ code: 'kernel.timeout' });
    expect(transport.requests).toHaveLength(1);
  });

  test('that wait are refused when the client is closed', async () => {
    const { client } = clientOf(() => []);
    const waiting = client.request(ask);
    setImmediate(() => client.close());
    await expect(waiting).rejects.toMatchObject({ code: 'kernel.refused', details: { errno: 'EBADF' } });
  });
});

describe('dumps', () => {
  test('give all messages up to the end, over several datagrams', async () => {
    const { client, transport } = clientOf((request) => [
      link(request, 1),
      link(request, 2),
      answerTo(request, { type: NLMSG_DONE, payload: new Uint8Array(4) }),
    ]);
    const messages = await client.dump(ask);
    expect(messages.map(({ payload }) => payload[0])).toEqual([1, 2]);
    expect(transport.requests).toMatchObject([{ flags: NLM_F_REQUEST | NLM_F_DUMP }]);
  });

  test('that were interrupted are read again, and only the whole one counts', async () => {
    const { client } = clientOf((request) => [
      link(request, request.sequence, request.sequence < 3 ? NLM_F_DUMP_INTR : 0),
      answerTo(request, { type: NLMSG_DONE, payload: new Uint8Array(4) }),
    ]);
    const messages = await client.dump(ask);
    expect(messages.map(({ payload }) => payload[0])).toEqual([3]);
  });

  test('that are interrupted only at their end are read again as well', async () => {
    const { client, transport } = clientOf((request) => [
      link(request, request.sequence),
      answerTo(request, { type: NLMSG_DONE, flags: request.sequence < 2 ? NLM_F_DUMP_INTR : 0 }),
    ]);
    await client.dump(ask);
    expect(transport.requests).toHaveLength(2);
  });

  test('that are interrupted for ever end with EINTR', async () => {
    const { client, transport } = clientOf((request) => [
      answerTo(request, { type: NLMSG_DONE, flags: NLM_F_DUMP_INTR }),
    ]);
    await expect(client.dump(ask)).rejects.toMatchObject({
      code: 'kernel.refused',
      details: { errno: 'EINTR' },
    });
    expect(transport.requests).toHaveLength(10);
  });

  test('can fail at their end', async () => {
    const { client } = clientOf((request) => [
      link(request, 1),
      answerTo(request, { type: NLMSG_DONE, payload: new Uint8Array(new Int32Array([-12]).buffer) }),
    ]);
    await expect(client.dump(ask)).rejects.toMatchObject({ details: { errno: 'ENOMEM' } });
  });

  test('whose middle was lost are not taken for whole', async () => {
    const { client } = clientOf((request) => [
      link(request, 1),
      answerTo(request, { type: NLMSG_OVERRUN }),
      answerTo(request, { type: NLMSG_DONE }),
    ]);
    await expect(client.dump(ask)).rejects.toMatchObject({ code: 'kernel.malformed' });
  });
});
