// How long somebody who gives or takes single VFs waits for an apply that changes the host as a whole: as long as he says,
// with the agent and without.

import { writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { describeApi } from '../src/agent/openapi.ts';
import { routes } from '../src/agent/route-table.ts';
import { lockHost } from '../src/apply/host-lock.ts';
import { attachVf } from '../src/assign/attach.ts';
import { detachVfs } from '../src/assign/detach.ts';
import { leaseForQemu } from '../src/assign/lease-for-qemu.ts';
import { recoverLeases } from '../src/assign/recover.ts';
import { parseWait } from '../src/cli/seconds.ts';
import { AttachRequest } from '../src/model/attachment.ts';
import { openAgent } from '../src/cli/agent-client.ts';
import { listEveryLease } from '../src/lease/lease-store.ts';
import { lockVf } from '../src/lease/vf-lock.ts';
import { agentSpec, ask, recordSpec, startAgent, until } from './agent.fixture.ts';
import type { RunningAgent } from './agent.fixture.ts';
import {
  copyWorld,
  makeWorld,
  newFolder,
  openProcess,
  problemsOf,
  removeFolders,
  request,
} from './assigning.fixture.ts';
import type { Process, World } from './assigning.fixture.ts';
import { vfleet, vfleetOk } from './lab/command.ts';

const agents: RunningAgent[] = [];
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop();
  removeFolders();
});

async function start(world: World): Promise<RunningAgent> {
  const agent = await startAgent(world);
  agents.push(agent);
  return agent;
}

/** Does the work while somebody else has the host for himself: for `heldMs`, or until the work is done if that is earlier. */
async function whileHeld<T>(stateFolder: string, work: () => Promise<T>, heldMs = longMs): Promise<T> {
  // An agent may look at the host just now.
  const lock = await lockHost(stateFolder, { command: 'apply', waitMs: patientMs });
  const done = work();
  await Promise.race([done.catch(() => undefined), sleep(heldMs, undefined, { ref: false })]);
  lock.release();
  return done;
}

/** Longer than a look at the lock, shorter than anybody waits in these tests. */
const briefMs = 250;
/** Far longer than a refusal takes; who waits although he shall not sees the lock become free. */
const longMs = 30_000;
const patientMs = 40_000;

const qemu = { name: 'vm1', network: 'storage', acceptedRisks: [] };
const works: readonly [string, (process: Process, world: World, waitMs?: number) => Promise<unknown>][] = [
  [
    'attach',
    async ({ host }, { readGround }, waitMs) =>
      attachVf(host, readGround, { ...request('web-2'), ...waiting(waitMs) }),
  ],
  [
    'a lease for QEMU',
    async ({ host }, { readGround }, waitMs) =>
      leaseForQemu(host, readGround, { ...qemu, ...waiting(waitMs) }),
  ],
  ['detach', async ({ host }, _, waitMs) => detachVfs(host, { vm: 'web-1', ...waiting(waitMs) })],
  ['recovery', async ({ host }, _, waitMs) => recoverLeases(host, waiting(waitMs))],
];

function waiting(waitMs: number | undefined): { waitMs?: number } {
  return waitMs === undefined ? {} : { waitMs };
}

describe.each(works)('%s', (_, work) => {
  async function attached(signal?: AbortSignal): Promise<{ world: World; process: Process }> {
    const world = await makeWorld('igb', agentSpec);
    const first = openProcess(world);
    await attachVf(first.host, world.readGround, request('web-1'));
    return { world, process: openProcess(world, signal === undefined ? {} : { signal }) };
  }

  it('does not wait unless it is told to', async () => {
    const { world, process } = await attached();
    for (const waitMs of [undefined, 0])
      await expect(whileHeld(world.stateFolder, async () => work(process, world, waitMs))).rejects.toThrow(
        expect.objectContaining({ code: 'lock.held' }),
      );
  });

  it('waits as long as it is told', async () => {
    const { world, process } = await attached();
    const done = await whileHeld(world.stateFolder, async () => work(process, world, patientMs), briefMs);
    expect(done).toBeDefined();
  });

  it('stops waiting when it is asked to stop', async () => {
    const stop = new AbortController();
    const { world, process } = await attached(stop.signal);
    const attempt = whileHeld(world.stateFolder, async () => {
      setTimeout(() => stop.abort(), briefMs);
      return work(process, world, patientMs);
    });
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code: 'apply.interrupted' }));
  });

  it('is not begun for somebody who has gone, and changes nothing then', async () => {
    const { world, process } = await attached();
    const before = await listEveryLease(process.host.leases);
    await process.hypervisor.destroy('web-1');
    const host = { ...process.host, asker: AbortSignal.abort() };
    const attempt = work({ ...process, host }, world);
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code: 'apply.interrupted' }));
    expect(await listEveryLease(process.host.leases)).toEqual(before);
  });
});

describe('the agent', () => {
  const bodies: readonly [string, Record<string, unknown>][] = [
    ['/v1/attach', request('web-2')],
    ['/v1/detach', { vm: 'web-1' }],
    ['/v1/recover', {}],
  ];

  it.each(bodies)(
    'at %s waits as the request says, and some seconds when it says nothing',
    async (path, body) => {
      const world = await makeWorld('igb', agentSpec);
      recordSpec(world);
      const { socketPath } = await start(world);
      await ask(socketPath, 'POST', '/v1/attach', request('web-1'));
      const post = async (more: Record<string, unknown>) =>
        ask(socketPath, 'POST', path, { ...body, ...more });
      const refused = await whileHeld(world.stateFolder, async () => post({ waitMs: 0 }));
      expect(refused).toMatchObject({ status: 423, body: { error: 'lock.held' } });
      for (const waitMs of [-1, 0.5, 3_600_001, '1'])
        expect(await post({ waitMs })).toMatchObject({ status: 400, body: { error: 'request.invalid' } });
      const done = await whileHeld(world.stateFolder, async () => post({}), briefMs);
      expect(done).toMatchObject({ status: 200 });
    },
  );

  it('describes how long it may be asked to wait', () => {
    const { components } = describeApi(routes) as { components: { schemas: Record<string, unknown> } };
    const waitMs = { type: 'integer', minimum: 0, maximum: 3_600_000 };
    for (const name of ['AttachRequest', 'DetachRequest', 'RecoverRequest'])
      expect(components.schemas[name]).toMatchObject({ properties: { waitMs } });
  });
});

describe('a client that goes away', () => {
  /** An agent whose web-1 has a VF, and who was asked for more by clients that may go. */
  async function open() {
    const world = await makeWorld('igb', agentSpec);
    recordSpec(world);
    const before = copyWorld(world);
    const agent = await startAgent(world);
    await ask(agent.socketPath, 'POST', '/v1/attach', request('web-1'));
    return { world, agent, before, leases: await listEveryLease(agent.process.host.leases) };
  }

  const post = (socketPath: string, path: string, body: unknown): { goAway: () => void } => {
    const asking = httpRequest({ socketPath, method: 'POST', path, agent: false });
    asking.on('error', () => undefined);
    asking.end(JSON.stringify(body));
    return { goAway: () => asking.destroy() };
  };

  it.each([
    ['/v1/attach', request('web-2', { waitMs: patientMs })],
    ['/v1/detach', { vm: 'web-1', waitMs: patientMs }],
  ])('at %s while it waits for an apply ends the wait, and nothing is changed', async (path, body) => {
    const { world, agent, before, leases } = await open();
    const lock = await lockHost(world.stateFolder, { command: 'apply', waitMs: 0 });
    const { goAway } = post(agent.socketPath, path, body);
    await sleep(briefMs);
    goAway();
    await sleep(briefMs);
    lock.release();
    // Ends once all that was asked for has ended.
    await agent.stop();
    expect(await listEveryLease(agent.process.host.leases)).toEqual(leases);
    expect(await problemsOf(world, before)).toEqual([]);
  });

  it('at /v1/recover while it waits for an apply ends the wait', async () => {
    const { world, agent } = await open();
    const lock = await lockHost(world.stateFolder, { command: 'apply', waitMs: 0 });
    const { goAway } = post(agent.socketPath, '/v1/recover', { waitMs: patientMs });
    await sleep(briefMs);
    goAway();
    const end = await Promise.race([agent.stop().then(() => 'ended'), sleep(longMs, 'waits')]);
    lock.release();
    expect(end).toBe('ended');
  });

  it('while it waits for a VF that somebody works on ends the wait, and nothing is changed', async () => {
    const { world, agent, before, leases } = await open();
    const [lease] = leases;
    if (lease === undefined) throw new Error('no lease');
    const lock = lockVf(world.stateFolder, lease.key);
    const { goAway } = post(agent.socketPath, '/v1/detach', { vm: 'web-1', waitMs: patientMs });
    await sleep(briefMs);
    goAway();
    await sleep(briefMs);
    if ('release' in lock) lock.release();
    await agent.stop();
    expect(await listEveryLease(agent.process.host.leases)).toEqual(leases);
    expect(await problemsOf(world, before)).toEqual([]);
  });

  it('after the lease was made leaves the attach to be finished', async () => {
    const { world, agent } = await open();
    const { goAway } = post(agent.socketPath, '/v1/attach', request('web-2'));
    await until('it has begun', async () => (await listEveryLease(agent.process.host.leases)).length === 2);
    goAway();
    await agent.stop();
    expect(await listEveryLease(agent.process.host.leases)).toHaveLength(2);
    expect(await problemsOf(world, world)).toEqual([]);
  });

  it('is a command that was asked to stop', async () => {
    const { world, agent, leases } = await open();
    const stop = new AbortController();
    const client = await openAgent(agent.socketPath, stop.signal);
    const lock = await lockHost(world.stateFolder, { command: 'apply', waitMs: 0 });
    const attaching = client?.attach(request('web-2', { waitMs: patientMs }));
    setTimeout(() => stop.abort(), briefMs);
    await expect(attaching).rejects.toMatchObject({ code: 'apply.interrupted' });
    await sleep(briefMs);
    lock.release();
    await agent.stop();
    expect(await listEveryLease(agent.process.host.leases)).toEqual(leases);
  });
});

describe('--wait', () => {
  it.each([
    ['with the agent', true],
    ['without it', false],
  ])('says how long, %s', async (_, hasAgent) => {
    const state = newFolder();
    const stateFolder = join(state, 'sim-igb');
    const spec = join(state, 'host.yaml');
    writeFileSync(spec, agentSpec);
    await vfleetOk(state, ['apply', spec, '--yes'], 'sim:igb');
    if (hasAgent) await start({ ...(await makeWorld('igb', agentSpec)), stateFolder });
    for (const args of [
      ['attach', 'web-1', '--network', 'storage'],
      ['detach', 'web-1'],
    ]) {
      const run = async (...more: readonly string[]) => vfleet(state, [...args, ...more], 'sim:igb');
      expect(await whileHeld(stateFolder, async () => run())).toMatchObject({ status: 4 });
      expect(await whileHeld(stateFolder, async () => run('--wait', '40'), briefMs)).toMatchObject({
        status: 0,
      });
    }
  });

  it('takes just what a request can say', () => {
    const longest = parseWait('3600') * 1000;
    expect(AttachRequest.safeParse(request('web-1', { waitMs: longest })).success).toBe(true);
    expect(AttachRequest.safeParse(request('web-1', { waitMs: longest + 1 })).success).toBe(false);
    for (const text of ['3601', '-1', '1.5', '']) expect(() => parseWait(text)).toThrow(/from 0 to 3600/);
  });
});
