import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Daemon } from './daemon.fixture.ts';
import { refuse, reply, replyBytes, sendEvent, startDaemon } from './daemon.fixture.ts';
import type { DomainEvent } from './libvirt-client.ts';
import { fullUri, LibvirtClient } from './libvirt-client.ts';
import { encodeMessage } from './message.ts';
import { KEEPALIVE_PROGRAM, lifecycleMessage, procedures } from './remote-protocol.ts';
import { VfleetError } from '../../base/errors.ts';
import { encodeXdr } from './xdr.ts';

const version = procedures.connectGetLibVersion;
const dom = { name: 'web-1', uuid: Buffer.alloc(16, 7), id: 1 };

test('VMs are named by URI, and by socket where that is none of the usual ones', () => {
  const uri = 'qemu:///system';
  expect(fullUri(uri, undefined)).toBe(uri);
  expect(fullUri(uri, '/run/libvirt/libvirt-sock')).toBe(uri);
  expect(fullUri(uri, '/run/libvirt/../libvirt/virtqemud-sock')).toBe(uri);
  expect(fullUri(uri, '/srv/a b/sock')).toBe('qemu+unix:///system?socket=/srv/a%20b/sock');
  const folder = mkdtempSync(join(tmpdir(), 'vfleet-uri-'));
  try {
    writeFileSync(join(folder, 'sock'), '');
    symlinkSync('sock', join(folder, 'link'));
    expect(fullUri(uri, join(folder, 'link'))).toBe(fullUri(uri, join(folder, 'sock')));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('a connection', () => {
  let daemon: Daemon;
  let client: LibvirtClient;

  beforeEach(async () => {
    daemon = await startDaemon();
    client = new LibvirtClient({ socketPath: daemon.socketPath });
  });

  afterEach(async () => {
    client.close();
    await daemon.stop();
  });

  test('asks who it is, opens the URI, and asks for events', async () => {
    await client.connect();
    expect(daemon.calls.map(({ header }) => header.procedure)).toEqual([66, 1, 316, 316]);
    expect(daemon.calls[1]?.payload.toString('latin1')).toContain('qemu:///system');
  });

  test('takes its leave', async () => {
    await client.connect();
    const [socket] = daemon.sockets;
    const left = new Promise((resolve) => socket?.once('close', resolve));
    client.close();
    await left;
    expect(daemon.calls.at(-1)?.header.procedure).toBe(2);
  });

  test('matches replies by their serial, in any order', async () => {
    const held: (() => void)[] = [];
    daemon.behave((call, socket) => {
      if (call.header.procedure !== version.number) return false;
      held.push(() => reply(socket, call, version, { version: BigInt(call.header.serial) }));
      if (held.length === 20) for (const answer of held.reverse()) answer();
      return true;
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.call(version, undefined)));
    const serials = daemon.calls.slice(4).map(({ header }) => BigInt(header.serial));
    expect(answers.map((answer) => answer.version)).toEqual(serials);
    expect(new Set(serials).size).toBe(20);
  });

  test('answers a keepalive ping with a pong', async () => {
    await client.connect();
    const pong = new Promise<number[]>((resolve) => {
      daemon.behave(({ header }) => {
        if (header.program === KEEPALIVE_PROGRAM) resolve([header.procedure, header.type, header.serial]);
        return header.program === KEEPALIVE_PROGRAM;
      });
    });
    const ping = { program: KEEPALIVE_PROGRAM, version: 1, procedure: 1, type: 2, serial: 0, status: 0 };
    for (const socket of daemon.sockets) socket.write(encodeMessage(ping, Buffer.alloc(0)));
    expect(await pong).toEqual([2, 2, 0]);
  });

  test('gives a refusal in libvirt’s words, on one line, with its number', async () => {
    daemon.behave((call, socket) => {
      if (call.header.procedure !== version.number) return false;
      refuse(socket, call, 55, 'domain is\nnot\u001b[31mrunning');
      return true;
    });
    await expect(client.call(version, undefined)).rejects.toMatchObject({
      code: 'hypervisor.refused',
      message: 'libvirt: domain is not [31mrunning (error 55)',
      details: { operation: 'CONNECT_GET_LIB_VERSION', errno: 'VIR_ERR_OPERATION_INVALID' },
    });
  });

  test.each([
    [42, 'vm.unknown'],
    [88, 'permission.missing'],
    [38, 'hypervisor.refused'],
  ])('takes libvirt’s error %d for %s', async (number, code) => {
    daemon.behave((call, socket) => {
      if (call.header.procedure !== version.number) return false;
      refuse(socket, call, number, 'no');
      return true;
    });
    await expect(client.call(version, undefined)).rejects.toMatchObject({ code });
  });

  test('gives up a call after its bound, and its late answer disturbs nobody', async () => {
    let late = (): void => {};
    daemon.behave((call, socket) => {
      if (call.header.procedure !== version.number) return false;
      const held = late;
      late = () => reply(socket, call, version, { version: 1n });
      held();
      if (daemon.calls.length > 5) late();
      return true;
    });
    await expect(client.call(version, undefined, 20)).rejects.toMatchObject({
      code: 'hypervisor.timeout',
      details: { pending: true },
    });
    expect(await client.call(version, undefined)).toEqual({ version: 1n });
  });

  test('that ends fails every call that waits, and the next one has a new connection', async () => {
    daemon.behave((call, socket) => {
      if (call.header.procedure !== version.number) return false;
      if (daemon.calls.filter(({ header }) => header.procedure === version.number).length === 3)
        socket.destroy();
      return true;
    });
    const calls = Array.from({ length: 3 }, () => client.call(version, undefined));
    for (const each of await Promise.allSettled(calls)) {
      expect(each).toMatchObject({ status: 'rejected', reason: { code: 'hypervisor.unreachable' } });
    }
    daemon.behave((call, socket) => {
      if (call.header.procedure !== version.number) return false;
      reply(socket, call, version, { version: 9n });
      return true;
    });
    expect(await client.call(version, undefined)).toEqual({ version: 9n });
  });

  test('is made again while somebody listens, and says so', async () => {
    const events: DomainEvent[] = [];
    await client.connect();
    const back = new Promise<void>((resolve) => {
      client.listen((event) => {
        events.push(event);
        if (event.kind === 'lifecycle') resolve();
      });
    });
    for (const socket of daemon.sockets) socket.destroy();
    daemon.behave((call, socket) => {
      if (call.header.procedure !== procedures.eventCallbackRegisterAny.number) return false;
      reply(socket, call, procedures.eventCallbackRegisterAny, { callbackId: 1 });
      const payload = encodeXdr(lifecycleMessage.codec, { callbackId: 1, dom, event: 5, detail: 1 });
      setTimeout(() => sendEvent(socket, lifecycleMessage.number, payload), 50);
      return true;
    });
    await back;
    expect(events[0]).toEqual({ kind: 'reconnected' });
    expect(events[1]).toMatchObject({ kind: 'lifecycle', event: 5, dom: { name: 'web-1' } });
  });

  test('with a broken answer fails this call, and ends', async () => {
    daemon.behave((call, socket) => {
      if (call.header.procedure !== version.number) return false;
      replyBytes(socket, call, Buffer.from('xyz'));
      return true;
    });
    await expect(client.call(version, undefined)).rejects.toMatchObject({ code: 'hypervisor.malformed' });
  });

  test('survives any bytes: every call ends with an answer or an error of ours', async () => {
    expect.hasAssertions();
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.boolean(),
        async (array, framed) => {
          daemon.behave((call, socket) => {
            if (call.header.procedure !== version.number) return false;
            const bytes = Buffer.from(array);
            if (framed) replyBytes(socket, call, bytes, bytes[0] ?? 0);
            else socket.write(bytes);
            setTimeout(() => socket.destroy(), 5);
            return true;
          });
          const outcome = client.call(version, undefined).then(
            ({ version: answered }) => typeof answered,
            (thrown: unknown) => (thrown instanceof VfleetError ? 'ours' : thrown),
          );
          expect(['bigint', 'ours']).toContain(await outcome);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('getting in', () => {
  test('by polkit asks for it', async () => {
    const daemon = await startDaemon([2]);
    const client = new LibvirtClient({ socketPath: daemon.socketPath });
    await client.connect();
    expect(daemon.calls.map(({ header }) => header.procedure)).toEqual([66, 70, 1, 316, 316]);
    client.close();
    await daemon.stop();
  });

  // The last is what a daemon says that cannot ask, because polkit does not run.
  test.each([
    [45, 'authentication failed: access denied by policy'],
    [
      94,
      "authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.manage'",
    ],
    [89, 'error from service: The name org.freedesktop.PolicyKit1 was not provided by any .service files'],
  ])('refused by polkit is a missing permission (error %i)', async (number, words) => {
    const daemon = await startDaemon([2]);
    daemon.behave((call, socket) => {
      if (call.header.procedure !== procedures.authPolkit.number) return false;
      refuse(socket, call, number, words);
      return true;
    });
    const client = new LibvirtClient({ socketPath: daemon.socketPath });
    await expect(client.connect()).rejects.toMatchObject({
      code: 'permission.missing',
      message: `libvirt: ${words} (error ${number})`,
      hint: expect.stringContaining('group libvirt'),
    });
    client.close();
    await daemon.stop();
  });

  test('with a password is not done, and says so', async () => {
    const daemon = await startDaemon([1]);
    const client = new LibvirtClient({ socketPath: daemon.socketPath });
    await expect(client.connect()).rejects.toMatchObject({
      code: 'permission.missing',
      message: expect.stringContaining('SASL'),
    });
    client.close();
    await daemon.stop();
  });

  test('after close there is no connection', async () => {
    const daemon = await startDaemon();
    const client = new LibvirtClient({ socketPath: daemon.socketPath });
    client.close();
    await expect(client.call(version, undefined)).rejects.toMatchObject({ code: 'hypervisor.unreachable' });
    await daemon.stop();
  });
});
