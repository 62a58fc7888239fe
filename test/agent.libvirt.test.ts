import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lateHypervisor } from '../src/agent/late-hypervisor.ts';
import { vfAliasOf } from '../src/assign/vm-nic.ts';
import { connectLibvirt } from '../src/hypervisor/libvirt/hypervisor.ts';
import { LibvirtClient } from '../src/hypervisor/libvirt/libvirt-client.ts';
import { exampleLease } from '../src/lease/testing/example-lease.ts';
import type { Lease } from '../src/model/lease.ts';
import { agentSpec, ask, pf, startAgent, until } from './agent.fixture.ts';
import type { RunningAgent } from './agent.fixture.ts';
import { makeWorld, removeFolders, vfsOf } from './assigning.fixture.ts';
import type { World } from './assigning.fixture.ts';
import {
  bridge,
  define,
  domainXml,
  libvirtdIsThere,
  startLibvirtd,
  startPaused,
} from './libvirt/libvirtd.fixture.ts';
import type { Libvirtd } from './libvirt/libvirtd.fixture.ts';

// A real libvirtd and a simulated host: the VM has an interface by the name of the lease, which is all that tells an
// owner from somebody who has gone.
describe.skipIf(!libvirtdIsThere)('an agent that follows a real libvirtd (needs root and libvirtd)', () => {
  let libvirtd: Libvirtd;
  let client: LibvirtClient;
  let world: World;
  let agent: RunningAgent;

  beforeAll(async () => {
    libvirtd = await startLibvirtd();
    client = new LibvirtClient({ socketPath: libvirtd.socketPath });
    world = await makeWorld('igb', agentSpec);
    const { socketPath } = libvirtd;
    const hypervisor = lateHypervisor('libvirt', async () => connectLibvirt({ socketPath }));
    agent = await startAgent(world, { hypervisor });
  });

  afterAll(async () => {
    await agent?.stop();
    client?.close();
    await libvirtd?.stop();
    removeFolders();
  });

  /** A running VM that owns VF 0. */
  async function startOwner(name: string): Promise<Lease> {
    const vf = vfsOf(world)[0];
    const lease = exampleLease({ key: { pf, vf: 0 }, ...(vf === undefined ? {} : { address: vf.address }) });
    const alias = `<alias name='${vfAliasOf(lease)}'/>`;
    const devices = `<interface type='bridge'><source bridge='${bridge}'/><model type='virtio'/>${alias}</interface>`;
    const dom = await define(client, domainXml(name, { devices }));
    await startPaused(client, dom);
    const { vms } = (await ask(agent.socketPath, 'GET', '/v1/vms')).body as {
      vms: { name: string; uuid: string }[];
    };
    const uuid = vms.find((vm) => vm.name === name)?.uuid ?? '';
    const owned: Lease = {
      ...lease,
      owner: { kind: 'libvirt', uuid, name, hold: 'live' },
      giveBack: { driver: 'vfio-pci', settings: { mac: '00:00:00:00:00:00', vlan: 7 } },
    };
    expect(await agent.process.host.leases.create(owned)).toBe(true);
    expect((await ask(agent.socketPath, 'POST', '/v1/recover', {})).body).toEqual({
      releases: [],
      corrupt: [],
    });
    return owned;
  }

  const isFree = async ({ key }: Lease): Promise<boolean> =>
    (await agent.process.host.leases.read(key)) === undefined;

  it('gives a VF back when the VM is destroyed by somebody else', async () => {
    const lease = await startOwner('web-1');
    await libvirtd.virsh('destroy', 'web-1');
    await until('the VF is free', async () => isFree(lease));
    expect(agent.of('vm').map(({ text }) => text)).toContain('VM web-1: stopped');
  });

  it('looks at everything again when libvirtd was gone, and the VM with it', async () => {
    const lease = await startOwner('web-2');
    const pid = (await readFile(join(libvirtd.folder, 'run', 'qemu', 'web-2.pid'), 'utf8')).trim();
    await libvirtd.kill();
    await libvirtd.inside('kill', '-KILL', pid);
    expect(await isFree(lease)).toBe(false);
    await libvirtd.start();
    await until('the VF is free', async () => isFree(lease));
    expect(agent.of('hypervisor-back').length).toBeGreaterThan(0);
  });
});
