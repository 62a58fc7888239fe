// VFs that hang in the kernel while they are given back: nobody else waits for them.

import { afterEach, expect, it } from 'vitest';
import { AgentStatus } from '../src/agent/agent-answers.ts';
import { isVfBusy } from '../src/agent/comparison.ts';
import { attachVf } from '../src/assign/attach.ts';
import { recoverLeases } from '../src/assign/recover.ts';
import { listEveryLease } from '../src/lease/lease-store.ts';
import { listQuarantines } from '../src/lease/quarantine.ts';
import type { VfKey } from '../src/model/lease.ts';
import type { SimFault } from '../src/sim/fault.ts';
import { agentSpec, ask, pf, recordSpec, startAgent, until } from './agent.fixture.ts';
import type { RunningAgent } from './agent.fixture.ts';
import { makeWorld, openProcess, removeFolders, request, vfsOf } from './assigning.fixture.ts';
import type { Process, World } from './assigning.fixture.ts';

const agents: RunningAgent[] = [];
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop();
  removeFolders();
});

/** In the host's time: 6 s of ours, twice as long as a turn. */
const driverMs = 600_000;
const spec = agentSpec.replace('count: 3', 'count: 10').replace(pf, '0000:03:00.0');

/** A host on which the resets of some VFs hang, those that are chosen first. */
async function hangingWorld(count: number): Promise<{ world: World; hung: VfKey[]; faults: SimFault[] }> {
  const world = await makeWorld('ixgbe', spec);
  recordSpec(world, spec);
  const vfs = vfsOf(world).slice(0, count);
  return {
    world,
    hung: vfs.map((vf) => ({ pf: vf.pf, vf: vf.index })),
    faults: vfs.map(({ address = '' }) => ({ operation: 'write', path: `${address}/reset`, hang: true })),
  };
}

const ownersOf = async ({ host }: Process): Promise<string[]> =>
  (await listEveryLease(host.leases)).map(({ owner }) => owner.name);

it('The agent gives back what is left while eight VFs hang: those stay locked, are named, and end in quarantine', async () => {
  // As many as it works on at once.
  const { world, hung, faults } = await hangingWorld(8);
  const agent = await startAgent(world, { faults: { kernel: faults }, driverMs });
  agents.push(agent);
  const { process, socketPath } = agent;
  for (const vm of [...hung.map(() => 'web-1'), 'web-2'])
    expect(await ask(socketPath, 'POST', '/v1/attach', request(vm))).toMatchObject({ status: 200 });
  const areBusy = (): boolean => hung.every((key) => isVfBusy(world.stateFolder, key));
  await process.hypervisor.destroy('web-1');
  await until('all of them hang', areBusy);
  await process.hypervisor.destroy('web-2');
  await until('the other VF is free', async () => !(await ownersOf(process)).includes('web-2'));

  expect(await ownersOf(process)).toHaveLength(hung.length);
  expect(listQuarantines(world.stateFolder)).toEqual([]);
  expect(areBusy()).toBe(true);
  const { hanging } = AgentStatus.parse((await ask(socketPath, 'GET', '/v1/status')).body);
  expect(hanging.map(({ key, vm, doing }) => ({ key, vm, doing }))).toEqual(
    hung.map((key) => ({ key, vm: 'web-1', doing: `cleaning VF ${key.vf} of ${key.pf}` })),
  );
  expect(agent.of('hanging')).toHaveLength(hung.length);

  await until('they are in quarantine', () => listQuarantines(world.stateFolder).length === hung.length);
  await until('none hangs any more', async () => {
    const status = AgentStatus.parse((await ask(socketPath, 'GET', '/v1/status')).body);
    return status.hanging.length === 0;
  });
  // One write each.
  expect(Object.values(process.kernel.state.faultCounts)).toEqual(hung.map(() => 1));
});

it('A recovery gives back what is left while four VFs hang, and then says what became of all', async () => {
  // As many as it works on at once.
  const { world, hung, faults } = await hangingWorld(4);
  const process = openProcess(world, { kernel: faults });
  for (const vm of [...hung.map(() => 'web-1'), 'web-2'])
    await attachVf(process.host, world.readGround, request(vm));
  for (const vm of ['web-1', 'web-2']) await process.hypervisor.destroy(vm);
  const timeouts = { ...process.host.timeouts, driverMs };
  const recovering = recoverLeases({ ...process.host, timeouts });
  await until('the other VF is free', async () => !(await ownersOf(process)).includes('web-2'));
  expect(listQuarantines(world.stateFolder)).toEqual([]);
  const { releases } = await recovering;
  expect(releases.map(({ result }) => result)).toEqual([...hung.map(() => 'quarantined'), 'free']);
});
