import { afterEach, describe, expect, it } from 'vitest';
import { AgentEvent, AgentStatus, DriftReport } from '../src/agent/agent-answers.ts';
import { attachVf } from '../src/assign/attach.ts';
import { leaseForQemu } from '../src/assign/lease-for-qemu.ts';
import { VfleetError } from '../src/base/errors.ts';
import type { Hypervisor } from '../src/hypervisor/hypervisor.ts';
import { lateHypervisor } from '../src/agent/late-hypervisor.ts';
import type { SimHypervisor } from '../src/hypervisor/simulated/sim-hypervisor.ts';
import { unbindDriver } from '../src/kernel/sysfs/driver-binding.ts';
import { parsePciAddress } from '../src/base/identifiers.ts';
import type { PciAddress } from '../src/base/identifiers.ts';
import { listEveryLease } from '../src/lease/lease-store.ts';
import type { SimFault } from '../src/sim/fault.ts';
import { defaultSpeed } from '../src/sim/sim-kernel.ts';
import {
  agentSpec,
  ask,
  pf,
  recordSpec,
  setBehindBack,
  setUpBehindBack,
  startAgent,
  until,
} from './agent.fixture.ts';
import type { AgentExtras, RunningAgent } from './agent.fixture.ts';
import {
  copyWorld,
  cutOffApply,
  makeWorld,
  openProcess,
  problemsOf,
  removeFolders,
  request,
  vfsOf,
} from './assigning.fixture.ts';
import type { World } from './assigning.fixture.ts';

const agents: RunningAgent[] = [];
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop();
  removeFolders();
});

async function start(world: World, extras: AgentExtras = {}): Promise<RunningAgent> {
  const agent = await startAgent(world, extras);
  agents.push(agent);
  return agent;
}

async function newWorld(): Promise<{ world: World; before: World }> {
  const world = await makeWorld('igb', agentSpec);
  recordSpec(world);
  return { world, before: copyWorld(world) };
}

const qosSpec = agentSpec.replace('vlan: 200', 'vlan: 200, qos: 3');

const leasesOf = async ({ process }: RunningAgent): Promise<number> =>
  (await listEveryLease(process.host.leases)).length;

describe('an attach', () => {
  /** A world whose offer is counted when it is read from the host. */
  async function countedWorld(): Promise<{ world: World; readings: () => number }> {
    const { world } = await newWorld();
    let count = 0;
    const readGround = async () => {
      count += 1;
      return world.readGround();
    };
    return { world: { ...world, readGround }, readings: () => count };
  }

  const compared = async ({ socketPath }: RunningAgent): Promise<unknown> =>
    until('the host was compared', async () => {
      const { body } = await ask(socketPath, 'GET', '/v1/drift');
      return (body as DriftReport).state === 'none';
    });

  it('stands on what the agent knows, and looks at the VF itself once more', async () => {
    const { world, readings } = await countedWorld();
    const agent = await start(world);
    await compared(agent);
    // No event tells of it.
    agent.process.kernel.holdVf(pf, 0, { kind: 'vfio', name: 'dpdk' });
    const { body } = await ask(agent.socketPath, 'POST', '/v1/attach', request('web-1'));
    expect(body).toMatchObject({ lease: { key: { pf, vf: 1 } } });
    expect(readings()).toBe(0);
  });

  it('is not refused for what was so a moment ago', async () => {
    const { world, readings } = await countedWorld();
    const holding = openProcess(world).kernel;
    for (const vf of [0, 1, 2]) holding.holdVf(pf, vf, { kind: 'vfio', name: 'dpdk' });
    const agent = await start(world);
    await compared(agent);
    agent.process.kernel.releaseVf(pf, 2);
    expect(await ask(agent.socketPath, 'POST', '/v1/attach', request('web-1'))).toMatchObject({
      status: 200,
      body: { lease: { key: { pf, vf: 2 } } },
    });
    expect(readings()).toBe(1);
  });

  it('goes by another spec as soon as it is applied', async () => {
    const { world, readings } = await countedWorld();
    const agent = await start(world);
    await compared(agent);
    recordSpec(world, agentSpec.replace('vlan: 200', 'vlan: 300'));
    await ask(agent.socketPath, 'POST', '/v1/attach', request('web-1'));
    expect(readings()).toBe(1);
  });
});

describe('what VMs leave behind', () => {
  it.each([
    ['destroyed', async (vms: SimHypervisor) => vms.destroy('web-1')],
    ['crashed', async (vms: SimHypervisor) => vms.crash('web-1')],
    ['stopped', async (vms: SimHypervisor) => vms.stop('web-1')],
  ])('goes back when the VM is %s behind our back', async (_, end) => {
    const { world, before } = await newWorld();
    const agent = await start(world);
    await ask(agent.socketPath, 'POST', '/v1/attach', request('web-1'));
    expect(await leasesOf(agent)).toBe(1);
    await end(agent.process.hypervisor);
    await until('the VF is free', async () => (await leasesOf(agent)) === 0);
    expect(await problemsOf(world, before)).toEqual([]);
    expect(agent.of('released')).toMatchObject([{ key: { pf }, network: 'storage' }]);
  });

  it('goes back when the VF of a pair is unplugged behind our back, and its standby stays', async () => {
    const { world, before } = await newWorld();
    const agent = await start(world);
    const failover = { kind: 'bridge', bridge: 'br0' } as const;
    await ask(agent.socketPath, 'POST', '/v1/attach', request('web-1', { failover }));
    const { hypervisor } = agent.process;
    const { uuid, nics } = await hypervisor.readVm('web-1');
    const alias = nics.find(({ hostAddress }) => hostAddress !== undefined)?.alias ?? '';
    await hypervisor.detachNic(uuid, alias, { live: true, stored: false }, 1000);
    await until('the VF is free', async () => (await leasesOf(agent)) === 0);
    expect(await problemsOf(world, before, { staying: 1 })).toEqual([]);
    expect((await hypervisor.readVm('web-1')).nics).toMatchObject([{ teaming: { role: 'persistent' } }]);
    expect(agent.of('released')).toMatchObject([
      { text: expect.stringContaining('its standby stays in web-1') },
    ]);
  });

  it('stays through a stop when the stored definition names it, and ends with the definition', async () => {
    const { world, before } = await newWorld();
    const agent = await start(world);
    const { process, socketPath } = agent;
    await ask(socketPath, 'POST', '/v1/attach', request('web-1', { hold: 'stored' }));
    await process.hypervisor.stop('web-1');
    await until('the stop was seen', () => agent.of('vm').some(({ text }) => text.includes('stopped')));
    await ask(socketPath, 'POST', '/v1/recover', {});
    expect(await leasesOf(agent)).toBe(1);
    await process.hypervisor.start('web-1');
    await process.hypervisor.stop('web-1');
    await process.hypervisor.undefine('web-1');
    await until('the VF is free', async () => (await leasesOf(agent)) === 0);
    expect(await problemsOf(world, before)).toEqual([]);
  });

  it('has the priority of its network again after the hypervisor has set the tag anew', async () => {
    const world = await makeWorld('igb', qosSpec);
    recordSpec(world, qosSpec);
    const agent = await start(world);
    const { process, socketPath } = agent;
    await ask(socketPath, 'POST', '/v1/attach', request('web-1', { hold: 'stored' }));
    const [lease] = await listEveryLease(process.host.leases);
    const tag = (): unknown => vfsOf(world).find(({ index }) => index === lease?.key.vf)?.settings;
    const hasPriority = (): boolean => JSON.stringify(tag()).includes('"vlan":200,"qos":3');
    expect(tag()).toMatchObject({ vlan: 200, qos: 3 });
    // Twice: at the first time, nobody may have looked at the lease yet.
    for (const round of [1, 2]) {
      await process.hypervisor.stop('web-1');
      expect(tag()).toMatchObject({ vlan: 200, qos: 0 });
      await until(`it is right again while the VM is off, ${round}`, hasPriority);
      await process.hypervisor.start('web-1');
      expect(tag()).toMatchObject({ vlan: 200, qos: 0 });
      await until(`it is right again under the VM, ${round}`, hasPriority);
    }
    expect(await listEveryLease(process.host.leases)).toEqual([lease]);
  });

  it('goes back for all VMs at once, and others keep theirs', async () => {
    const { world } = await newWorld();
    const agent = await start(world);
    for (const vm of ['web-1', 'web-1', 'web-2'])
      expect(await ask(agent.socketPath, 'POST', '/v1/attach', request(vm))).toMatchObject({ status: 200 });
    await agent.process.hypervisor.destroy('web-1');
    await until('the VFs are free', async () => (await leasesOf(agent)) === 1);
    expect(await listEveryLease(agent.process.host.leases)).toMatchObject([{ owner: { name: 'web-2' } }]);
  });

  it('is found at the start, when nobody had looked', async () => {
    const { world, before } = await newWorld();
    const first = openProcess(world);
    await attachVf(first.host, world.readGround, request('web-1'));
    await first.hypervisor.destroy('web-1');
    const agent = await start(world);
    await until('the VF is free', async () => (await leasesOf(agent)) === 0);
    expect(await problemsOf(world, before)).toEqual([]);
  });

  it('goes back when a vfleet died in the middle of an attach while the agent ran', async () => {
    const { world, before } = await newWorld();
    const agent = await start(world);
    const { host } = agent.process;
    await ask(agent.socketPath, 'POST', '/v1/attach', request('web-1'));
    const [lease] = await listEveryLease(host.leases);
    if (lease === undefined) throw new Error('no lease');
    await ask(agent.socketPath, 'POST', '/v1/detach', { vm: 'web-1' });
    // A lease whose VM never got the VF, and nobody who works on it: no event tells of that.
    await host.leases.create({ ...lease, generation: 'f'.repeat(32) });
    await setBehindBack(agent.process.kernel, lease.key.vf, { vlan: 200 });
    await until('the VF is free', async () => (await leasesOf(agent)) === 0);
    expect(await problemsOf(world, before)).toEqual([]);
  });

  it('is looked for again when the hypervisor comes back, and kept until then', async () => {
    const { world, before } = await newWorld();
    const first = openProcess(world);
    await attachVf(first.host, world.readGround, request('web-1'));
    let isThere = false;
    const hypervisor: Hypervisor = lateHypervisor('libvirt', async () => {
      if (!isThere) throw new VfleetError('hypervisor.unreachable', 'libvirt is not there');
      return first.hypervisor;
    });
    const agent = await start(world, { hypervisor });
    await until('it was told', () => agent.of('kept').length > 0);
    await first.hypervisor.destroy('web-1');
    expect(AgentStatus.parse((await ask(agent.socketPath, 'GET', '/v1/status')).body)).toMatchObject({
      leases: 1,
      hypervisor: { reachable: false },
    });
    isThere = true;
    await until('the VF is free', async () => (await leasesOf(agent)) === 0);
    // Whoever gives back and whoever follows the hypervisor try again each by himself.
    await until('it was told', () => agent.of('hypervisor-back').length > 0);
    expect(agent.of('hypervisor-back')).toHaveLength(1);
    expect(await problemsOf(world, before)).toEqual([]);
  });
});

describe('a VF that could not be cleaned', () => {
  // igb changes no rate while its port has no link.
  const ratedSpec = agentSpec.replace('vlan: 200', 'vlan: 200, maxTxRateMbps: 500');

  /** A VM with a VF each of these, destroyed while the port had no link. */
  async function quarantined(vms: readonly string[], faults: readonly SimFault[] = []) {
    const world = await makeWorld('igb', ratedSpec);
    recordSpec(world, ratedSpec);
    const before = copyWorld(world);
    const agent = await start(world, { faults: { kernel: faults } });
    const { process, socketPath } = agent;
    for (const vm of vms)
      expect(await ask(socketPath, 'POST', '/v1/attach', request(vm))).toMatchObject({ status: 200 });
    await setUpBehindBack(process.kernel, false);
    for (const vm of new Set(vms)) await process.hypervisor.destroy(vm);
    await until('they are in quarantine', () => agent.of('quarantined').length === vms.length);
    return { world, before, agent };
  }

  it.each<[string, SimFault[]]>([
    ['comes back', []],
    ['is back by the time that links are read anew', [{ operation: 'event', errno: 'ENOBUFS' }]],
  ])('is looked at again when the carrier of its PF %s', async (_, faults) => {
    const { world, before, agent } = await quarantined(['web-1', 'web-1'], faults);
    const { kernel } = agent.process;
    // What happens to other things of the host is no reason.
    await setBehindBack(kernel, 2, { vlan: 8 });
    await until('that was told', () => agent.of('drift-began').some(({ text }) => text.includes('vlan')));
    await setBehindBack(kernel, 2, { vlan: 7 });
    expect(await leasesOf(agent)).toBe(2);
    await setUpBehindBack(kernel, true);
    await until('the VFs are free', async () => (await leasesOf(agent)) === 0);
    expect(await problemsOf(world, before)).toEqual([]);
    expect(agent.of('released')).toMatchObject([{ key: { pf } }, { key: { pf } }]);
  });

  it('is looked at once for each return of the carrier, and by nothing else', async () => {
    const { agent } = await quarantined(['web-1'], [{ operation: 'write', path: '*/reset', errno: 'EIO' }]);
    const { kernel, host, hypervisor } = agent.process;
    const tries = (): number => Object.values(kernel.state.faultCounts)[0] ?? 0;
    for (const round of [2, 3]) {
      await setUpBehindBack(kernel, true);
      await until('it was tried', () => tries() === round);
      // What else happens on the PF, and to the VM, brings no other look.
      await setBehindBack(kernel, 2, { vlan: 7 + round });
      await hypervisor.start('web-1');
      await hypervisor.destroy('web-1');
      await until('a difference was told', () =>
        agent.of('drift-began').some(({ text }) => text.includes(`vlan is ${7 + round}`)),
      );
      await setUpBehindBack(kernel, false);
      await setBehindBack(kernel, 2, { vlan: 7 });
      await until('that it is over', () => agent.of('drift-ended').length === round - 1);
      expect(tries()).toBe(round);
    }
    expect(await listEveryLease(host.leases)).toHaveLength(1);
    expect(AgentStatus.parse((await ask(agent.socketPath, 'GET', '/v1/status')).body).quarantined).toBe(1);
  });
});

describe('what plain QEMU leaves behind', () => {
  const leaseFor = async (agent: RunningAgent, world: World, startWithinMs: number): Promise<number> => {
    const { lease } = await leaseForQemu(agent.process.host, world.readGround, {
      name: 'vm1',
      network: 'storage',
      startWithinMs,
      acceptedRisks: [],
    });
    return lease.key.vf;
  };

  it('goes back when the process that has the VF open ends, and not before', async () => {
    const { world, before } = await newWorld();
    const agent = await start(world);
    const { kernel } = agent.process;
    // Not over before the process has opened it, however slow this machine is: an hour of the host is 36 s.
    const vf = await leaseFor(agent, world, 3_600_000);
    kernel.holdVf(pf, vf, { kind: 'vm', name: 'vm1' });
    kernel.skipTime(7_200_000);
    await ask(agent.socketPath, 'POST', '/v1/recover', {});
    expect(await leasesOf(agent)).toBe(1);
    kernel.releaseVf(pf, vf);
    await until('the VF is free', async () => (await leasesOf(agent)) === 0);
    expect(await problemsOf(world, before)).toEqual([]);
  });

  it('goes back when nobody opens the VF in time', async () => {
    const { world, before } = await newWorld();
    const agent = await start(world);
    // The simulated host's minute is 0.6 s.
    await leaseFor(agent, world, 60_000);
    await until('the VF is free', async () => (await leasesOf(agent)) === 0);
    expect(await problemsOf(world, before)).toEqual([]);
  });
});

describe('drift', () => {
  const driftOf = async ({ socketPath }: RunningAgent): Promise<DriftReport> =>
    DriftReport.parse((await ask(socketPath, 'GET', '/v1/drift')).body);
  const isNone = async (agent: RunningAgent): Promise<boolean> => (await driftOf(agent)).state === 'none';

  it('is told once when it comes and once when it goes', async () => {
    const { world } = await newWorld();
    const agent = await start(world);
    await until('it was compared', async () => isNone(agent));
    await setBehindBack(agent.process.kernel, 1, { vlan: 9 });
    const report = await until('drift', async () => {
      const found = await driftOf(agent);
      return found.state === 'drift' && found;
    });
    expect(report.items).toMatchObject([{ pf, vf: 1, attribute: 'vlan', found: 9, wanted: 7 }]);
    await setBehindBack(agent.process.kernel, 1, { vlan: 7 });
    await until('it is over', async () => isNone(agent));
    expect(agent.of('drift-began')).toHaveLength(1);
    expect(agent.of('drift-ended')).toHaveLength(1);
    for (const event of agent.events) AgentEvent.parse(event);
  });

  it('is seen while the PF is down, and in drivers, which no link event tells', async () => {
    const { world } = await newWorld();
    const agent = await start(world);
    await until('it was compared', async () => isNone(agent));
    const { kernel } = agent.process;
    await setUpBehindBack(kernel, false);
    await until('the PF is down', async () =>
      (await driftOf(agent)).items.some(({ attribute }) => attribute === 'up'),
    );
    await setBehindBack(kernel, 2, { vlan: 5 });
    await until('the setting is seen', async () => (await driftOf(agent)).items.some(({ vf }) => vf === 2));
    const address = parsePciAddress(vfsOf(world)[0]?.address ?? '') as PciAddress;
    await unbindDriver(kernel.files, address, 600_000);
    await until('the driver is seen', async () =>
      (await driftOf(agent)).items.some(({ vf, attribute }) => vf === 0 && attribute === 'driver'),
    );
    expect(agent.of('drift-began').map(({ drift }) => drift?.attribute)).toEqual(['up', 'vlan', 'driver']);
  });

  it('begins with the spec, and says why a spec cannot be compared', async () => {
    const world = await makeWorld('igb', agentSpec);
    const agent = await start(world);
    expect(await driftOf(agent)).toMatchObject({ state: 'unknown' });
    recordSpec(world, agentSpec.replace('0000:01:00.0', '0000:07:00.0'));
    const report = await until('a problem', async () => {
      const found = await driftOf(agent);
      return found.problems.length > 0 && found;
    });
    expect(report.problems[0]).toMatch(/finds no PF/);
    recordSpec(world);
    await until('the right spec', async () => isNone(agent));
    await setBehindBack(agent.process.kernel, 1, { vlan: 9 });
    await until('drift', async () => (await driftOf(agent)).items.length > 0);
    recordSpec(world, agentSpec.replace('0000:01:00.0', '0000:07:00.0'));
    await until('a problem', async () => (await driftOf(agent)).problems.length > 0);
    expect((await driftOf(agent)).items).toMatchObject([{ vf: 1, attribute: 'vlan' }]);
  });

  it('is no attach, and no lease that is as it should be', async () => {
    const { world } = await newWorld();
    const agent = await start(world);
    await until('it was compared', async () => isNone(agent));
    await ask(agent.socketPath, 'POST', '/v1/attach', request('web-1'));
    const { checkedAt } = await driftOf(agent);
    await until('it was compared again', async () => (await driftOf(agent)).checkedAt !== checkedAt);
    await ask(agent.socketPath, 'POST', '/v1/detach', { vm: 'web-1' });
    await until('it was compared', async () => isNone(agent));
    expect(agent.of('drift-began')).toEqual([]);
  });

  it('is put back with --enforce, through a journal', async () => {
    const { world, before } = await newWorld();
    const agent = await start(world, { enforce: true });
    await until('it was compared', async () => isNone(agent));
    await setBehindBack(agent.process.kernel, 1, { vlan: 9 });
    await until('it was put back', () => agent.of('enforced').length > 0);
    await until('it is over', async () => isNone(agent));
    expect(await problemsOf(world, before)).toEqual([]);
  });

  it('is never put back under a VM, not even where the VF has no lease', async () => {
    const { world } = await newWorld();
    const agent = await start(world, { enforce: true });
    const { kernel, hypervisor } = agent.process;
    await until('it was compared', async () => isNone(agent));
    await ask(agent.socketPath, 'POST', '/v1/attach', request('web-1'));
    const [lease] = await listEveryLease(agent.process.host.leases);
    const leased = lease?.key.vf ?? -1;
    const stranger = vfsOf(world).find(({ index }) => index !== leased)?.index ?? -1;
    kernel.holdVf(pf, stranger, { kind: 'vm', name: 'foreign' });
    await setBehindBack(kernel, leased, { vlan: 9 });
    await setBehindBack(kernel, stranger, { vlan: 11 });
    await until('it says so', () => agent.of('enforce-held-back').length > 0);
    await until('both are told', async () => (await driftOf(agent)).items.length >= 2);
    const vlans = vfsOf(world).map(({ index, settings }) => [index, settings.vlan]);
    expect(vlans).toContainEqual([leased, 9]);
    expect(vlans).toContainEqual([stranger, 11]);
    expect(agent.of('enforced')).toEqual([]);
    expect(hypervisor.state.vms.find(({ name }) => name === 'web-1')?.nics).toHaveLength(1);
  });

  it('is put back ever more slowly when somebody fights for it', async () => {
    const { world } = await newWorld();
    const agent = await start(world, { enforce: true });
    await until('it was compared', async () => isNone(agent));
    await setBehindBack(agent.process.kernel, 1, { vlan: 9 });
    await until('the first time', () => agent.of('enforced').length === 1);
    await until('it is over', async () => isNone(agent));
    await setBehindBack(agent.process.kernel, 1, { vlan: 9 });
    await until('the second time', () => agent.of('enforced').length === 2);
    const [held] = await until('it waits', () => {
      const told = agent.of('enforce-held-back');
      return told.length > 0 && told;
    });
    expect(held?.text).toMatch(/somebody else changes this host/);
    await setBehindBack(agent.process.kernel, 1, { vlan: 9 });
    const isThird = (): boolean => agent.of('enforced').length === 3;
    await until('it is drift', async () => (await driftOf(agent)).state === 'drift' || isThird());
    await until('the third time', isThird);
    const [, secondMs = 0, thirdMs = 0] = agent.of('enforced').map(({ at }) => Date.parse(at));
    // 5 s of ours, in the host's time.
    expect(thirdMs - secondMs).toBeGreaterThanOrEqual(5_000 * defaultSpeed);
  });
});

describe('an apply that was cut off', () => {
  const changed = agentSpec.replace('vlan: 7', 'vlan: 8');

  it('keeps the agent from giving VFs, and from nothing else', async () => {
    const { world } = await newWorld();
    await attachVf(openProcess(world).host, world.readGround, request('web-1'));
    const { socketPath } = await start(await cutOffApply(world, changed));
    expect(await ask(socketPath, 'POST', '/v1/attach', request('web-2'))).toMatchObject({
      status: 409,
      body: { error: 'apply.cut-off', hint: 'run `vfleet recover`' },
    });
    expect(await ask(socketPath, 'POST', '/v1/attach/explain', request('web-2'))).toMatchObject({
      status: 200,
    });
    expect(await ask(socketPath, 'POST', '/v1/recover', {})).toMatchObject({ status: 200 });
    const detached = await ask(socketPath, 'POST', '/v1/detach', { vm: 'web-1' });
    expect(detached).toMatchObject({ status: 200, body: { releases: [{ result: 'free' }] } });
  });

  it('is not put back by --enforce, which says so', async () => {
    const { world } = await newWorld();
    const now = await cutOffApply(world, changed);
    const agent = await start(now, { enforce: true });
    const [held] = await until('it says so', () => {
      const told = agent.of('enforce-held-back');
      return told.length > 0 && told;
    });
    expect(held?.text).toBe('not put back: an apply was cut off; run `vfleet recover`');
    expect(vfsOf(now).map(({ settings }) => settings.vlan)).toEqual([8, 8, 8]);
  });
});

describe('the life of an agent', () => {
  it('tells the service manager that it is ready, alive, and ends', async () => {
    const { world } = await newWorld();
    const agent = await startAgent(world);
    await until('a sign of life', () => agent.notified.includes('WATCHDOG=1'));
    await agent.stop();
    expect(agent.notified.filter((message) => message !== 'WATCHDOG=1')).toEqual(['READY=1', 'STOPPING=1']);
    expect(agent.events.map(({ kind }) => kind)).toContain('stopping');
    await expect(ask(agent.socketPath, 'GET', '/v1/status')).rejects.toThrow(/ENOENT/);
  });

  it('is the only one of its host, and of its socket', async () => {
    const { world } = await newWorld();
    const agent = await start(world);
    await expect(startAgent(world)).rejects.toThrow(/this host has an agent: vfleet agent \(pid \d+/);
    const other = await makeWorld('igb', agentSpec);
    await expect(startAgent(other, { socketPath: agent.socketPath })).rejects.toThrow(
      /another agent answers/,
    );
    expect(await ask(agent.socketPath, 'GET', '/v1/status')).toMatchObject({ status: 200 });
  });

  it('finishes an attach that was begun before it stops', async () => {
    const { world } = await newWorld();
    const agent = await startAgent(world);
    const attaching = ask(agent.socketPath, 'POST', '/v1/attach', request('web-1'));
    await until('it has begun', async () => (await leasesOf(agent)) === 1);
    await agent.stop();
    expect(await attaching).toMatchObject({ status: 200 });
    expect(await problemsOf(world, world)).toEqual([]);
  });
});
