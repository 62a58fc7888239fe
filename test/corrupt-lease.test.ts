// What one lease that cannot be understood means to a host: its VF is nobody else's and stays as it is, and all else goes on.

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { AgentEvent, DriftReport } from '../src/agent/agent-answers.ts';
import { JournalWriter } from '../src/apply/journal.ts';
import { attachVf, explainAttach } from '../src/assign/attach.ts';
import { detachVfs } from '../src/assign/detach.ts';
import { leaseForQemu } from '../src/assign/lease-for-qemu.ts';
import { recoverLeases } from '../src/assign/recover.ts';
import { openSimHypervisor } from '../src/hypervisor/simulated/sim-hypervisor.ts';
import { readSnapshot } from '../src/inventory/snapshot.ts';
import { KernelSession } from '../src/kernel/session.ts';
import { exampleLease } from '../src/lease/testing/example-lease.ts';
import { hostileRecords } from '../src/lease/testing/hostile-record.ts';
import { vfFileName } from '../src/lease/vf-file-name.ts';
import type { CorruptLease, Lease } from '../src/model/lease.ts';
import { openSimKernel } from '../src/sim/open-sim-kernel.ts';
import { agentSpec, ask, pf, recordSpec, setBehindBack, startAgent, until } from './agent.fixture.ts';
import type { AgentExtras, RunningAgent } from './agent.fixture.ts';
import { makeWorld, newFolder, openProcess, removeFolders, request, vfsOf } from './assigning.fixture.ts';
import type { World } from './assigning.fixture.ts';
import { vfleet, vfleetOk } from './lab/command.ts';

const agents: RunningAgent[] = [];
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop();
  removeFolders();
});

const cases: typeof hostileRecords = [
  ...hostileRecords,
  ['the lease of another VF', (path) => writeFileSync(path, JSON.stringify(exampleLease()))],
];
const [noJson] = hostileRecords;
const spoil = noJson?.[1] ?? (() => undefined);

interface Spoilt {
  readonly world: World;
  /** Of web-1, sound. */
  readonly sound: Lease;
  /** Of web-2, which has its VF. */
  readonly lost: Lease;
  readonly path: string;
  readonly corrupt: CorruptLease;
}

/** A host on which web-1 and web-2 have a VF each, and one is free. */
async function twoVms(world: World): Promise<{ sound: Lease; lost: Lease; path: string }> {
  const { host } = openProcess(world);
  const { lease: sound } = await attachVf(host, world.readGround, request('web-1'));
  const { lease: lost } = await attachVf(host, world.readGround, request('web-2'));
  return { sound, lost, path: join(world.stateFolder, 'leases', `${vfFileName(lost.key)}.json`) };
}

/** The same, where nobody can read web-2's lease. */
async function spoilt(put = spoil): Promise<Spoilt> {
  const world = await makeWorld('igb', agentSpec);
  recordSpec(world);
  const { sound, lost, path } = await twoVms(world);
  put(path);
  const why = expect.stringContaining(`the lease in ${path} cannot be understood: `) as string;
  return { world, sound, lost, path, corrupt: { key: lost.key, why } };
}

describe('of which the lease is', () => {
  it.each(cases)(
    '%s, a VF is given to nobody and left as it is, and all others are given and taken',
    async (_, put) => {
      const { world, sound, lost, corrupt } = await spoilt(put);
      const { host, hypervisor } = openProcess(world);
      const vf = (): unknown => vfsOf(world)[lost.key.vf];
      const before = structuredClone(vf());

      const verdicts = await explainAttach(host, world.readGround, request('web-1'));
      const verdict = verdicts.find(({ key }) => key.vf === lost.key.vf);
      expect(verdict?.excluded[0]).toEqual({ code: 'lease-corrupt', text: corrupt.why });
      const second = await attachVf(host, world.readGround, request('web-1'));
      expect([sound.key.vf, lost.key.vf]).not.toContain(second.lease.key.vf);
      await expect(
        leaseForQemu(host, world.readGround, { name: 'vm1', network: 'storage', acceptedRisks: [] }),
      ).rejects.toMatchObject({ code: 'vf.unavailable' });

      await expect(detachVfs(host, { vm: 'web-2' })).rejects.toMatchObject({
        code: 'lease.none',
        hint: 'one record of a lease cannot be understood, and may be it: see `vfleet leases`',
      });
      const { mac = '' } = second.lease.settings;
      const detached = await detachVfs(host, { vm: 'web-1', mac });
      expect(detached).toMatchObject({ releases: [{ result: 'free' }], corrupt: [corrupt] });
      await hypervisor.destroy('web-1');
      const recovered = await recoverLeases(host);
      expect(recovered).toMatchObject({ releases: [{ key: sound.key, result: 'free' }], corrupt: [corrupt] });
      expect(vf()).toEqual(before);
    },
  );
});

describe('an agent that finds one', () => {
  async function start(world: World, extras: AgentExtras = {}): Promise<RunningAgent> {
    const agent = await startAgent(world, extras);
    agents.push(agent);
    return agent;
  }
  const driftOf = async ({ socketPath }: RunningAgent): Promise<DriftReport> =>
    DriftReport.parse((await ask(socketPath, 'GET', '/v1/drift')).body);
  const failuresOf = (agent: RunningAgent): readonly AgentEvent[] => agent.of('failed');

  it('tells it once, and gives, takes and gives back all others', async () => {
    const { world, sound, lost, corrupt } = await spoilt();
    const agent = await start(world);
    const { socketPath, process } = agent;
    const body = async (method: string, path: string, sent?: unknown): Promise<unknown> => {
      const answer = await ask(socketPath, method, path, sent);
      expect(answer).toMatchObject({ status: 200 });
      return answer.body;
    };
    expect(await body('GET', '/v1/status')).toMatchObject({ leases: 1, quarantined: 0, corrupt: 1 });
    expect(await body('GET', '/v1/leases')).toMatchObject({ leases: [sound], corrupt: [corrupt] });
    await body('POST', '/v1/attach', request('web-1'));
    const detached = await body('POST', '/v1/detach', { vm: 'web-1' });
    expect(detached).toMatchObject({
      releases: [{ result: 'free' }, { result: 'free' }],
      corrupt: [corrupt],
    });
    await body('POST', '/v1/attach', request('web-1'));
    await process.hypervisor.destroy('web-1');
    await until('the VF is free', async () => agent.of('released').length > 0);
    expect(await body('POST', '/v1/recover', {})).toMatchObject({ releases: [], corrupt: [corrupt] });
    expect(failuresOf(agent)).toMatchObject([{ kind: 'failed', key: lost.key }]);
    expect(failuresOf(agent)[0]?.text).toContain(`VF ${lost.key.vf} of ${pf}: the lease in `);
    for (const event of agent.events) AgentEvent.parse(event);
  });

  it('says nothing of what the VF should be, and that this cannot be said', async () => {
    const { world, lost, path } = await spoilt();
    const agent = await start(world);
    const report = await until('it was compared', async () => {
      const found = await driftOf(agent);
      return found.problems.length > 0 && found;
    });
    expect(report).toMatchObject({ state: 'drift', items: [] });
    expect(report.problems).toEqual([
      expect.stringContaining(`VF ${lost.key.vf} of ${pf}: the lease in ${path}`),
    ]);
    await setBehindBack(agent.process.kernel, lost.key.vf, { vlan: 9 });
    const free = vfsOf(world).length - 1;
    await setBehindBack(agent.process.kernel, free, { vlan: 9 });
    const items = await until('drift', async () => {
      const found = await driftOf(agent);
      return found.items.length > 0 && found.items;
    });
    expect(items).toMatchObject([{ vf: free, attribute: 'vlan' }]);
  });

  it('takes a lease that it knew for no ended one, until it is removed', async () => {
    const world = await makeWorld('igb', agentSpec);
    recordSpec(world);
    const { lost, path } = await twoVms(world);
    const agent = await start(world);
    spoil(path);
    await until('it was told', () => failuresOf(agent).length > 0);
    expect(agent.of('lease-ended')).toEqual([]);
    await until('it is a problem', async () => (await driftOf(agent)).problems.length > 0);
    rmSync(path);
    await until('it has ended', () => agent.of('lease-ended').length > 0);
    expect(agent.of('lease-ended')).toMatchObject([{ key: lost.key, vm: 'web-2' }]);
    await until('it is no problem', async () => (await driftOf(agent)).problems.length === 0);
    expect(failuresOf(agent)).toHaveLength(1);
  });

  it('never touches the VF with --enforce, which puts others back', async () => {
    const { world, lost } = await spoilt();
    const before = structuredClone(vfsOf(world)[lost.key.vf]);
    const agent = await start(world, { enforce: true });
    const free = vfsOf(world).length - 1;
    await until('it was compared', async () => (await driftOf(agent)).checkedAt !== undefined);
    await setBehindBack(agent.process.kernel, free, { vlan: 9 });
    await until('it was put back', () => agent.of('enforced').length > 0);
    await until('it is over', async () => (await driftOf(agent)).items.length === 0);
    expect(vfsOf(world)[free]?.settings.vlan).toBe(7);
    expect(vfsOf(world)[lost.key.vf]).toEqual(before);
    expect(agent.of('enforce-held-back')).toEqual([]);
  });

  it('makes no VFs anew on its PF', async () => {
    const { world, lost } = await spoilt();
    recordSpec(world, agentSpec.replace('count: 3', 'count: 4'));
    const before = structuredClone(world.state.pfs);
    const process = openProcess(world);
    await process.hypervisor.destroy('web-1');
    await process.hypervisor.destroy('web-2');
    await recoverLeases(process.host);
    process.kernel.releaseVf(pf, lost.key.vf);
    const agent = await start(world, { enforce: true });
    const [held] = await until('it says so', () => {
      const told = agent.of('enforce-held-back');
      return told.length > 0 && told;
    });
    expect(held?.text).toContain('VFs would be made anew, and some are leased');
    expect(world.state.pfs[0]?.vfs).toHaveLength(before[0]?.vfs.length ?? 0);
  });
});

describe('on the command line', () => {
  interface Site {
    readonly spec: string;
    readonly stateFolder: string;
    readonly path: string;
    readonly run: (...args: readonly string[]) => ReturnType<typeof vfleet>;
  }

  async function newSite(hasAgent = false): Promise<Site> {
    const state = newFolder();
    const stateFolder = join(state, 'sim-igb');
    const spec = join(state, 'host.yaml');
    writeFileSync(spec, agentSpec);
    await vfleetOk(state, ['apply', spec, '--yes'], 'sim:igb');
    if (hasAgent) agents.push(await startAgent({ ...(await makeWorld('igb', agentSpec)), stateFolder }));
    for (const vm of ['web-1', 'web-2'])
      await vfleetOk(state, ['attach', vm, '--network', 'storage'], 'sim:igb');
    const path = join(stateFolder, 'leases', `${vfFileName({ pf, vf: 1 })}.json`);
    spoil(path);
    return { spec, stateFolder, path, run: async (...args) => vfleet(state, args, 'sim:igb') };
  }

  it.each([
    ['with an agent', true],
    ['without', false],
  ])('one is shown and named %s, and recover ends with 6', async (_, hasAgent) => {
    const { path, run } = await newSite(hasAgent);
    const line = `VF 1 of ${pf}: the lease in ${path} cannot be understood: `;
    const hint =
      'Nobody gets a VF whose lease cannot be understood. See who has it; then remove the file, and run';

    const leases = await run('leases');
    expect(leases).toMatchObject({ status: 0, stderr: '' });
    expect(leases.stdout).toContain(line);
    expect(leases.stdout).toContain(hint);
    expect(leases.stdout).toMatch(/web-1 +storage/);
    const listed = await run('leases', '--json');
    expect(JSON.parse(listed.stdout)).toMatchObject({
      leases: [{ key: { vf: 0 } }],
      corrupt: [{ key: { vf: 1 } }],
    });
    expect((await run('show')).stdout).toMatch(/corrupt lease/);

    const none = await run('detach', 'web-2');
    expect(none).toMatchObject({ status: 1, stdout: '' });
    expect(none.stderr).toContain('one record of a lease cannot be understood');
    const detached = await run('detach', 'web-1', '--json');
    expect(detached).toMatchObject({ status: 0 });
    expect(JSON.parse(detached.stdout)).toMatchObject({
      releases: [{ result: 'free' }],
      corrupt: [{ key: { vf: 1 } }],
    });

    const recovered = await run('recover');
    expect(recovered).toMatchObject({ status: 6, stderr: '' });
    expect(recovered.stdout).toContain(line);
    expect(recovered.stdout).toContain(hint);
    const json = await run('recover', '--json');
    expect(json).toMatchObject({ status: 6 });
    expect(JSON.parse(json.stdout)).toMatchObject({
      recovery: 'nothing',
      releases: [],
      corrupt: [{ key: { vf: 1 } }],
    });
  });

  it('nothing is planned, applied or reverted for the host as a whole', async () => {
    const { spec, path, run } = await newSite();
    for (const args of [
      ['plan', spec],
      ['apply', spec, '--yes'],
      ['revert', '--yes'],
    ]) {
      const refused = await run(...args);
      expect(refused).toMatchObject({ status: 6 });
      expect(refused.stderr).toContain(`the lease in ${path} cannot be understood: `);
    }
  });

  it.each([
    ['undone', false],
    ['finished', true],
  ])('recover looks at the other leases also where an apply cannot be %s for it', async (_, isDone) => {
    const { stateFolder, path, run } = await newSite();
    const kernel = await openSimKernel('igb', { stateFile: join(stateFolder, 'kernel.json') });
    await openSimHypervisor({ stateFile: join(stateFolder, 'vms.json'), host: kernel }).stop('web-1');
    const session = new KernelSession(kernel);
    const { host } = await readSnapshot(session, { detail: 'settings', pfs: [] });
    session.close();
    const journal = JournalWriter.begin(stateFolder, {
      command: 'apply',
      startedAt: '2026-01-01T00:00:00.000Z',
      bootId: host.bootId,
      allowDisruption: false,
      steps: [{ kind: 'num-vfs', pf, before: 0, after: 3 }],
      target: { pfs: [{ address: pf, numVfs: 3, vfs: [] }] },
      before: { pfs: [{ address: pf, numVfs: 0, vfs: [] }] },
    });
    if (isDone) journal.writeUnsynced({ record: 'done', index: 0 });
    journal.close();
    const recovered = await run('recover');
    expect(recovered).toMatchObject({ status: 6 });
    expect(recovered.stdout).toContain('web-1 has given back VF 0');
    expect(recovered.stdout).toContain(`VF 1 of ${pf}: the lease in ${path} cannot be understood`);
    expect(recovered.stderr).toContain(path);
  });
});
