// VFs given to VMs of a real libvirtd and taken back, with guests whose own igbvf says what they got. The VMs are slow,
// so each is started once and the tests build on each other, in the order in which they stand here.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Attachment } from '../../src/model/attachment.ts';
import type { Lease, Quarantine } from '../../src/model/lease.ts';
import { applySpec, startVfleet, vfleetOk } from './command.ts';
import type { VfleetProcess } from './command.ts';
import {
  driverOf,
  interfaceOf,
  listVfs,
  makeFolder,
  pf0,
  pictureOf,
  readIpLink,
  resetLab,
  run,
  until,
  vfOf,
} from './lab-host.ts';
import type { IpVf } from './lab-host.ts';
import { destroyVms, listPassedThrough, startVm, virsh } from './nested/lab-vm.ts';
import type { LabVm } from './nested/lab-vm.ts';
import { stopLibvirtd } from './nested/libvirtd.ts';

const slow = 1_200_000;
const momentMs = 300_000;
const bridge = 'vmbr0';

/** VFs 0 and 1 are peers of the VMs, one on each network; 2 and 3 are the pool. */
const spec = `  - match: { address: '${pf0}' }
    up: true
    networks: [front, storage]
    vfs:
      count: 4
      default: { driver: kernel, spoofCheck: true }
      0: { vlan: 100 }
      1: { vlan: 200 }
networks:
  - { name: front, vlan: 100, qos: 3, maxTxRateMbps: 400, trust: true }
  - { name: storage, vlan: 200, spoofCheck: false }
`;
const onFront = '192.0.2.100';
const onStorage = '192.0.2.200';

/** A VF of the host in a network namespace of its own, with an address. */
async function addPeer(index: number, address: string): Promise<void> {
  const netns = `peer${index}`;
  const name = interfaceOf(vfOf(pf0, index));
  await run('ip', ['netns', 'add', netns]);
  await run('ip', ['link', 'set', 'dev', name, 'netns', netns]);
  await run('ip', ['-n', netns, 'addr', 'add', `${address}/24`, 'dev', name]);
  await run('ip', ['-n', netns, 'link', 'set', 'dev', name, 'up']);
}

/** What the PF says of a VF, as `ip` shows it. */
async function readVf(index: number): Promise<IpVf> {
  const { vfinfo_list: vfs = [] } = await readIpLink(interfaceOf(pf0));
  const vf = vfs[index];
  if (vf === undefined) throw new Error(`ip shows no VF ${index}`);
  return vf;
}

/** A VF without an address is given a random one by its driver, another each time. */
function withoutVfAddresses(picture: unknown): unknown {
  return JSON.parse(
    JSON.stringify(picture, (_, value: unknown) =>
      typeof value === 'object' && value !== null && 'vf' in value && 'address' in value
        ? { ...value, address: '' }
        : value,
    ),
  );
}

/** Whether a guest's ping is answered: what it does for the first time takes it some seconds. */
async function pings(vm: LabVm, address: string): Promise<boolean> {
  return (await vm.tryAsk(`ping -c 2 -W 15 ${address}`)).status === 0;
}

/** Brings the guest's VF up with an address; its interface. */
async function connectVf(vm: LabVm, mac: string, address: string): Promise<string> {
  const name = await vm.ask(`link ${mac} pci igbvf`);
  await vm.ask(`ifconfig ${name} ${address} netmask 255.255.255.0 up`);
  return name;
}

describe('a VF of a VM', () => {
  const state = makeFolder();
  const leaseFolder = join(state, 'local', 'leases');
  let vm: LabVm;
  /** As {@link readAll} has it while nobody has a VF. */
  let free: unknown;
  let first: Lease;

  async function attach(name: string, network: string, ...options: readonly string[]): Promise<Lease> {
    const text = await vfleetOk(state, ['attach', name, '--network', network, '--json', ...options]);
    return (JSON.parse(text) as Attachment).lease;
  }

  async function listLeases(): Promise<{ leases: Lease[]; quarantined: Quarantine[] }> {
    return JSON.parse(await vfleetOk(state, ['leases', '--json'])) as {
      leases: Lease[];
      quarantined: Quarantine[];
    };
  }

  /** Leases, quarantine, and everything that the kernel says of the card. */
  async function readAll(): Promise<unknown> {
    return { ...(await listLeases()), picture: withoutVfAddresses(await pictureOf([pf0])) };
  }

  beforeAll(async () => {
    await resetLab();
    await run('modprobe', ['-a', 'vfio-pci', 'tun']);
    [vm] = await Promise.all([startVm('web-1'), applySpec(state, spec)]);
    await addPeer(0, onFront);
    await addPeer(1, onStorage);
    free = await readAll();
  }, slow);

  afterAll(async () => {
    await destroyVms();
    await stopLibvirtd();
    await resetLab();
  }, slow);

  it(
    'is set as its network says, and the guest comes up with it',
    async () => {
      first = await attach('web-1', 'front');
      expect(first).toMatchObject({ key: { pf: pf0, vf: 2 }, owner: { kind: 'libvirt', name: 'web-1' } });
      const { mac = '' } = first.settings;
      expect(await readVf(2)).toMatchObject({
        address: mac,
        vlan_list: [{ vlan: 100, qos: 3 }],
        spoofchk: true,
        trust: true,
        rate: { max_tx: 400 },
      });
      expect(await run('lspci', ['-k', '-s', vfOf(pf0, 2)])).toContain('Kernel driver in use: vfio-pci');
      expect(await listPassedThrough('web-1')).toEqual([mac]);
      await connectVf(vm, mac, '192.0.2.1');
    },
    slow,
  );

  it(
    'reaches a VF on the same VLAN, and none on another',
    async () => {
      expect(await pings(vm, onFront)).toBe(true);
      expect(await pings(vm, onStorage)).toBe(false);
      await run('ip', ['netns', 'exec', 'peer0', 'ping', '-c', '1', '-W', '20', '192.0.2.1']);
    },
    slow,
  );

  it(
    'is taken from the running VM, and clean',
    async () => {
      await vfleetOk(state, ['detach', 'web-1']);
      await vm.ask('gone igbvf');
      expect(await listPassedThrough('web-1')).toEqual([]);
      expect(await readAll()).toEqual(free);
      expect((await readVf(2)).address).not.toBe(first.settings.mac);
    },
    slow,
  );

  it(
    'is one half of a failover pair: the guest joins both',
    async () => {
      await run('ip', ['link', 'add', 'dev', bridge, 'type', 'bridge']);
      await run('ip', ['link', 'set', 'dev', bridge, 'up']);
      const { settings } = await attach('web-1', 'front', '--failover', `bridge=${bridge}`);
      const { mac = '' } = settings;
      const vf = await vm.ask(`link ${mac} pci igbvf`);
      const interfaces = (await vm.ask('addresses')).split('\n').filter((line) => line.includes(mac));
      expect(interfaces).toHaveLength(3);
      expect(interfaces.filter((line) => line.endsWith(' joined'))).toHaveLength(2);
      expect(interfaces).toContain(`${vf} ${mac} joined`);
      const xml = await virsh('dumpxml', 'web-1');
      expect(xml).toContain("<teaming type='persistent'/>");
      expect(xml).toMatch(/<teaming type='transient' persistent='ua-[^']+'\/>/);

      await vfleetOk(state, ['detach', 'web-1']);
      await vm.ask('gone igbvf');
      expect(await vm.ask('addresses')).not.toContain(mac);
      expect(await virsh('domiflist', 'web-1')).not.toContain(mac);
      expect(await readAll()).toEqual(free);
      await run('ip', ['link', 'del', 'dev', bridge]);
    },
    slow,
  );

  /** Whatever was reached: no VF of the pool is anything but free and clean, or leased, set and in the VM. */
  async function expectConsistent(): Promise<void> {
    const { leases, quarantined } = await listLeases();
    expect(quarantined).toEqual([]);
    expect(await listPassedThrough('web-1')).toEqual(leases.map(({ settings }) => settings.mac));
    for (const { key, settings } of leases) {
      expect(await readVf(key.vf)).toMatchObject({ address: settings.mac, vlan_list: [{ vlan: 100 }] });
    }
  }

  /** Kills a vfleet at a moment; one that has ended by itself is as good. */
  async function killWhen(
    { child, ended }: VfleetProcess,
    holds: () => boolean | Promise<boolean>,
  ): Promise<void> {
    try {
      await until('the moment to kill', async () => child.exitCode !== null || (await holds()), momentMs);
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  }

  const hasRecord = (): boolean =>
    existsSync(leaseFolder) && readdirSync(leaseFolder).some((name) => name.endsWith('.json'));
  const moments = {
    'with the lease made': hasRecord,
    'with the settings written': async () => (await readVf(2)).vlan_list?.[0]?.vlan === 100,
    'while the VF changes its driver': () => driverOf(vfOf(pf0, 2)) !== 'igbvf',
    'with the VF in the VM': async () => (await listPassedThrough('web-1')).length > 0,
  };

  it.each(Object.entries(moments))(
    'is consistent after recover when attach is killed %s',
    async (_, holds) => {
      const attaching = startVfleet(state, ['attach', 'web-1', '--network', 'front']);
      await killWhen(attaching, holds);
      await vfleetOk(state, ['recover', '--wait', '60']);
      await expectConsistent();
      if (hasRecord()) {
        await vfleetOk(state, ['detach', 'web-1']);
        await vm.ask('gone igbvf');
      }
      expect(await readAll()).toEqual(free);
    },
    slow,
  );

  it.each([
    ['with the VF out of the VM', async () => (await listPassedThrough('web-1')).length === 0],
    ['with the settings reset', async () => (await readVf(2)).vlan_list?.[0]?.vlan !== 100],
  ] as const)(
    'is free after recover when detach is killed %s',
    async (_, holds) => {
      const { settings } = await attach('web-1', 'front');
      await vm.ask(`link ${settings.mac} pci igbvf`);
      await killWhen(startVfleet(state, ['detach', 'web-1']), holds);
      await vfleetOk(state, ['recover', '--wait', '60']);
      await expectConsistent();
      expect(await readAll()).toEqual(free);
    },
    slow,
  );

  describe('with the agent', () => {
    let agent: VfleetProcess;

    beforeAll(async () => {
      agent = startVfleet(state, ['agent']);
      await until('the agent listens', () => existsSync('/run/vfleet/agent.sock'));
    }, slow);

    afterAll(async () => {
      agent.child.kill('SIGTERM');
      await agent.ended;
    }, slow);

    it(
      'comes back from a VM that is destroyed behind our back',
      async () => {
        const { settings } = await attach('web-1', 'front');
        await vm.ask(`link ${settings.mac} pci igbvf`);
        await vm.destroy();
        const destroyed = performance.now();
        await until('the VF is free', () => !hasRecord());
        console.log(`the VF was free ${Math.round(performance.now() - destroyed)} ms after the VM`);
        expect(await readAll()).toEqual(free);
      },
      slow,
    );

    it(
      'goes to the next VM, which sees nothing of the first',
      async () => {
        const second = await startVm('web-2');
        const { key, settings } = await attach('web-2', 'storage');
        expect(key).toEqual(first.key);
        const { mac = '' } = settings;
        expect(mac).not.toBe(first.settings.mac);
        expect(await readVf(2)).toMatchObject({
          address: mac,
          vlan_list: [{ vlan: 200 }],
          spoofchk: false,
          trust: false,
          rate: { max_tx: 0 },
        });
        await connectVf(second, mac, '192.0.2.1');
        expect(await second.ask('addresses')).not.toContain(first.settings.mac);
        expect(await pings(second, onStorage)).toBe(true);
        expect(await pings(second, onFront)).toBe(false);
        await second.destroy();
        await until('the VF is free', () => !hasRecord());
        expect(await readAll()).toEqual(free);
        expect(listVfs(pf0)).toHaveLength(4);
      },
      slow,
    );
  });
});
