import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { AnySchema } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentEvent, ErrorAnswer } from '../src/agent/agent-answers.ts';
import { describeApi } from '../src/agent/openapi.ts';
import { maxBodyBytes } from '../src/agent/request-body.ts';
import { routes } from '../src/agent/route-table.ts';
import { findGroupId, mayUseAgent } from '../src/agent/socket-access.ts';
import { openAgent } from '../src/cli/agent-client.ts';
import { agentSpec, ask, recordSpec, startAgent, until } from './agent.fixture.ts';
import type { RunningAgent } from './agent.fixture.ts';
import { makeWorld, removeFolders, request } from './assigning.fixture.ts';

let agent: RunningAgent;
let path: string;
beforeAll(async () => {
  const world = await makeWorld('igb', agentSpec);
  recordSpec(world);
  agent = await startAgent(world);
  path = agent.socketPath;
});
afterAll(async () => {
  await agent.stop();
  removeFolders();
});

/** The document as a client gets it. */
const document = JSON.parse(JSON.stringify(describeApi(routes))) as Record<string, unknown>;
const documentName = 'api.json';
// Formats are taken as remarks, as JSON Schema 2020-12 has them.
const ajv = new Ajv2020({ validateFormats: false, allErrors: true, allowUnionTypes: true });
// As a whole it is no schema: it only holds some.
ajv.addVocabulary(Object.keys(document));
ajv.addSchema(document, documentName, false, false);

/** Whether a value is what a place of the document says; the errors otherwise. */
function errorsOf(value: unknown, ...place: readonly string[]): unknown {
  const pointer = place.map((each) => each.replaceAll('~', '~0').replaceAll('/', '~1')).join('/');
  const validate = ajv.compile({ $ref: `${documentName}#/${pointer}` });
  return validate(value) ? [] : validate.errors;
}

const answerPlace = (
  route: { readonly path: string; readonly method: string },
  status: string,
): readonly string[] => [
  'paths',
  route.path,
  route.method.toLowerCase(),
  'responses',
  status,
  'content',
  'application/json',
  'schema',
];

describe('the description of the API', () => {
  it('is served as it is generated, and is OpenAPI 3.1', async () => {
    const { status, body } = await ask(path, 'GET', '/v1/openapi.json');
    expect(status).toBe(200);
    expect(body).toEqual(document);
    expect(document['openapi']).toMatch(/^3\.1\./);
    expect(await new Validator().validate(structuredClone(document))).toEqual({ valid: true });
  });

  // The schema of OpenAPI 3.1 leaves these to their own dialect.
  it('has schemas that are JSON Schema 2020-12, and names each operation once', async () => {
    const { schemas } = document['components'] as { schemas: Record<string, AnySchema> };
    for (const [name, schema] of Object.entries(schemas)) {
      await ajv.validateSchema(schema);
      expect({ name, errors: ajv.errors }).toEqual({ name, errors: null });
      expect(() => ajv.compile({ $ref: `${documentName}#/components/schemas/${name}` })).not.toThrow();
    }
    expect(new Set(routes.map(({ id }) => id)).size).toBe(routes.length);
    expect(JSON.stringify(document)).not.toMatch(/"\$(?:id|schema)"/);
  });
});

describe('the answers', () => {
  const bodies: Record<string, unknown> = {
    '/v1/attach': request('web-1'),
    '/v1/attach/explain': request('web-2'),
    '/v1/detach': { vm: 'web-1' },
    '/v1/recover': {},
  };

  it.each(
    routes.filter(({ form }) => form === 'json').map((route) => [`${route.method} ${route.path}`, route]),
  )('%s is what the description says', async (_, route) => {
    const { status, headers, body } = await ask(path, route.method, route.path, bodies[route.path]);
    expect({ status, body }).toMatchObject({ status: 200 });
    expect(headers['content-type']).toBe('application/json');
    expect(errorsOf(body, ...answerPlace(route, '200'))).toEqual([]);
    expect(() => route.answer.parse(body)).not.toThrow();
  });

  it('know a MAC address in any way that it is written', async () => {
    const mac = '52-54-00-AA-BB-CC';
    const given = await ask(path, 'POST', '/v1/attach', request('web-2', { mac }));
    expect(given).toMatchObject({
      status: 200,
      body: { lease: { settings: { mac: '52:54:00:aa:bb:cc' } } },
    });
    const taken = await ask(path, 'POST', '/v1/detach', { vm: 'web-2', mac: mac.replaceAll('-', ':') });
    expect(taken).toMatchObject({ status: 200, body: { releases: [{ result: 'free' }] } });
  });

  it('streams events, one a line', async () => {
    const socket = connect(path);
    socket.write('GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n');
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await until('the head', () => text.includes('\r\n\r\n'));
    await ask(path, 'POST', '/v1/attach', request('web-2'));
    await ask(path, 'POST', '/v1/detach', { vm: 'web-2' });
    await until('the end of the lease', () => text.includes('lease-ended'));
    socket.destroy();
    const lines = text.split('\n').filter((line) => line.startsWith('{'));
    const kinds = lines.map((line) => AgentEvent.parse(JSON.parse(line)).kind);
    expect(kinds).toContain('lease-began');
  });

  it.each([
    ['GET', '/', undefined, 404, 'request.invalid'],
    ['GET', '/v1/status/', undefined, 404, 'request.invalid'],
    ['GET', '/v1/../etc/passwd', undefined, 404, 'request.invalid'],
    ['POST', '/v1/status', {}, 405, 'request.invalid'],
    ['DELETE', '/v1/leases', undefined, 405, 'request.invalid'],
    ['GET', '/v1/attach', undefined, 405, 'request.invalid'],
    ['POST', '/v1/attach', '{', 400, 'request.invalid'],
    ['POST', '/v1/attach', '[]', 400, 'request.invalid'],
    ['POST', '/v1/attach', { ...request('web-1'), more: 1 }, 400, 'request.invalid'],
    ['POST', '/v1/attach', '{"__proto__": {"vm": "web-1"}}', 400, 'request.invalid'],
    ['POST', '/v1/attach', request('no-such-vm'), 404, 'vm.unknown'],
    ['POST', '/v1/attach', request('../../x'), 404, 'vm.unknown'],
    ['POST', '/v1/attach', request('web-1', { network: 'nowhere' }), 404, 'network.unknown'],
    ['POST', '/v1/attach', request('web-1', { network: '"><x>' }), 400, 'request.invalid'],
    ['POST', '/v1/attach', request('web-1', { mac: 'zz' }), 400, 'request.invalid'],
    ['POST', '/v1/attach', request('web-1', { mac: '01:00:5e:00:00:01' }), 400, 'request.invalid'],
    ['POST', '/v1/attach', request('web-1', { mac: '00-00-00-00-00-00' }), 400, 'request.invalid'],
    ['POST', '/v1/detach', { vm: 'web-2' }, 404, 'lease.none'],
    ['POST', '/v1/detach', { vm: 'web-1', mac: 'zz' }, 400, 'request.invalid'],
    ['POST', '/v1/detach', { vm: 'web-1', mac: '' }, 400, 'request.invalid'],
  ])('%s %s with %j is refused with %i %s', async (method, route, body, status, code) => {
    const answer = await ask(path, method, route, body);
    expect(answer.status).toBe(status);
    expect(ErrorAnswer.parse(answer.body)).toMatchObject({ error: code });
    expect(errorsOf(answer.body, 'components', 'schemas', 'ErrorAnswer')).toEqual([]);
  });
});

/** Sends bytes, and gives back what came until the other side closed. */
async function exchange(bytes: Uint8Array | string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path);
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
    socket.end(bytes);
  });
}

describe('the command line', () => {
  it('finds an agent that answers, and passes on what it says', async () => {
    const client = await openAgent(path);
    expect(client?.status).toMatchObject({ kind: 'AgentStatus', pid: process.pid, host: 'sim:igb' });
    expect(await client?.readVm('web-1')).toMatchObject({ name: 'web-1' });
    expect(await client?.recover({})).toEqual({ releases: [], corrupt: [] });
    expect(await client?.explain(request('web-1'))).toHaveLength(3);
    await expect(client?.readVm('"><x>')).rejects.toMatchObject({ code: 'vm.unknown' });
    await expect(client?.detach({ vm: 'web-1' })).rejects.toMatchObject({ code: 'lease.none' });
  });

  it('finds none where nobody answers, or not in our language', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vfleet-other-'));
    const other = join(folder, 's');
    const server = createServer((socket) => socket.end('hello\r\n')).listen(other);
    try {
      await until('it listens', () => server.listening);
      for (const nobody of [other, join(folder, 'gone'), `/${'x'.repeat(200)}`])
        expect(await openAgent(nobody)).toBeUndefined();
    } finally {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('hostile clients', () => {
  it('may send any bytes: the agent answers the next one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 2000 }),
          fc.string().map((text) => Buffer.from(`POST /v1/attach HTTP/1.1\r\nhost: x\r\n${text}\r\n\r\n`)),
          fc
            .json()
            .map((text) =>
              Buffer.from(
                `POST /v1/attach HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
              ),
            ),
        ),
        async (bytes) => {
          const answer = await exchange(bytes);
          expect(answer === '' || /^HTTP\/1\.1 4\d\d /.test(answer)).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
    expect(await ask(path, 'GET', '/v1/status')).toMatchObject({ status: 200 });
  });

  it('get no more than a bounded body, announced or not', async () => {
    const announced = await exchange(
      `POST /v1/attach HTTP/1.1\r\nhost: x\r\ncontent-length: ${maxBodyBytes + 1}\r\n\r\n`,
    );
    expect(announced).toMatch(/^HTTP\/1\.1 413 /);
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const unannounced = await exchange(
      `POST /v1/attach HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(20)}`,
    );
    expect(unannounced === '' || unannounced.startsWith('HTTP/1.1 413 ')).toBe(true);
    expect(await exchange(`GET / HTTP/1.1\r\nhost: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    );
  });

  it('that are many are dropped, and leave no trace', async () => {
    const sockets: Socket[] = [];
    for (let index = 0; index < 100; index++) {
      const socket = connect(path);
      socket.on('error', () => undefined);
      sockets.push(socket);
    }
    await until('some are dropped', () => sockets.filter(({ destroyed }) => destroyed).length >= 30);
    for (const socket of sockets) socket.destroy();
    const answer = await until('it answers', async () =>
      ask(path, 'GET', '/v1/status').catch(() => undefined),
    );
    expect(answer).toMatchObject({ status: 200 });
  });
});

describe('those who listen to events', () => {
  it('leave room for those who ask', async () => {
    const sockets: Socket[] = [];
    const answers = Array.from({ length: 17 }, () => '');
    for (const index of answers.keys()) {
      const socket = connect(path);
      // A head and what follows it may come in several pieces.
      socket.on('data', (chunk: Buffer) => (answers[index] += chunk.toString()));
      socket.write('GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n');
      sockets.push(socket);
    }
    await until('all are answered', () => answers.every((answer) => answer.includes('\r\n')));
    const heads = answers.map((answer) => answer.split('\r\n')[0]);
    expect(heads.filter((head) => head === 'HTTP/1.1 200 OK')).toHaveLength(16);
    expect(heads.filter((head) => head === 'HTTP/1.1 503 Service Unavailable')).toHaveLength(1);
    for (const socket of sockets) socket.destroy();
  });
});

describe('who may use the agent', () => {
  const peer = { pid: 1, uid: 1000, gid: 1000, groups: [4, 27] };

  it('is root, its own user, and members of the group', () => {
    const access = { uid: 500, groupId: 900 };
    expect(mayUseAgent(peer, access)).toBe(false);
    expect(mayUseAgent(undefined, access)).toBe(false);
    expect(mayUseAgent({ ...peer, uid: 0 }, access)).toBe(true);
    expect(mayUseAgent({ ...peer, uid: 500 }, access)).toBe(true);
    expect(mayUseAgent({ ...peer, gid: 900 }, access)).toBe(true);
    expect(mayUseAgent({ ...peer, groups: [4, 900] }, access)).toBe(true);
    expect(mayUseAgent(peer, { uid: 500, groupId: undefined })).toBe(false);
  });

  it('finds the group by its whole name, whatever else the file holds', () => {
    expect(findGroupId('root:x:0:\nvfleets:x:1:\nvfleet:x:997:a,b\n', 'vfleet')).toBe(997);
    expect(findGroupId('vfleet:x:-1:\nvfleet:x::\nvfleet\n', 'vfleet')).toBeUndefined();
    fc.assert(
      fc.property(fc.string(), (text) => {
        const id = findGroupId(text, 'vfleet');
        expect(id === undefined || Number.isSafeInteger(id)).toBe(true);
      }),
    );
  });

  it('is nobody else: the socket is closed to others', () => {
    expect(statSync(path).mode & 0o777).toBe(0o660);
  });

  it.skipIf(process.getuid?.() !== 0)(
    'is asked of the kernel: another user gets 403 even where the socket is open (needs root)',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'vfleet-other-'));
      const world = await makeWorld('igb', agentSpec);
      const open = await startAgent(world, { socketPath: join(folder, 'agent.sock') });
      chmodSync(folder, 0o755);
      chmodSync(open.socketPath, 0o666);
      const script = join(folder, 'ask.cjs');
      writeFileSync(
        script,
        `process.setgroups([]); process.setgid(Number(process.argv[3])); process.setuid(65534);
        require('node:http').get({ socketPath: process.argv[2], path: '/v1/status' }, (answer) => {
          let text = ''; answer.on('data', (chunk) => (text += chunk));
          answer.on('end', () => console.log(JSON.stringify({ status: answer.statusCode, body: JSON.parse(text) })));
        });`,
        { mode: 0o644 },
      );
      const askAs = async (gid: number): Promise<{ status: number; body: unknown }> => {
        // Started as root: Node itself may be where the other user cannot read.
        const child = spawn(process.execPath, [script, open.socketPath, String(gid)], { env: {} });
        let output = '';
        child.stdout.on('data', (chunk: Buffer) => {
          output += chunk.toString();
        });
        await new Promise((resolve) => child.on('close', resolve));
        return JSON.parse(output) as { status: number; body: unknown };
      };
      try {
        const refused = await askAs(65_534);
        expect(refused.status).toBe(403);
        expect(ErrorAnswer.parse(refused.body)).toMatchObject({
          error: 'permission.missing',
          message: expect.stringMatching(/^process \d+ of user 65534 may not use the agent$/) as string,
        });
      } finally {
        await open.stop();
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});
