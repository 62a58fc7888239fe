import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { attachVf } from '../src/assign/attach.ts';
import { detachVfs } from '../src/assign/detach.ts';
import { leaseForQemu } from '../src/assign/lease-for-qemu.ts';
import { recoverLeases } from '../src/assign/recover.ts';
import { readPresentVf, setVfTo } from '../src/assign/vf-work.ts';
import { leaseFolder, openFileLeases } from '../src/lease/file-leases.ts';
import { listEveryLease } from '../src/lease/lease-store.ts';
import { listNames } from '../src/lease/record-file.ts';
import { probeRecordName, writeProbeRecord } from '../src/lease/probe-record.ts';
import { exampleLease } from '../src/lease/testing/example-lease.ts';
import type { AttachRequest } from '../src/model/attachment.ts';
import type { VmNic } from '../src/model/vm.ts';
import {
  afterDeath,
  copyWorld,
  factsOf,
  makeWorld,
  openProcess,
  places,
  problemsOf,
  removeFolders,
  request,
  runUntilKilled,
} from './assigning.fixture.ts';
import type { Expected, Process, World } from './assigning.fixture.ts';

afterEach(removeFolders);

const spec = (pf: string, more: string, pool: string): string => `
apiVersion: vfleet/v1
kind: Host
networks:
  - { name: storage, vlan: 200, qos: 3, trust: true, maxTxRateMbps: 500${more} }
pfs:
  - match: { address: "${pf}" }
    networks: [storage]
    up: true
    vfs:
      count: 2
      default: { ${pool} }
`;

const hosts = [
  ['igb', spec('0000:01:00.0', '', 'driver: igbvf, spoofCheck: true')],
  ['ice', spec('0000:17:00.0', ', linkState: enable, minTxRateMbps: 100', 'driver: vfio-pci, vlan: 7')],
] as const;

const standby = { kind: 'bridge', bridge: 'br0' } as const;
const attaches: readonly (readonly [string, Partial<AttachRequest>])[] = [
  ['live', {}],
  ['live with a standby', { failover: standby }],
  ['stored with a standby', { hold: 'stored', failover: standby }],
];

/** Somebody takes the VF of a VM from wherever it is named, past vfleet; its standby is as it was. */
async function unplugVf(world: World, vm: string): Promise<void> {
  const { hypervisor } = openProcess(world);
  const { uuid, nics, storedNics } = await hypervisor.readVm(vm);
  const [alias = ''] = [...nics, ...storedNics].flatMap((nic) =>
    nic.hostAddress === undefined ? [] : [nic.alias],
  );
  await hypervisor.detachNic(uuid, alias, { live: nics.length > 0, stored: storedNics.length > 0 }, 1000);
}

/** What a VM has that is no VF, in the running VM and in its stored definition. */
function othersOf(world: World, vm: string): unknown {
  const found = world.vms.vms.find(({ name }) => name === vm);
  const others = (nics: readonly VmNic[]): VmNic[] =>
    nics.filter(({ hostAddress }) => hostAddress === undefined);
  return { live: others(found?.nics ?? []), stored: others(found?.storedNics ?? []) };
}

/** More changes than any of the cases makes at one place. */
const maxChanges = 60;

/**
 * Kills the work around every change in turn, kernel, hypervisor and leases alike, and lets one recovery follow: all is
 * well then. Answers how many times it was killed.
 */
async function killEverywhere(
  start: World,
  begin: World,
  work: (process: Process) => Promise<unknown>,
  check: (now: World) => Promise<void> = async () => undefined,
  expected: Expected = {},
): Promise<number> {
  let deaths = 0;
  for (const place of places) {
    for (const kill of ['before', 'after'] as const) {
      for (let after = 0; after < maxChanges; after++) {
        const world = copyWorld(begin);
        if (!(await runUntilKilled(world, { place, after, kill }, work))) break;
        deaths += 1;
        const now = afterDeath(world);
        const { host } = openProcess(now);
        const { releases } = await recoverLeases(host);
        const where = `${kill} change ${after} of ${place}`;
        expect({ where, problems: await problemsOf(now, start, expected) }).toEqual({ where, problems: [] });
        expect(releases.filter(({ result }) => result !== 'free')).toEqual([]);
        expect((await recoverLeases(host)).releases).toEqual([]);
        await check(now);
      }
    }
  }
  return deaths;
}

/** A VM whose VF was unplugged past vfleet, and what it had beside the VF. */
async function unpluggedWorld(start: World, more: Parameters<typeof request>[1]) {
  const begin = copyWorld(start);
  await attachVf(openProcess(begin).host, begin.readGround, request('web-1', more));
  const others = othersOf(begin, 'web-1');
  await unplugVf(begin, 'web-1');
  return { begin, others };
}

/** A lease for a QEMU that had to come an hour ago. */
const overdue = { name: 'vm1', network: 'storage', acceptedRisks: [], startWithinMs: -3_600_000 };

describe.each(hosts)('on %s, killed around any change,', (profile, text) => {
  it.each(attaches)('an attach (%s) has been, or has not been', async (_, more) => {
    const start = await makeWorld(profile, text);
    const deaths = await killEverywhere(start, start, async ({ host }) =>
      attachVf(host, start.readGround, request('web-1', more)),
    );
    expect(deaths).toBeGreaterThan(6);
  });

  it.each(attaches)('a detach (%s) has been, or has not been', async (_, more) => {
    const start = await makeWorld(profile, text);
    const begin = copyWorld(start);
    await attachVf(openProcess(begin).host, begin.readGround, request('web-1', more));
    const deaths = await killEverywhere(start, begin, async ({ host }) => detachVfs(host, { vm: 'web-1' }));
    expect(deaths).toBeGreaterThan(7);
  });

  it.each(attaches.slice(1))(
    'a recovery leaves the standby of a VF (%s) that was unplugged past vfleet',
    async (_, more) => {
      const start = await makeWorld(profile, text);
      const { begin, others } = await unpluggedWorld(start, more);
      const deaths = await killEverywhere(
        start,
        begin,
        async ({ host }) => recoverLeases(host),
        async (now) => {
          expect(await listEveryLease(openFileLeases(now.stateFolder))).toEqual([]);
          expect(othersOf(now, 'web-1')).toEqual(others);
        },
        { staying: 1 },
      );
      expect(deaths).toBeGreaterThan(4);
    },
  );

  it.each(attaches.slice(1))(
    'an attach (%s) makes a pair with a standby that was left, and takes it never',
    async (_, more) => {
      const start = await makeWorld(profile, text);
      const { begin, others } = await unpluggedWorld(start, more);
      await recoverLeases(openProcess(begin).host);
      const deaths = await killEverywhere(
        start,
        begin,
        async ({ host }) => attachVf(host, begin.readGround, request('web-1', more)),
        async (now) => expect(othersOf(now, 'web-1')).toEqual(others),
        { staying: 1 },
      );
      expect(deaths).toBeGreaterThan(5);
    },
  );

  it.each(attaches.slice(1))(
    'a detach takes the standby of a VF (%s) that was unplugged past vfleet',
    async (_, more) => {
      const start = await makeWorld(profile, text);
      const { begin } = await unpluggedWorld(start, more);
      const deaths = await killEverywhere(
        start,
        begin,
        async ({ host }) => detachVfs(host, { vm: 'web-1' }),
        async (now) => expect(othersOf(now, 'web-1')).toEqual({ live: [], stored: [] }),
      );
      expect(deaths).toBeGreaterThan(6);
    },
  );

  it('a recovery is finished by the next one', async () => {
    const start = await makeWorld(profile, text);
    const begin = copyWorld(start);
    const { host, hypervisor } = openProcess(begin);
    await attachVf(host, begin.readGround, request('web-1', { failover: standby }));
    await attachVf(host, begin.readGround, request('web-2', { hold: 'stored' }));
    await hypervisor.crash('web-1');
    await hypervisor.stop('web-2');
    await hypervisor.undefine('web-2');
    const deaths = await killEverywhere(
      start,
      begin,
      async (process) => recoverLeases(process.host),
      async (now) => {
        expect(await listEveryLease(openFileLeases(now.stateFolder))).toEqual([]);
        expect(factsOf(now)).toEqual(factsOf(start));
      },
    );
    expect(deaths).toBeGreaterThan(7);
  });

  it('a lease for a QEMU goes back when its time is over', async () => {
    const start = await makeWorld(profile, text);
    const deaths = await killEverywhere(
      start,
      start,
      async ({ host }) => leaseForQemu(host, start.readGround, overdue),
      async (now) => expect(factsOf(now)).toEqual(factsOf(start)),
    );
    expect(deaths).toBeGreaterThan(3);
  });
});

describe('a VF whose pool has no driver', () => {
  it('has neither a driver nor an override after a lease for a QEMU that was killed', async () => {
    const start = await makeWorld('ice', spec('0000:17:00.0', '', 'driver: none'));
    const deaths = await killEverywhere(
      start,
      start,
      async ({ host }) => leaseForQemu(host, start.readGround, overdue),
      async (now) => expect(factsOf(now)).toEqual(factsOf(start)),
    );
    expect(deaths).toBeGreaterThan(7);
  });
});

describe('a PF whose VFs get no driver by themselves', () => {
  async function quietWorld(): Promise<World> {
    const start = await makeWorld('igb', spec('0000:01:00.0', '', 'driver: kernel'));
    for (const pf of start.state.pfs) pf.driversAutoprobe = false;
    return start;
  }
  const switchesOf = ({ state }: World): unknown => state.pfs.map(({ driversAutoprobe }) => driversAutoprobe);

  it('is left so, whenever a VF goes back and that is killed', async () => {
    const start = await quietWorld();
    const begin = copyWorld(start);
    await attachVf(openProcess(begin).host, begin.readGround, request('web-1'));
    const deaths = await killEverywhere(
      start,
      begin,
      async ({ host }) => detachVfs(host, { vm: 'web-1' }),
      async (now) => {
        expect(switchesOf(now)).toEqual(switchesOf(start));
        // The lease stands where the VM has the VF still.
        const left = listNames(leaseFolder(now.stateFolder));
        expect(left.filter((name) => !/\.(?:lock|json)$/.test(name))).toEqual([]);
      },
    );
    expect(deaths).toBeGreaterThan(9);
  });

  it('is left as the machine set it at boot, and with a record that says nothing', async () => {
    const start = await quietWorld();
    const now = copyWorld(start);
    const { host } = openProcess(now);
    const [pf] = now.state.pfs;
    if (pf === undefined) throw new Error('there is no PF');
    pf.driversAutoprobe = true;
    writeProbeRecord(now.stateFolder, { pf: pf.address, bootId: 'an earlier one' });
    const record = join(leaseFolder(now.stateFolder), probeRecordName);
    await recoverLeases(host);
    expect(existsSync(record)).toBe(false);
    writeFileSync(record, '{');
    writeFileSync(join(leaseFolder(now.stateFolder), `.${probeRecordName}.0123456789abcdef.tmp`), '{');
    await recoverLeases(host);
    expect(pf.driversAutoprobe).toBe(true);
    expect(listNames(leaseFolder(now.stateFolder))).toEqual(['probe.lock']);
  });
});

describe('a lease of a VF that is no PCI device', () => {
  it('goes back however often recovery is killed', async () => {
    const start = await makeWorld(
      'netdevsim',
      spec('netdevsim/netdevsim1', ', linkState: enable', 'vlan: 7'),
    );
    const begin = copyWorld(start);
    const { host } = openProcess(begin);
    const key = { pf: 'netdevsim/netdevsim1', vf: 1 };
    const before = (await readPresentVf(host, key)).settings;
    const settings = { ...before, mac: '52:54:00:00:00:01', vlan: 200, trust: true, maxTxRateMbps: 500 };
    const owner = { kind: 'libvirt', uuid: 'gone', name: '../../x', hold: 'live' } as const;
    await host.leases.create(exampleLease({ key, owner, settings, giveBack: { settings: before } }));
    await setVfTo(host, key, settings);
    expect(factsOf(begin)).not.toEqual(factsOf(start));
    const deaths = await killEverywhere(
      start,
      begin,
      async (process) => recoverLeases(process.host),
      async (now) => expect(factsOf(now)).toEqual(factsOf(start)),
    );
    expect(deaths).toBeGreaterThan(2);
  });
});

describe('a host that is killed again and again', () => {
  it('is well after one recovery that is let be', async () => {
    const start = await makeWorld('igb', hosts[0][1]);
    for (let first = 0; first < 6; first++) {
      for (let second = 0; second < maxChanges; second++) {
        let world = copyWorld(start);
        const at = { place: 'kernel', kill: 'after' } as const;
        await runUntilKilled(world, { ...at, after: first }, async ({ host }) =>
          attachVf(host, start.readGround, request('web-1')),
        );
        world = afterDeath(world);
        await openProcess(world).hypervisor.destroy('web-1');
        const died = await runUntilKilled(world, { ...at, after: second }, async ({ host }) =>
          recoverLeases(host),
        );
        world = afterDeath(world);
        await recoverLeases(openProcess(world).host);
        expect(await problemsOf(world, start)).toEqual([]);
        expect(factsOf(world)).toEqual(factsOf(start));
        if (!died) break;
      }
    }
  });
});
