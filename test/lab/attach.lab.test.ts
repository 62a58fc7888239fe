// VFs given to VMs of a real libvirtd and taken back, with guests whose own igbvf says what they got. The VMs are slow,
// so each is started once and the tests build on each other, in the order in which they stand here.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AttachCourse,
  connectVf,
  describeWithAgent,
  endCourse,
  itComesBackFromADestroyedVm,
  itGivesAndTakesBack,
  itIsKeptInTheDefinition,
  onFront,
  onStorage,
  pings,
  readVf,
  silenceSeconds,
  slow,
} from './attach-course.ts';
import { startVfleet, vfleetOk } from './command.ts';
import type { VfleetProcess } from './command.ts';
import { driverOf, listVfs, pf0, run, until, vfOf } from './lab-host.ts';
import { listPassedThrough, startVm, virsh } from './nested/lab-vm.ts';

const momentMs = 300_000;
const bridge = 'vmbr0';

describe('a VF of a VM', () => {
  const course = new AttachCourse('web-1');
  const { state } = course;

  beforeAll(async () => course.start(), slow);
  afterAll(endCourse, slow);

  itGivesAndTakesBack(course);
  itIsKeptInTheDefinition(course);

  it(
    'is one half of a failover pair: the guest joins both',
    async () => {
      await run('ip', ['link', 'add', 'dev', bridge, 'type', 'bridge']);
      await run('ip', ['link', 'set', 'dev', bridge, 'up']);
      const { settings } = await course.attach('front', '--failover', `bridge=${bridge}`);
      const { mac = '' } = settings;
      const vf = await course.vm.ask(`link ${mac} pci igbvf`);
      let interfaces: readonly string[] = [];
      // The guest finds its two devices side by side, and joins one after it has shown it.
      await until('the guest has joined both', async () => {
        interfaces = (await course.vm.ask('addresses')).split('\n').filter((line) => line.includes(mac));
        return interfaces.filter((line) => line.endsWith(' joined')).length === 2;
      });
      expect(interfaces).toHaveLength(3);
      expect(interfaces).toContain(`${vf} ${mac} joined`);
      const xml = await virsh('dumpxml', 'web-1');
      expect(xml).toContain("<teaming type='persistent'/>");
      expect(xml).toMatch(/<teaming type='transient' persistent='ua-[^']+'\/>/);

      await vfleetOk(state, ['detach', 'web-1']);
      await course.vm.ask('gone igbvf');
      expect(await course.vm.ask('addresses')).not.toContain(mac);
      expect(await virsh('domiflist', 'web-1')).not.toContain(mac);
      expect(await course.readAll()).toEqual(course.free);
      await run('ip', ['link', 'del', 'dev', bridge]);
    },
    slow,
  );

  /** Whatever was reached: no VF of the pool is anything but free and clean, or leased, set and in the VM. */
  async function expectConsistent(): Promise<void> {
    const { leases, quarantined } = await course.listLeases();
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

  const moments = {
    'with the lease made': () => course.hasRecord(),
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
      if (course.hasRecord()) {
        await vfleetOk(state, ['detach', 'web-1']);
        await course.vm.ask('gone igbvf');
      }
      expect(await course.readAll()).toEqual(course.free);
    },
    slow,
  );

  it.each([
    ['with the VF out of the VM', async () => (await listPassedThrough('web-1')).length === 0],
    ['with the settings reset', async () => (await readVf(2)).vlan_list?.[0]?.vlan !== 100],
  ] as const)(
    'is free after recover when detach is killed %s',
    async (_, holds) => {
      const { settings } = await course.attach('front');
      await course.vm.ask(`link ${settings.mac} pci igbvf`);
      await killWhen(startVfleet(state, ['detach', 'web-1']), holds);
      await vfleetOk(state, ['recover', '--wait', '60']);
      await expectConsistent();
      expect(await course.readAll()).toEqual(course.free);
    },
    slow,
  );

  describeWithAgent(course, () => {
    itComesBackFromADestroyedVm(course);

    it(
      'goes to the next VM, which sees nothing of the first',
      async () => {
        const second = await startVm('web-2');
        const { key, settings } = await course.attachTo('web-2', 'storage');
        expect(key).toEqual(course.first.key);
        const { mac = '' } = settings;
        expect(mac).not.toBe(course.first.settings.mac);
        expect(await readVf(2)).toMatchObject({
          address: mac,
          vlan_list: [{ vlan: 200 }],
          spoofchk: false,
          trust: false,
          rate: { max_tx: 0 },
        });
        await connectVf(second, mac);
        expect(await second.ask('addresses')).not.toContain(course.first.settings.mac);
        expect(await pings(second, onStorage)).toBe(true);
        expect(await pings(second, onFront, silenceSeconds)).toBe(false);
        await second.destroy();
        await until('the VF is free', () => !course.hasRecord());
        expect(await course.readAll()).toEqual(course.free);
        expect(listVfs(pf0)).toHaveLength(4);
      },
      slow,
    );
  });
});
