import { mkdtempSync, rmSync } from 'node:fs';
import { connect, Server } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { VfleetError } from '../base/errors.ts';
import type { AgentEvent } from './agent-answers.ts';
import type { AgentServices } from './agent-services.ts';
import { createApiServer } from './api-server.ts';
import type { ApiServer } from './api-server.ts';

const patientMs = 20_000;
/** More than a client may leave unread. */
const longText = 'x'.repeat(2 * 1024 * 1024);

let folder: string;
let path: string;
let server: ApiServer;
let listeners: Set<(event: AgentEvent) => void>;
let faults: string[];
/** Requests that are under way, and what ends them. */
let waiting: ((error: VfleetError) => void)[];
const sockets: Socket[] = [];

/** An agent that says of everything that it is being worked on. */
function slowServices(): AgentServices {
  const work = async (): Promise<never> => new Promise((_, reject) => void waiting.push(reject));
  return {
    readStatus: async () => {
      throw new VfleetError('vm.unknown', 'an answer at once');
    },
    readHost: work,
    listLeases: work,
    listVms: work,
    readDrift: work,
    attach: work,
    explain: work,
    detach: work,
    recover: work,
    subscribe: (onEvent) => {
      listeners.add(onEvent);
      return () => void listeners.delete(onEvent);
    },
  };
}

/** What Node itself listens with. */
let nodeServer: Server;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vfleet-api-'));
  path = join(folder, 's');
  listeners = new Set();
  faults = [];
  waiting = [];
  server = createApiServer({
    services: slowServices(),
    access: { uid: process.geteuid?.() ?? 0, groupId: undefined },
    onFault: (what, error) => faults.push(`${what}: ${String(error)}`),
  });
  const listening = vi.spyOn(Server.prototype, 'listen');
  await server.listen(path);
  nodeServer = listening.mock.contexts[0] as Server;
  listening.mockRestore();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close(0);
  rmSync(folder, { recursive: true, force: true });
});

const get = (route: string): string => `GET ${route} HTTP/1.1\r\nhost: x\r\n\r\n`;

/** A connection on which something was sent, and what came back so far. */
function send(bytes: string): { socket: Socket; text: () => string; closed: Promise<void> } {
  const socket = connect(path);
  sockets.push(socket);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  socket.write(bytes);
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  return { socket, text: () => text, closed };
}

function tell(text = 'something'): void {
  for (const listener of listeners) listener({ at: '2026-11-22T00:00:00.000Z', kind: 'vm', text });
}

const eventually = { timeout: patientMs };

describe('a listener that does not read its events', () => {
  /** Connects a listener that never reads. */
  async function unread(): Promise<Socket> {
    const { socket, text } = send(get('/v1/events'));
    await expect.poll(text, eventually).toContain('200 OK');
    socket.pause();
    return socket;
  }

  it('is cut off, also where more is told at the same moment', async () => {
    await unread();
    tell(longText);
    tell();
    tell();
    await expect.poll(() => listeners.size, eventually).toBe(0);
  });
});

describe('a connection', () => {
  it('takes one request at a time, so that nobody has more under way than connections', async () => {
    const { text, closed } = send(get('/v1/vms').repeat(1000));
    await closed;
    expect(text()).toBe('');
    expect(waiting).toHaveLength(1);
  });

  it('of a listener gives its place back, whatever was sent on it', async () => {
    for (let count = 0; count < 20; count++) {
      await send(get('/v1/events').repeat(3)).closed;
    }
    await expect.poll(() => listeners.size, eventually).toBe(0);
    const { text } = send(get('/v1/events'));
    await expect.poll(text, eventually).toContain('200 OK');
  });

  it('takes one request after another, and is closed when none comes', async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', onWarning);
    const { socket, text, closed } = send('');
    const many = 15;
    for (let count = 1; count <= many; count++) {
      socket.write(get('/v1/openapi.json'));
      await expect.poll(() => text().split('HTTP/1.1 ').length - 1, eventually).toBe(count);
    }
    await closed;
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });
});

describe('a client that goes away in the middle of its request', () => {
  it('is no fault of ours', async () => {
    const { socket } = send('POST /v1/detach HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"vm"');
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(faults).toEqual([]);
  });
});

describe('a connection that cannot be taken', () => {
  it('is told once for as long as it is so, and ends nothing', async () => {
    // As Node does when accept(2) fails (lib/net.js, onconnection).
    const fail = (errno: string): unknown => nodeServer.emit('error', new Error(`accept ${errno}`));
    for (const errno of ['ENOMEM', 'ENOMEM', 'EMFILE']) fail(errno);
    expect(faults).toEqual([
      'taking a connection: Error: accept ENOMEM',
      'taking a connection: Error: accept EMFILE',
    ]);
    const { text } = send(get('/v1/openapi.json'));
    await expect.poll(text, eventually).toContain('200 OK');
    fail('EMFILE');
    expect(faults).toHaveLength(3);
  });
});

describe('an agent that stops', () => {
  it('lets the last answers be read to their end', async () => {
    const { socket, text, closed } = send(get('/v1/leases'));
    socket.pause();
    await expect.poll(() => waiting.length, eventually).toBe(1);
    const closing = server.close(patientMs);
    // Far more than a socket holds.
    for (const end of waiting) end(new VfleetError('vm.unknown', longText));
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.resume();
    await closed;
    await closing;
    expect(text().length).toBeGreaterThan(longText.length);
  });

  it('waits no longer than it was told for somebody who does not read his answer', async () => {
    const { socket } = send(get('/v1/leases'));
    socket.pause();
    await expect.poll(() => waiting.length, eventually).toBe(1);
    for (const end of waiting) end(new VfleetError('vm.unknown', longText));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const startedMs = performance.now();
    await server.close(200);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});
