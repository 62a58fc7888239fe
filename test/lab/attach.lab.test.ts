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
  itIsAFailoverPair,
  itIsKeptInTheDefinition,
  onFront,
  onStorage,
  pings,
  readVf,
  silenceSeconds,
  slow,
} from './attach-course.ts';
import { itIsConsistentWhenKilled } from './attach-killed.ts';
import { listVfs, pf0, until } from './lab-host.ts';
import { startVm } from './nested/lab-vm.ts';

describe('a VF of a VM', () => {
  const course = new AttachCourse('web-1');

  beforeAll(async () => course.start(), slow);
  afterAll(endCourse, slow);

  itGivesAndTakesBack(course);
  itIsKeptInTheDefinition(course);
  itIsAFailoverPair(course);
  itIsConsistentWhenKilled(course);

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
