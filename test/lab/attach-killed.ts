// Owns killing vfleet while it gives a VF of the lab to a VM or takes it back, and what has to be true after `vfleet recover`.

import { expect, it } from 'vitest';
import { readVf, slow } from './attach-course.ts';
import type { AttachCourse } from './attach-course.ts';
import { startVfleet, vfleetOk } from './command.ts';
import type { VfleetProcess } from './command.ts';
import { driverOf, pf0, until, vfOf } from './lab-host.ts';
import { listPassedThrough } from './nested/lab-vm.ts';

const momentMs = 300_000;

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

/** Killed at several steps of each; the simulated host has all of them (test/assign-killed.test.ts). */
export function itIsConsistentWhenKilled(course: AttachCourse): void {
  /** Whatever was reached: no VF of the pool is anything but free and clean, or leased, set and in the VM. */
  async function expectConsistent(): Promise<void> {
    const { leases, quarantined } = await course.listLeases();
    expect(quarantined).toEqual([]);
    expect(await listPassedThrough(course.vm.name)).toEqual(leases.map(({ settings }) => settings.mac));
    for (const { key, settings } of leases) {
      expect(await readVf(key.vf)).toMatchObject({ address: settings.mac, vlan_list: [{ vlan: 100 }] });
    }
  }

  const moments = {
    'with the lease made': () => course.hasRecord(),
    'with the settings written': async () => (await readVf(2)).vlan_list?.[0]?.vlan === 100,
    'while the VF changes its driver': () => driverOf(vfOf(pf0, 2)) !== 'igbvf',
    'with the VF in the VM': async () => (await listPassedThrough(course.vm.name)).length > 0,
  };

  it.each(Object.entries(moments))(
    'is consistent after recover when attach is killed %s',
    async (_, holds) => {
      const attaching = startVfleet(course.state, ['attach', course.vm.name, '--network', 'front']);
      await killWhen(attaching, holds);
      await vfleetOk(course.state, ['recover', '--wait', '60']);
      await expectConsistent();
      if (course.hasRecord()) {
        await vfleetOk(course.state, ['detach', course.vm.name]);
        await course.vm.ask('gone igbvf');
      }
      expect(await course.readAll()).toEqual(course.free);
    },
    slow,
  );

  it.each([
    ['with the VF out of the VM', async () => (await listPassedThrough(course.vm.name)).length === 0],
    ['with the settings reset', async () => (await readVf(2)).vlan_list?.[0]?.vlan !== 100],
  ] as const)(
    'is free after recover when detach is killed %s',
    async (_, holds) => {
      const { settings } = await course.attach('front');
      await course.vm.ask(`link ${settings.mac} pci igbvf`);
      await killWhen(startVfleet(course.state, ['detach', course.vm.name]), holds);
      await vfleetOk(course.state, ['recover', '--wait', '60']);
      await expectConsistent();
      expect(await course.readAll()).toEqual(course.free);
    },
    slow,
  );
}
