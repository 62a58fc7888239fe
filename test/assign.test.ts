import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LeaseCare } from '../src/agent/lease-care.ts';
import { lockHost } from '../src/apply/host-lock.ts';
import { recoverHost } from '../src/apply/recover.ts';
import { attachVf, explainAttach } from '../src/assign/attach.ts';
import { detachVfs, giveBack } from '../src/assign/detach.ts';
import { leaseForQemu } from '../src/assign/lease-for-qemu.ts';
import { recoverLeases } from '../src/assign/recover.ts';
import { vfAliasOf } from '../src/assign/vm-nic.ts';
import { VfleetError } from '../src/base/errors.ts';
import { newSimVms, newVm } from '../src/hypervisor/simulated/sim-vms.ts';
import { openFileLeases } from '../src/lease/file-leases.ts';
import { listEveryLease } from '../src/lease/lease-store.ts';
import { listQuarantines } from '../src/lease/quarantine.ts';
import { hostileRecords } from '../src/lease/testing/hostile-record.ts';
import { vfFileName } from '../src/lease/vf-file-name.ts';
import { lockVf } from '../src/lease/vf-lock.ts';
import type { Lease, LeaseOwner } from '../src/model/lease.ts';
import type { VmNic } from '../src/model/vm.ts';
import { igbProfile } from '../src/sim/profiles/igb.ts';
import type { SimProfile } from '../src/sim/profile.ts';
import type { SimVf } from '../src/sim/state.ts';
import { hostOn } from './applying.fixture.ts';
import {
  copyWorld,
  cutOffApply,
  factsOf,
  makeWorld,
  newFolder,
  openProcess,
  problemsOf,
  removeFolders,
  request,
  vfsOf,
} from './assigning.fixture.ts';
import type { Process, World } from './assigning.fixture.ts';

afterEach(removeFolders);

const igbSpec = `
apiVersion: vfleet/v1
kind: Host
networks:
  - { name: storage, vlan: 200, qos: 3, spoofCheck: true, trust: true, maxTxRateMbps: 500 }
  - { name: front, vlan: 100 }
pfs:
  - match: { address: "0000:01:00.0" }
    networks: [storage, front]
    up: true
    vfs:
      count: 3
      default: { driver: igbvf, spoofCheck: true }
`;

const iceSpec = `
apiVersion: vfleet/v1
kind: Host
networks:
  - { name: storage, vlan: 200, spoofCheck: false, trust: true, linkState: enable, minTxRateMbps: 100, maxTxRateMbps: 500 }
pfs:
  - match: { address: "0000:17:00.0" }
    networks: [storage]
    up: true
    vfs:
      count: 3
      default: { driver: vfio-pci, vlan: 7, spoofCheck: true, linkState: auto }
`;

const world = async (spec = igbSpec, profile: 'igb' | 'ice' | SimProfile = 'igb'): Promise<World> =>
  makeWorld(profile, spec);

/** What an attempt is refused with; everything is as before then. */
async function refusalOf(attempt: Promise<unknown>): Promise<VfleetError> {
  const error: unknown = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof VfleetError)) throw new Error(`it was not refused: ${String(error)}`);
  expect(error.message).not.toContain('\n');
  return error;
}

describe.each([
  ['igb', igbSpec],
  ['ice', iceSpec],
] as const)('on %s', (profile, spec) => {
  it.each([
    ['live', {}],
    ['stored', { hold: 'stored' as const }],
    ['with a standby', { failover: { kind: 'bridge' as const, bridge: 'br0' } }],
    [
      'stored with a standby',
      { hold: 'stored' as const, failover: { kind: 'openvswitch' as const, bridge: 'br-int' } },
    ],
  ])('a VF is given %s and comes back clean', async (_, more) => {
    const start = await world(spec, profile);
    const now = copyWorld(start);
    const { host, hypervisor } = openProcess(now);
    const { lease, alias } = await attachVf(
      host,
      now.readGround,
      request('web-1', { ...more, acceptedRisks: ['no-iommu'] }),
    );
    // What was allowed and does not apply is no risk that anybody took.
    expect(lease.acceptedRisks).toEqual([]);
    expect(await problemsOf(now, start)).toEqual([]);
    const vm = await hypervisor.readVm('web-1');
    expect(vm.nics).toContainEqual(expect.objectContaining({ alias, mac: lease.settings.mac, vlan: 200 }));
    // The guest stays on its VLAN when the VF goes; a Linux bridge takes no tag and has to be on it by itself.
    const standby = vm.nics.find(({ teaming }) => teaming?.role === 'persistent');
    expect(standby?.vlan).toBe(lease.standby?.kind === 'openvswitch' ? 200 : undefined);
    expect(vm.storedNics.some((nic) => nic.alias === alias)).toBe(
      lease.owner.kind === 'libvirt' && lease.owner.hold === 'stored',
    );
    expect((await recoverLeases(host)).releases).toEqual([]);
    expect(await listEveryLease(openFileLeases(now.stateFolder))).toEqual([lease]);
    expect((await detachVfs(host, { vm: 'web-1' })).releases).toEqual([
      expect.objectContaining({ result: 'free' }),
    ]);
    expect(await problemsOf(now, start)).toEqual([]);
    expect(factsOf(now)).toEqual(factsOf(start));
    expect((await hypervisor.readVm('web-1')).nics).toEqual([]);
    expect((await hypervisor.readVm('web-1')).storedNics).toEqual([]);
  });

  it('a VF goes from VM to VM, and the second sees nothing of the first', async () => {
    const start = await world(spec.replace('count: 3', 'count: 1'), profile);
    const now = copyWorld(start);
    const { host } = openProcess(now);
    const first = await attachVf(host, now.readGround, request('web-1'));
    expect(vfsOf(now)[0]?.dirt).toBe('left by web-1');
    expect((await refusalOf(attachVf(host, now.readGround, request('web-2')))).code).toBe('vf.unavailable');
    await detachVfs(host, { vm: 'web-1' });
    expect(vfsOf(now)[0]?.dirt).toBeUndefined();
    expect(vfsOf(now)[0]?.lastReset).toBe('flr');
    const second = await attachVf(host, now.readGround, request('web-2'));
    expect(second.lease.key).toEqual(first.lease.key);
    expect(second.lease.settings.mac).not.toBe(first.lease.settings.mac);
    expect(await problemsOf(now, start)).toEqual([]);
  });
});

describe('a failover pair', () => {
  const failover = { kind: 'bridge', bridge: 'br0' } as const;

  /** The VF is unplugged past vfleet; what of the pair is still in the VM. */
  async function unplugVf({ hypervisor }: Process, lease: Lease): Promise<readonly VmNic[]> {
    const { uuid } = await hypervisor.readVm('web-1');
    await hypervisor.detachNic(uuid, vfAliasOf(lease), { live: true, stored: true }, 1000);
    return (await hypervisor.readVm('web-1')).nics;
  }

  it('whose VF is unplugged past vfleet leaves its standby, and says how to take it', async () => {
    const start = await world();
    const now = copyWorld(start);
    const process = openProcess(now);
    const { host, hypervisor } = process;
    const { lease } = await attachVf(host, now.readGround, request('web-1', { failover }));
    const { uuid } = await hypervisor.readVm('web-1');
    const [standby] = await unplugVf(process, lease);
    expect((await recoverLeases(host)).releases).toEqual([
      expect.objectContaining({
        result: 'free',
        why: `its standby stays in web-1; \`virsh detach-device-alias ${uuid} ${standby?.alias} --live\` takes it`,
      }),
    ]);
    expect((await hypervisor.readVm('web-1')).nics).toEqual([standby]);
    expect(factsOf(now)).toEqual(factsOf(start));
    expect(await problemsOf(now, start, { staying: 1 })).toEqual([]);
  });

  it.each([
    ['bridge', 'br0', 'live'],
    ['openvswitch', 'br-int', 'stored'],
  ] as const)('is made again with the standby that was left on %s %s', async (kind, bridge, hold) => {
    const start = await world();
    const now = copyWorld(start);
    const process = openProcess(now);
    const { host, hypervisor } = process;
    const asked = request('web-1', { hold, failover: { kind, bridge } });
    const first = await attachVf(host, now.readGround, asked);
    const [standby] = await unplugVf(process, first.lease);
    await recoverLeases(host);
    const { lease } = await attachVf(host, now.readGround, asked);
    expect(lease.settings.mac).toBe(first.lease.settings.mac);
    expect(lease.standby).toEqual({ kind, bridge, alias: standby?.alias });
    const { nics } = await hypervisor.readVm('web-1');
    expect(nics).toEqual([
      standby,
      expect.objectContaining({ teaming: { role: 'transient', partner: standby?.alias } }),
    ]);
    expect(await problemsOf(now, start)).toEqual([]);
    expect((await detachVfs(host, { vm: 'web-1' })).releases).toMatchObject([{ result: 'free' }]);
    expect(await hypervisor.readVm('web-1')).toMatchObject({ nics: [], storedNics: [] });
    expect(await problemsOf(now, start)).toEqual([]);
  });

  it.each([
    [
      'another bridge',
      { failover: { kind: 'openvswitch' as const, bridge: 'br-int' } },
      'on br0, which makes no pair',
    ],
    [
      'another definition',
      { failover, hold: 'stored' as const },
      'on br0, in the running VM alone, which makes no',
    ],
  ])('on %s is refused while the earlier standby is there', async (_, more, message) => {
    const now = await world();
    const process = openProcess(now);
    const { host } = process;
    const { lease } = await attachVf(host, now.readGround, request('web-1', { failover }));
    await unplugVf(process, lease);
    await recoverLeases(host);
    const before = structuredClone({ state: now.state, vms: now.vms.vms });
    const error = await refusalOf(attachVf(host, now.readGround, request('web-1', more)));
    expect(error).toMatchObject({ code: 'usage.invalid', message: expect.stringContaining(message) });
    expect(error.hint).toMatch(/virsh detach-device-alias [-0-9a-f]+ ua-vfleet-standby-[0-9a-f]{16} --live/);
    expect({ state: now.state, vms: now.vms.vms }).toEqual(before);
    expect(await listEveryLease(host.leases)).toEqual([]);
  });

  it('that cannot be made again leaves the standby that was there', async () => {
    const start = await world();
    const now = copyWorld(start);
    const process = openProcess(now);
    const { lease } = await attachVf(process.host, now.readGround, request('web-1', { failover }));
    const nics = await unplugVf(process, lease);
    await recoverLeases(process.host);
    const broken = openProcess(now, { vms: [{ operation: 'attach', refusal: 'no' }] });
    const attempt = attachVf(broken.host, now.readGround, request('web-1', { failover }));
    expect((await refusalOf(attempt)).code).toBe('attach.undone');
    expect((await broken.hypervisor.readVm('web-1')).nics).toEqual(nics);
    expect(await problemsOf(now, start, { staying: 1 })).toEqual([]);
  });

  it('keeps its standby while the VF cannot be cleaned, until somebody detaches both', async () => {
    const now = await world();
    const { lease } = await attachVf(openProcess(now).host, now.readGround, request('web-1', { failover }));
    const broken = openProcess(now, { kernel: [{ operation: 'write', path: '/reset', errno: 'EIO' }] });
    await unplugVf(broken, lease);
    expect((await recoverLeases(broken.host)).releases).toMatchObject([{ result: 'quarantined' }]);
    expect((await recoverLeases(broken.host)).releases).toMatchObject([{ result: 'quarantined' }]);
    expect((await broken.hypervisor.readVm('web-1')).nics).toHaveLength(1);
    const { host, hypervisor } = openProcess(now);
    expect((await detachVfs(host, { vm: 'web-1' })).releases).toMatchObject([{ result: 'free' }]);
    expect((await hypervisor.readVm('web-1')).nics).toEqual([]);
  });

  it.each([
    ['of an earlier vfleet, once a recovery has seen it,', (path: string) => rmSync(path)],
    ['whose mark is damaged', (path: string) => writeFileSync(path, '{')],
  ])('%s leaves its standby, too', async (_, spoil) => {
    const now = await world();
    const process = openProcess(now);
    const { lease } = await attachVf(process.host, now.readGround, request('web-1', { failover }));
    spoil(join(now.stateFolder, 'leases', `${vfFileName(lease.key)}.pair`));
    expect((await recoverLeases(process.host)).releases).toEqual([]);
    const nics = await unplugVf(process, lease);
    expect((await recoverLeases(process.host)).releases).toMatchObject([{ result: 'free' }]);
    expect((await process.hypervisor.readVm('web-1')).nics).toEqual(nics);
  });

  it('stays one after a detach that could ask nobody', async () => {
    const now = await world();
    const process = openProcess(now);
    const { host, hypervisor } = process;
    const { lease } = await attachVf(host, now.readGround, request('web-1', { failover }));
    const detached = await detachVfs({ ...host, hypervisor: undefined }, { vm: 'web-1' });
    expect(detached.releases).toMatchObject([{ result: 'kept' }]);
    const nics = await unplugVf(process, lease);
    expect((await recoverLeases(host)).releases).toMatchObject([{ result: 'free' }]);
    expect((await hypervisor.readVm('web-1')).nics).toEqual(nics);
  });

  it('of which a killed detach has taken half of one definition is not taken for whole', async () => {
    const start = await world();
    const now = copyWorld(start);
    const { host, hypervisor } = openProcess(now);
    const { lease } = await attachVf(host, now.readGround, request('web-1', { hold: 'stored', failover }));
    const { uuid } = await hypervisor.readVm('web-1');
    // As libvirt does it: the stored definition is first.
    rmSync(join(now.stateFolder, 'leases', `${vfFileName(lease.key)}.pair`));
    await hypervisor.detachNic(uuid, vfAliasOf(lease), { live: false, stored: true }, 1000);
    expect((await recoverLeases(host)).releases).toEqual([]);
    await hypervisor.stop('web-1');
    expect((await recoverLeases(host)).releases).toMatchObject([{ result: 'free' }]);
    expect((await hypervisor.readVm('web-1')).storedNics).toEqual([]);
    expect(await problemsOf(now, start)).toEqual([]);
  });
});

describe('a lease of another hypervisor', () => {
  const other = 'qemu+unix:///system?socket=/srv/other/libvirt-sock';

  /** A world with a lease of a VM that does not run, and a hypervisor that has never heard of it. */
  async function strangeWorld(hold: 'live' | 'stored') {
    const start = await world();
    const now = copyWorld(start);
    const process = openProcess(now);
    const vm = hold === 'stored' ? 'db-1' : 'web-1';
    const { lease } = await attachVf(process.host, now.readGround, request(vm, { hold }));
    if (hold === 'live') await process.hypervisor.destroy(vm);
    const strange = openProcess({ ...now, vms: newSimVms([]) });
    const host = { ...strange.host, hypervisor: { ...strange.hypervisor, uri: other } };
    return { start, now, process, lease, host, vm };
  }

  it.each(['live', 'stored'] as const)('is kept by recovery and detach (%s)', async (hold) => {
    const { now, process, lease, host, vm } = await strangeWorld(hold);
    const before = structuredClone(vfsOf(now));
    const kept = {
      result: 'kept',
      why: `its VM is one of sim:///, not of "${other}", which was asked`,
    };
    expect((await recoverLeases(host)).releases).toMatchObject([kept]);
    expect((await detachVfs(host, { vm })).releases).toMatchObject([kept]);
    expect(vfsOf(now)).toEqual(before);
    expect(await listEveryLease(host.leases)).toEqual([lease]);
    expect((await recoverLeases(process.host)).releases).toHaveLength(hold === 'live' ? 1 : 0);
  });

  it('of which a copy of its VM is there, without the VF, is kept until that VM is named', async () => {
    const { now, process, lease, vm } = await strangeWorld('stored');
    const copies = newSimVms(
      structuredClone(now.vms.vms).map((each) => ({ ...each, nics: [], storedNics: [] })),
    );
    const strange = openProcess({ ...now, vms: copies });
    const host = { ...strange.host, hypervisor: { ...strange.hypervisor, uri: other } };
    expect((await recoverLeases(host)).releases).toMatchObject([{ result: 'kept' }]);
    expect(await listEveryLease(host.leases)).toEqual([lease]);
    expect((await recoverLeases(process.host)).releases).toEqual([]);
    expect((await detachVfs(host, { vm })).releases).toMatchObject([{ result: 'free' }]);
  });

  it('stands where that has the VM with the VF, under whichever name', async () => {
    const { process, host } = await strangeWorld('stored');
    const moved = { ...host, hypervisor: { ...process.hypervisor, uri: other } };
    expect((await recoverLeases(moved)).releases).toEqual([]);
  });

  it('that does not say which is given back, as ever', async () => {
    const { now, start, lease, host } = await strangeWorld('stored');
    const { hypervisor: _, ...owner } = lease.owner as Extract<LeaseOwner, { kind: 'libvirt' }>;
    const path = join(now.stateFolder, 'leases', `${vfFileName(lease.key)}.json`);
    writeFileSync(path, JSON.stringify({ ...lease, owner }));
    expect((await recoverLeases(host)).releases).toMatchObject([{ result: 'free' }]);
    expect(factsOf(now)).toEqual(factsOf(start));
  });
});

describe('a VM that ends', () => {
  it.each(['stop', 'crash', 'destroy'] as const)(
    'by %s leaves a VF that recovery gives back',
    async (how) => {
      const start = await world();
      const now = copyWorld(start);
      const { host, hypervisor } = openProcess(now);
      await attachVf(host, now.readGround, request('web-1', { failover: { kind: 'bridge', bridge: 'br0' } }));
      await hypervisor[how]('web-1');
      expect((await recoverLeases(host)).releases).toEqual([
        expect.objectContaining({ owner: 'web-1', result: 'free' }),
      ]);
      expect(await problemsOf(now, start)).toEqual([]);
      expect(await listEveryLease(openFileLeases(now.stateFolder))).toEqual([]);
    },
  );

  it('keeps a VF of its stored definition through stops, until it is undefined', async () => {
    const start = await world();
    const now = copyWorld(start);
    const { host, hypervisor } = openProcess(now);
    const { lease } = await attachVf(host, now.readGround, request('web-1', { hold: 'stored' }));
    await hypervisor.stop('web-1');
    expect((await recoverLeases(host)).releases).toEqual([]);
    expect(await problemsOf(now, start)).toEqual([]);
    await hypervisor.start('web-1');
    // The hypervisor sets address and tag alone at the start: priority goes, until somebody looks.
    expect(vfsOf(now)[lease.key.vf]?.settings.qos).toBe(0);
    expect((await recoverLeases(host)).releases).toEqual([]);
    expect(await problemsOf(now, start)).toEqual([]);
    await hypervisor.stop('web-1');
    await hypervisor.undefine('web-1');
    expect((await recoverLeases(host)).releases).toEqual([expect.objectContaining({ result: 'free' })]);
    expect(factsOf(now)).toEqual(factsOf(start));
  });

  it('keeps a VF that another VM runs with meanwhile, and that one stays on its own network', async () => {
    const start = await world();
    const now = copyWorld(start);
    const { host, hypervisor } = openProcess(now);
    const { lease } = await attachVf(host, now.readGround, request('db-1', { hold: 'stored' }));
    const { address: hostAddress = '' } = lease;
    const nic = { kind: 'hostdev', hostAddress, mac: '52:54:00:00:00:99', vlan: 77, alias: 'hostdev0' };
    await hypervisor.define({ ...newVm('clone', 9), state: 'stopped', nics: [], storedNics: [nic] });
    await hypervisor.start('clone');
    const before = structuredClone(vfsOf(now));
    expect((await recoverLeases(host)).releases).toMatchObject([
      { owner: 'db-1', result: 'kept', why: expect.stringContaining('in use by VM clone') },
    ]);
    expect(vfsOf(now)).toEqual(before);
    await hypervisor.destroy('clone');
    await hypervisor.undefine('clone');
    expect((await recoverLeases(host)).releases).toEqual([]);
    expect(await problemsOf(now, start)).toEqual([]);
  });

  it('and runs may give its trusted VF another address, and keeps it', async () => {
    const now = await world();
    const { host, kernel } = openProcess(now);
    const { lease } = await attachVf(host, now.readGround, request('web-1'));
    const own = '52:54:00:99:99:99';
    const change = (work: (vf: SimVf) => void): void =>
      kernel.change(({ pfs }) => {
        const vf = pfs[0]?.vfs[lease.key.vf];
        if (vf !== undefined) work(vf);
      });
    change((vf) => {
      vf.settings = { ...vf.settings, mac: own, vlan: 5 };
    });
    expect((await recoverLeases(host)).releases).toEqual([]);
    expect(vfsOf(now)[lease.key.vf]?.settings).toMatchObject({ mac: own, vlan: 200 });
    change((vf) => {
      vf.settings = { ...vf.settings, mac: '00:00:00:00:00:00' };
    });
    expect((await recoverLeases(host)).releases).toEqual([]);
    expect(vfsOf(now)[lease.key.vf]?.settings.mac).toBe(lease.settings.mac);
  });

  it('that does not run is given a VF in its stored definition only', async () => {
    const start = await world();
    const now = copyWorld(start);
    const { host, hypervisor } = openProcess(now);
    expect((await refusalOf(attachVf(host, now.readGround, request('db-1')))).message).toContain(
      'does not run',
    );
    await attachVf(host, now.readGround, request('db-1', { hold: 'stored' }));
    expect(await hypervisor.readVm('db-1')).toMatchObject({ nics: [], storedNics: [{ kind: 'hostdev' }] });
    await hypervisor.start('db-1');
    expect((await recoverLeases(host)).releases).toEqual([]);
    expect(await problemsOf(now, start)).toEqual([]);
    await detachVfs(host, { vm: 'db-1' });
    expect(factsOf(now)).toEqual(factsOf(start));
  });
});

describe('an attach that cannot be', () => {
  it.each([
    ['an unknown VM', request('web-9'), 'vm.unknown'],
    ['an unknown network', request('web-1', { network: 'nowhere' }), 'network.unknown'],
    ['a MAC address that is none', request('web-1', { mac: '01:00:5e:00:00:01' }), 'usage.invalid'],
    ['a MAC address of the PF', request('web-1', { mac: '52:54:00:82:57:01' }), 'mac.in-use'],
    ['a MAC address of a PF without a pool', request('web-1', { mac: '52:54:00:82:57:02' }), 'mac.in-use'],
  ])('for %s changes nothing', async (_, asked, code) => {
    const start = await world();
    const now = copyWorld(start);
    const { host } = openProcess(now);
    expect((await refusalOf(attachVf(host, now.readGround, asked))).code).toBe(code);
    expect(now.state.pfs).toEqual(start.state.pfs);
    expect(await listEveryLease(openFileLeases(now.stateFolder))).toEqual([]);
  });

  it('for a MAC address of another lease or VM changes nothing', async () => {
    const now = await world();
    const { host, hypervisor } = openProcess(now);
    const mac = '52:54:00:aa:aa:aa';
    const vm = newVm('other', 9);
    await hypervisor.define({ ...vm, nics: [{ kind: 'bridge', mac: '52:54:00:bb:bb:bb' }] });
    await attachVf(host, now.readGround, request('web-1', { mac }));
    for (const used of [mac, mac.toUpperCase(), '52:54:00:bb:bb:bb']) {
      const error = await refusalOf(attachVf(host, now.readGround, request('web-2', { mac: used })));
      expect(error.code).toBe('mac.in-use');
    }
    expect(await listEveryLease(openFileLeases(now.stateFolder))).toHaveLength(1);
  });

  it('for a MAC address that a leased VF goes back to changes nothing', async () => {
    const now = await world(
      igbSpec.replace('default: { driver: igbvf,', 'default: { driver: igbvf, mac: auto,'),
    );
    const { host } = openProcess(now);
    const { lease } = await attachVf(host, now.readGround, request('web-1'));
    const { mac = '' } = lease.giveBack.settings;
    expect(mac).not.toBe(lease.settings.mac);
    expect(await refusalOf(attachVf(host, now.readGround, request('web-2', { mac })))).toMatchObject({
      code: 'mac.in-use',
      message: expect.stringContaining('when it is free again'),
    });
    expect(await listEveryLease(openFileLeases(now.stateFolder))).toEqual([lease]);
  });

  it('for a VF that another VM names in its stored definition takes the next one', async () => {
    const now = await world();
    const { host, hypervisor } = openProcess(now);
    const [first, second] = vfsOf(now);
    const nic = { kind: 'pci', ...(first === undefined ? {} : { hostAddress: first.address }) };
    await hypervisor.define({ ...newVm('later', 9), state: 'stopped', nics: [], storedNics: [nic] });
    const { lease } = await attachVf(host, now.readGround, request('web-1'));
    expect(lease.address).toBe(second?.address);
  });

  it('before an apply has ended waits, and then goes by what that applied', async () => {
    const now = await world();
    const { host } = openProcess(now);
    const lock = await lockHost(now.stateFolder, { command: 'apply', waitMs: 0 });
    let isApplying = true;
    const readGround = async () => {
      expect(isApplying).toBe(false);
      return now.readGround();
    };
    const attaching = attachVf(host, readGround, request('web-1', { waitMs: 60_000 }));
    await new Promise((resolve) => setTimeout(resolve, 150));
    isApplying = false;
    lock.release();
    expect((await attaching).lease.network).toBe('storage');
  });

  it('for a VM without free slots is undone in one line', async () => {
    const start = await world(igbSpec.replace('count: 3', 'count: 7'));
    const now = copyWorld(start);
    const { host, hypervisor } = openProcess(now);
    const nics = Array.from({ length: 8 }, (_, at) => ({ kind: 'bridge', alias: `ua-${at}` }));
    await hypervisor.define({ ...newVm('full', 9), nics });
    const error = await refusalOf(attachVf(host, now.readGround, request('full')));
    expect(error).toMatchObject({ code: 'attach.undone', exitStatus: 5 });
    expect(error.message).toContain('No more available PCI slots');
    expect(factsOf(now)).toEqual(factsOf(start));
    expect(await listEveryLease(openFileLeases(now.stateFolder))).toEqual([]);
  });

  it('because the driver refuses a setting is undone, and names it', async () => {
    const start = await world();
    const now = copyWorld(start);
    const { host } = openProcess(now, {
      kernel: [{ operation: 'setlink', attribute: 'trust', errno: 'EPERM', times: 3 }],
    });
    const error = await refusalOf(attachVf(host, now.readGround, request('web-1')));
    expect(error.code).toBe('attach.undone');
    expect(error.message).toContain('trust');
    expect(factsOf(now)).toEqual(factsOf(start));
    expect(await listEveryLease(openFileLeases(now.stateFolder))).toEqual([]);
  });

  it('because the VM is started before its definition names the VF is undone', async () => {
    const start = await world();
    const now = copyWorld(start);
    const { host, hypervisor } = openProcess(now);
    const report = (text: string): void => {
      if (text.startsWith('setting')) void hypervisor.start('db-1');
    };
    const attempt = attachVf({ ...host, report }, now.readGround, request('db-1', { hold: 'stored' }));
    const error = await refusalOf(attempt);
    expect(error).toMatchObject({
      code: 'attach.undone',
      message: expect.stringContaining('started meanwhile'),
    });
    expect(await hypervisor.readVm('db-1')).toMatchObject({ state: 'running', nics: [], storedNics: [] });
    expect(factsOf(now)).toEqual(factsOf(start));
    await attachVf(host, now.readGround, request('db-1', { hold: 'stored' }));
    expect(await problemsOf(now, start)).toEqual([]);
  });

  it('because somebody asked to stop is undone', async () => {
    const start = await world();
    const now = copyWorld(start);
    const stop = new AbortController();
    stop.abort();
    const { host } = openProcess(now, { signal: stop.signal });
    const error = await refusalOf(attachVf(host, now.readGround, request('web-1')));
    expect(error.code).toBe('attach.undone');
    expect(await problemsOf(now, start)).toEqual([]);
  });

  it.each([
    ['is refused', { operation: 'attach' as const, refusal: 'internal error: "><hostdev', times: 1 }],
    ['times out', { operation: 'attach' as const, hang: true as const, times: 1 }],
    ['loses its answer', { operation: 'attach' as const, lost: true as const, times: 1 }],
  ])('because plugging in %s is undone, with the standby', async (_, fault) => {
    for (const after of [0, 1]) {
      const start = await world();
      const now = copyWorld(start);
      const { host } = openProcess(now, { vms: [{ ...fault, after }] });
      const failover = { kind: 'bridge' as const, bridge: 'br0' };
      const error = await refusalOf(attachVf(host, now.readGround, request('web-1', { failover })));
      expect(error.code).toBe('attach.undone');
      expect(await problemsOf(now, start)).toEqual([]);
      expect(await listEveryLease(openFileLeases(now.stateFolder))).toEqual([]);
    }
  });

  it.each([
    ['bridge', 'br9', /no interface br9/],
    ['bridge', 'enp1s0', /enp1s0 is no Linux bridge/],
    ['bridge', 'br-int', /br-int is no Linux bridge/],
    ['openvswitch', 'ovs9', /no interface ovs9/],
    ['openvswitch', 'br0', /br0 is a Linux bridge/],
  ] as const)(
    'because there is no such %s as %s is refused before anything changes',
    async (kind, bridge, why) => {
      const start = await world();
      const now = copyWorld(start);
      const { host } = openProcess(now);
      for (const [vm, hold] of [
        ['web-1', 'live'],
        ['db-1', 'stored'],
      ] as const) {
        const asked = request(vm, { hold, failover: { kind, bridge } });
        const attempt = attachVf(host, now.readGround, asked);
        const error = await refusalOf(attempt);
        expect(error).toMatchObject({ code: 'usage.invalid', message: expect.stringMatching(why) });
        expect(error.hint).toBeDefined();
        const verdicts = await explainAttach(host, now.readGround, asked);
        expect(verdicts).not.toEqual([]);
        for (const { rank, excluded } of verdicts) {
          expect(rank).toBeUndefined();
          expect(excluded[0]).toEqual({ code: 'standby', text: `standby: ${error.message}` });
        }
      }
      expect(await listEveryLease(openFileLeases(now.stateFolder))).toEqual([]);
      expect([now.state, now.vms]).toEqual([start.state, start.vms]);
    },
  );

  it('and not be undone either stays leased, until recovery', async () => {
    const start = await world();
    const now = copyWorld(start);
    const { host } = openProcess(now, {
      vms: [
        { operation: 'attach', lost: true },
        { operation: 'detach', unreachable: true },
      ],
    });
    const error = await refusalOf(attachVf(host, now.readGround, request('web-1')));
    expect(error).toMatchObject({ code: 'attach.inconsistent', exitStatus: 6 });
    expect(await listEveryLease(openFileLeases(now.stateFolder))).toHaveLength(1);
    expect((await recoverLeases(openProcess(now).host)).releases).toEqual([]);
    expect(await problemsOf(now, start)).toEqual([]);
  });

  it('lists every VF and why', async () => {
    const now = await world();
    const { host } = openProcess(now);
    await attachVf(host, now.readGround, request('web-1'));
    const verdicts = await explainAttach(host, now.readGround, request('web-2'));
    expect(verdicts.filter(({ rank }) => rank !== undefined)).toHaveLength(2);
    expect(verdicts.flatMap(({ excluded }) => excluded.map(({ code }) => code))).toContain('leased');
    expect(await listEveryLease(openFileLeases(now.stateFolder))).toHaveLength(1);
  });
});

describe('attaches at the same time', () => {
  const twoPorts = `
apiVersion: vfleet/v1
kind: Host
networks:
  - { name: storage }
  - { name: assured, minTxRateMbps: 60000 }
pfs:
  - match: { driver: ice }
    expect: 2
    networks: [storage, assured]
    up: true
    vfs:
      count: 3
      default: { driver: vfio-pci }
`;

  it('of one VM take VFs of different cards where that is asked', async () => {
    const now = await world(twoPorts, 'ice');
    const attempts = Array.from({ length: 3 }, async () =>
      attachVf(openProcess(now).host, now.readGround, request('web-1', { spread: true })),
    );
    const done = await Promise.allSettled(attempts);
    const errors = done.flatMap((each) => (each.status === 'rejected' ? [each.reason as VfleetError] : []));
    const leases = await listEveryLease(openFileLeases(now.stateFolder));
    expect(leases.map(({ key }) => key.pf)).toEqual(['0000:17:00.0', '0000:98:00.0']);
    expect(errors).toMatchObject([
      { code: 'vf.unavailable', message: expect.stringContaining('on this card') },
    ]);
  });

  it('get no more guaranteed than a port has', async () => {
    const now = await world(twoPorts, 'ice');
    const attempts = ['web-1', 'web-2', 'web-1', 'web-2'].map(async (vm) =>
      attachVf(openProcess(now).host, now.readGround, request(vm, { network: 'assured' })),
    );
    const done = await Promise.allSettled(attempts);
    const leases = await listEveryLease(openFileLeases(now.stateFolder));
    expect(leases.map(({ key }) => key.pf)).toEqual(['0000:17:00.0', '0000:98:00.0']);
    const refused = done.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    expect(refused).toMatchObject([{ code: 'vf.unavailable' }, { code: 'vf.unavailable' }]);
  });
});

describe('a VF that cannot be given back', () => {
  const busOnly: SimProfile = {
    ...igbProfile,
    pfs: igbProfile.pfs.map((pf) => {
      const { pci } = pf.card;
      return pci === undefined
        ? pf
        : { ...pf, card: { ...pf.card, pci: { ...pci, vfResetMethods: ['pm', 'bus'] } } };
    }),
  };

  it('because it has no reset of its own is quarantined and given to nobody', async () => {
    const now = await world(igbSpec.replace('count: 3', 'count: 1'), busOnly);
    const { host } = openProcess(now);
    const { lease } = await attachVf(host, now.readGround, request('web-1'));
    const { releases } = await detachVfs(host, { vm: 'web-1' });
    expect(releases).toMatchObject([{ result: 'quarantined', why: expect.stringContaining('pm bus') }]);
    expect(listQuarantines(now.stateFolder)).toEqual([
      expect.objectContaining({ generation: lease.generation }),
    ]);
    expect(vfsOf(now)[0]).toMatchObject({ dirt: 'left by web-1' });
    expect(vfsOf(now)[0]?.lastReset).toBeUndefined();
    expect((await refusalOf(attachVf(host, now.readGround, request('web-2')))).code).toBe('vf.unavailable');
    expect((await recoverLeases(host)).releases).toEqual([
      expect.objectContaining({ result: 'quarantined' }),
    ]);
  });

  it('because the reset fails is quarantined until the cause is mended', async () => {
    const start = await world();
    const now = copyWorld(start);
    const broken = openProcess(now, {
      kernel: [{ operation: 'write', path: '/sys*/reset', vf: 0, errno: 'ENOTTY' }],
    });
    const { lease } = await attachVf(broken.host, now.readGround, request('web-1'));
    expect(lease.key.vf).toBe(0);
    expect((await detachVfs(broken.host, { vm: 'web-1' })).releases).toEqual([
      expect.objectContaining({ result: 'quarantined' }),
    ]);
    const since = listQuarantines(now.stateFolder)[0]?.since;
    expect((await recoverLeases(broken.host)).releases).toEqual([
      expect.objectContaining({ result: 'quarantined' }),
    ]);
    expect(listQuarantines(now.stateFolder)[0]?.since).toBe(since);
    expect((await recoverLeases(openProcess(now).host)).releases).toEqual([
      expect.objectContaining({ result: 'free' }),
    ]);
    expect(await problemsOf(now, start)).toEqual([]);
    expect(factsOf(now)).toEqual(factsOf(start));
  });

  it.each(hostileRecords.filter(([what]) => what === 'no JSON' || what === 'a folder'))(
    'is quarantined anew by the next recovery when the record of that is %s',
    async (_, put) => {
      const now = await world();
      const { host } = openProcess(now, {
        kernel: [{ operation: 'write', path: '/sys*/reset', errno: 'EIO' }],
      });
      const { lease } = await attachVf(host, now.readGround, request('web-1'));
      await detachVfs(host, { vm: 'web-1' });
      const written = listQuarantines(now.stateFolder);
      put(join(now.stateFolder, 'leases', `${vfFileName(lease.key)}.quarantine`));
      expect(listQuarantines(now.stateFolder)).toMatchObject([{ key: lease.key, generation: '' }]);
      const verdicts = await explainAttach(host, now.readGround, request('web-2'));
      expect(verdicts.find(({ key }) => key.vf === lease.key.vf)?.excluded[0]?.code).toBe('quarantined');
      expect((await recoverLeases(host)).releases).toMatchObject([{ result: 'quarantined' }]);
      expect(listQuarantines(now.stateFolder)).toMatchObject([{ ...written[0], since: expect.any(String) }]);
    },
  );

  it('while the port has no link is quarantined with what to do, and free once it has one', async () => {
    const start = await world();
    const now = copyWorld(start);
    const { host, kernel } = openProcess(now);
    await attachVf(host, now.readGround, request('web-1'));
    const setUp = (up: boolean): void =>
      kernel.change(({ pfs: [pf] }) => {
        if (pf?.netdev !== undefined) pf.netdev.up = up;
      });
    setUp(false);
    expect((await detachVfs(host, { vm: 'web-1' })).releases).toMatchObject([
      { result: 'quarantined', why: expect.stringMatching(/igb refused .*EINVAL.*while the link is down/) },
    ]);
    setUp(true);
    expect((await recoverLeases(host)).releases).toMatchObject([{ result: 'free' }]);
    expect(await problemsOf(now, start)).toEqual([]);
  });

  it('and whose lease somebody removes is cleaned by the next recovery that can', async () => {
    const start = await world();
    const now = copyWorld(start);
    const { host, kernel } = openProcess(now, {
      kernel: [{ operation: 'write', path: '/sys*/reset', errno: 'EIO' }],
    });
    const { lease } = await attachVf(host, now.readGround, request('web-1'));
    await detachVfs(host, { vm: 'web-1' });
    rmSync(join(now.stateFolder, 'leases', `${vfFileName(lease.key)}.json`));
    expect((await recoverLeases(host)).releases).toMatchObject([{ key: lease.key, result: 'quarantined' }]);
    expect(listQuarantines(now.stateFolder)).toMatchObject([{ why: expect.stringContaining('EIO') }]);
    kernel.holdVf(lease.key.pf, lease.key.vf, { kind: 'vfio', name: 'dpdk-testpmd' });
    const well = openProcess(now);
    await recoverLeases(well.host);
    expect(listQuarantines(now.stateFolder)).toMatchObject([{ why: expect.stringContaining('dpdk') }]);
    kernel.releaseVf(lease.key.pf, lease.key.vf);
    expect((await recoverLeases(well.host)).releases).toMatchObject([{ key: lease.key, result: 'free' }]);
    expect(listQuarantines(now.stateFolder)).toEqual([]);
    expect(vfsOf(now)[lease.key.vf]).toMatchObject({
      lastReset: 'flr',
      settings: { vlan: 0, trust: false, maxTxRateMbps: 0 },
    });
    expect(vfsOf(now)[lease.key.vf]?.dirt).toBeUndefined();
  });

  it('because the guest does not let go is kept, and nothing of it is changed', async () => {
    const now = await world();
    const { host } = openProcess(now, { vms: [{ operation: 'detach', hang: true }] });
    const { lease } = await attachVf(host, now.readGround, request('web-1'));
    const before = structuredClone(now.state.pfs);
    expect((await detachVfs(host, { vm: 'web-1' })).releases).toEqual([
      expect.objectContaining({ result: 'kept', why: expect.stringContaining('has not let go') }),
    ]);
    expect(now.state.pfs).toEqual(before);
    expect(await listEveryLease(openFileLeases(now.stateFolder))).toEqual([lease]);
  });

  it('because the hypervisor does not answer is kept', async () => {
    const now = await world();
    const { host, hypervisor } = openProcess(now);
    await attachVf(host, now.readGround, request('web-1'));
    await hypervisor.destroy('web-1');
    const deaf = openProcess(now, { vms: [{ operation: 'read', unreachable: true }] });
    const kept = [
      expect.objectContaining({ result: 'kept', why: expect.stringContaining('does not answer') }),
    ];
    expect((await recoverLeases(deaf.host)).releases).toEqual(kept);
    expect((await recoverLeases({ ...host, hypervisor: undefined })).releases).toEqual([
      expect.objectContaining({ result: 'kept' }),
    ]);
    expect(vfsOf(now)[0]?.lastReset).toBeUndefined();
  });

  it('because a process has it open is kept, whoever owns it', async () => {
    const now = await world();
    const { host, hypervisor, kernel } = openProcess(now);
    const { lease } = await attachVf(host, now.readGround, request('web-1'));
    await hypervisor.destroy('web-1');
    kernel.holdVf(lease.key.pf, lease.key.vf, { kind: 'vfio', name: 'dpdk-testpmd' });
    expect((await recoverLeases(host)).releases).toEqual([
      expect.objectContaining({ result: 'kept', why: expect.stringContaining('dpdk-testpmd') }),
    ]);
    expect(vfsOf(now)[lease.key.vf]).toMatchObject({ dirt: 'left by web-1' });
    kernel.releaseVf(lease.key.pf, lease.key.vf);
    expect((await recoverLeases(host)).releases).toEqual([expect.objectContaining({ result: 'free' })]);
  });

  it('because the definition of its VM cannot be read is kept, and others are served meanwhile', async () => {
    const start = await world();
    const now = copyWorld(start);
    const { host, hypervisor } = openProcess(now);
    const { lease } = await attachVf(host, now.readGround, request('web-1'));
    const [odd] = now.vms.vms;
    if (odd === undefined) throw new Error('there is no VM');
    odd.problem = 'the definition of "web-1" is not XML that vfleet reads';
    const kept = [expect.objectContaining({ result: 'kept', why: odd.problem })];
    expect((await recoverLeases(host)).releases).toEqual(kept);
    const [suspect] = await new LeaseCare(host).findSuspects(0);
    expect(await suspect?.mend(() => undefined)).toEqual(kept[0]);
    for (const attempt of [
      attachVf(host, now.readGround, request('web-1')),
      detachVfs(host, { vm: 'web-1' }),
      hypervisor.pin(odd.uuid, { emulatorPin: [0] }, { live: true, stored: false }),
    ])
      expect((await refusalOf(attempt)).code).toBe('hypervisor.malformed');
    expect(await giveBack(host, lease)).toMatchObject({ result: 'kept', why: odd.problem });
    const mac = lease.settings.mac ?? '';
    expect((await refusalOf(attachVf(host, now.readGround, request('web-2', { mac })))).code).toBe(
      'mac.in-use',
    );
    await attachVf(host, now.readGround, request('web-2'));
    expect(await listEveryLease(openFileLeases(now.stateFolder))).toHaveLength(2);
    delete now.vms.vms[0]?.problem;
    expect(await recoverLeases(host)).toEqual({ releases: [], corrupt: [] });
    expect(await problemsOf(now, start)).toEqual([]);
  });

  it('because the hypervisor does not give the definition of its VM is kept, and nobody unknowing gets another', async () => {
    const start = await world();
    const now = copyWorld(start);
    const { host } = openProcess(now);
    const { lease } = await attachVf(host, now.readGround, request('web-1'));
    const [odd] = now.vms.vms;
    if (odd === undefined) throw new Error('there is no VM');
    Object.assign(odd, { problem: 'the definition of "web-1" is not to be had', withheld: true });
    const kept = expect.objectContaining({ result: 'kept', why: odd.problem });
    expect((await recoverLeases(host)).releases).toEqual([kept]);
    expect(await giveBack(host, lease)).toEqual(kept);
    for (const attempt of [
      attachVf(host, now.readGround, request('web-1')),
      detachVfs(host, { vm: 'web-1' }),
    ])
      expect(await refusalOf(attempt)).toMatchObject({ code: 'hypervisor.refused', message: odd.problem });
    const qemu = { name: 'vm1', network: 'storage', acceptedRisks: [] };
    for (const attempt of [
      attachVf(host, now.readGround, request('web-2')),
      leaseForQemu(host, now.readGround, qemu),
    ])
      expect(await refusalOf(attempt)).toMatchObject({
        code: 'risk.refused',
        message: expect.stringContaining('the definition of VM web-1 is not known'),
        hint: expect.stringContaining('--accept-risk unknown-definition'),
      });
    const accepting = request('web-2', { acceptedRisks: ['unknown-definition'] });
    const { lease: other } = await attachVf(host, now.readGround, accepting);
    expect(other.acceptedRisks).toEqual(['unknown-definition']);
    expect((await detachVfs(host, { vm: 'web-2' })).releases).toMatchObject([{ result: 'free' }]);
    delete now.vms.vms[0]?.problem;
    delete now.vms.vms[0]?.withheld;
    expect(await recoverLeases(host)).toEqual({ releases: [], corrupt: [] });
    expect(await problemsOf(now, start)).toEqual([]);
  });

  it('because its VM is not shown to us is kept, and the others are looked at', async () => {
    const now = await world();
    const { host, hypervisor } = openProcess(now);
    await attachVf(host, now.readGround, request('web-1'));
    await attachVf(host, now.readGround, request('web-2'));
    await hypervisor.destroy('web-1');
    await hypervisor.destroy('web-2');
    const [hidden] = now.vms.vms;
    const shy = {
      ...hypervisor,
      readVm: async (uuid: string) => {
        if (uuid === hidden?.uuid) throw new VfleetError('permission.missing', 'libvirt: access denied');
        return hypervisor.readVm(uuid);
      },
    };
    expect((await recoverLeases({ ...host, hypervisor: shy })).releases).toEqual([
      expect.objectContaining({ owner: 'web-1', result: 'kept', why: 'libvirt: access denied' }),
      expect.objectContaining({ owner: 'web-2', result: 'free' }),
    ]);
  });

  it('because nobody of that name has one is asked for by the name that was meant', async () => {
    const now = await world();
    const { host, hypervisor } = openProcess(now);
    const meant = async (vm: string, network?: string): Promise<string> => {
      const {
        code,
        message,
        hint = '',
      } = await refusalOf(detachVfs(host, { vm, ...(network === undefined ? {} : { network }) }));
      expect(code).toBe('lease.none');
      return `${message}; ${hint}`;
    };
    expect(await meant('nope')).toMatch(/no VM nope, .*; no VF is leased$/);
    await attachVf(host, now.readGround, request('web-2'));
    await attachVf(host, now.readGround, request('web-2', { network: 'front' }));
    expect(await meant('nope')).toMatch(/; those with VFs are web-2$/);
    // One that has a VF is meant rather than one that is as near.
    expect(await meant('web-3')).toMatch(/; did you mean web-2\?$/);
    expect(await meant('db1')).toMatch(/; did you mean db-1\?$/);
    expect(await meant('web-1')).toBe('web-1 has no VF of vfleet; ');
    expect(await meant('web-2', 'fornt')).toBe('web-2 has no VF of vfleet on fornt; did you mean front?');
    expect(await meant('web-2', 'x')).toBe('web-2 has no VF of vfleet on x; it has VFs on storage, front');
    const deaf = {
      ...hypervisor,
      readVm: () => Promise.reject(new VfleetError('hypervisor.unreachable', '')),
    };
    const { message } = await refusalOf(detachVfs({ ...host, hypervisor: deaf }, { vm: 'web-3' }));
    expect(message).toBe('web-3 has no VF of vfleet');
  });

  it('because somebody works on it is kept', async () => {
    const now = await world();
    const { host } = openProcess(now);
    const { lease } = await attachVf(host, now.readGround, request('web-1'));
    const lock = lockVf(now.stateFolder, lease.key, 'detach "web-1"');
    expect((await recoverLeases(host)).releases).toEqual([
      expect.objectContaining({ result: 'kept', why: expect.stringContaining('detach "web-1"') }),
    ]);
    if ('release' in lock) lock.release();
  });

  it('because it is no more is free', async () => {
    const now = await world();
    const { host, kernel } = openProcess(now);
    await attachVf(host, now.readGround, request('web-1'));
    now.vms.vms[0]?.nics.splice(0);
    kernel.unplug('0000:01:00.0');
    expect((await recoverLeases(host)).releases).toEqual([expect.objectContaining({ result: 'free' })]);
    expect(await listEveryLease(openFileLeases(now.stateFolder))).toEqual([]);
  });
});

describe('a hypervisor that goes on after the vfleet that asked it has died', () => {
  it.each(['igb', 'ice'] as const)(
    'may plug the VF in while it is cleaned, and it stays leased (%s)',
    async (profile) => {
      const start = await world(profile === 'igb' ? igbSpec : iceSpec, profile);
      const now = copyWorld(start);
      const { host, hypervisor } = openProcess(now, {
        vms: [{ operation: 'attach', unreachable: true, times: 1 }],
      });
      const { uuid } = await hypervisor.readVm('web-1');
      // The undoing of the attach meets the late change.
      const late: Promise<void>[] = [];
      const report = (text: string): void => {
        if (!text.startsWith('cleaning')) return;
        const plugIn = async (): Promise<void> => {
          const [lease] = await listEveryLease(openFileLeases(now.stateFolder));
          if (lease?.address === undefined) throw new Error('there is no lease');
          const vf = {
            hostAddress: lease.address,
            mac: lease.settings.mac ?? '',
            alias: vfAliasOf(lease),
            vlan: 200,
          };
          await hypervisor.attachNic(uuid, { vf }, { live: true, stored: false });
        };
        late.push(plugIn());
      };
      const error = await refusalOf(attachVf({ ...host, report }, now.readGround, request('web-1')));
      await Promise.all(late);
      expect(error.code).toBe('attach.inconsistent');
      expect((await recoverLeases(host)).releases).toEqual([]);
      expect(await listEveryLease(openFileLeases(now.stateFolder))).toHaveLength(1);
      expect(await problemsOf(now, start)).toEqual([]);
      expect((await detachVfs(host, { vm: 'web-1' })).releases).toEqual([
        expect.objectContaining({ result: 'free' }),
      ]);
      expect(factsOf(now)).toEqual(factsOf(start));
    },
  );
});

describe('a release that comes late', () => {
  it('changes nothing of a newer lease', async () => {
    const start = await world(igbSpec.replace('count: 3', 'count: 1'));
    const now = copyWorld(start);
    const { host } = openProcess(now);
    const old = await attachVf(host, now.readGround, request('web-1'));
    await detachVfs(host, { vm: 'web-1' });
    const newer = await attachVf(host, now.readGround, request('web-2'));
    const before = structuredClone(now.state.pfs);
    expect((await refusalOf(giveBack(host, old.lease))).code).toBe('lease.changed');
    expect(now.state.pfs).toEqual(before);
    expect(await listEveryLease(openFileLeases(now.stateFolder))).toEqual([newer.lease]);
    expect(await problemsOf(now, start)).toEqual([]);
  });

  it('because somebody was quicker with one VF of the VM goes on with the others', async () => {
    const now = await world();
    const { host } = openProcess(now);
    const first = await attachVf(host, now.readGround, request('web-1'));
    const second = await attachVf(host, now.readGround, request('web-1', { network: 'front' }));
    const quicker = openProcess(now).host;
    const leases = {
      ...host.leases,
      list: async () => {
        const records = await host.leases.list();
        await giveBack(quicker, first.lease);
        return records;
      },
    };
    expect((await detachVfs({ ...host, leases }, { vm: 'web-1' })).releases).toMatchObject([
      { key: first.lease.key, result: 'free' },
      { key: second.lease.key, result: 'free' },
    ]);
    expect(await listEveryLease(openFileLeases(now.stateFolder))).toEqual([]);
  });

  it('of a VF that is free changes nothing', async () => {
    const now = await world();
    const { host } = openProcess(now);
    const { lease } = await attachVf(host, now.readGround, request('web-1'));
    await detachVfs(host, { vm: 'web-1' });
    expect((await refusalOf(giveBack(host, lease))).code).toBe('lease.changed');
    expect((await refusalOf(detachVfs(host, { vm: 'web-1' }))).code).toBe('lease.none');
  });
});

describe('names that mean harm', () => {
  const names = [
    '../../x',
    '"><hostdev',
    "'; rm -rf /",
    'a,b=c',
    '-',
    '\u0000',
    '💥',
    'x'.repeat(300),
    'line\nfeed',
  ];

  it.each(names)('%j is just a VM', async (name) => {
    const start = await world();
    const now = copyWorld(start);
    const { host, hypervisor } = openProcess(now);
    await hypervisor.define(newVm(name, 9));
    const { lease } = await attachVf(host, now.readGround, request(name));
    expect(lease.owner.name).toBe(name);
    expect(await problemsOf(now, start)).toEqual([]);
    expect((await recoverLeases(host)).releases).toEqual([]);
    expect((await detachVfs(host, { vm: name })).releases).toEqual([
      expect.objectContaining({ owner: name, result: 'free' }),
    ]);
    expect(factsOf(now)).toEqual(factsOf(start));
    const qemu = await leaseForQemu(host, now.readGround, {
      name,
      network: 'storage',
      acceptedRisks: [],
      startWithinMs: 0,
    });
    expect(qemu.lease.owner.name).toBe(name);
  });
});

describe('a VF for a QEMU that somebody starts', () => {
  it('is set and bound, and goes back when nobody opens it in time', async () => {
    const start = await world();
    const now = copyWorld(start);
    const { host, kernel } = openProcess(now);
    const { lease } = await leaseForQemu(host, now.readGround, {
      name: 'vm1',
      network: 'storage',
      acceptedRisks: [],
      startWithinMs: 50,
    });
    const vf = vfsOf(now)[lease.key.vf];
    const { linkState: _, ...settings } = lease.settings;
    expect(vf).toMatchObject({ driver: 'vfio-pci', settings });
    kernel.holdVf(lease.key.pf, lease.key.vf, { kind: 'vm', name: 'vm1' });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await recoverLeases(host)).releases).toEqual([]);
    kernel.releaseVf(lease.key.pf, lease.key.vf);
    expect((await recoverLeases(host)).releases).toEqual([
      expect.objectContaining({ owner: 'vm1', result: 'free' }),
    ]);
    expect(factsOf(now)).toEqual(factsOf(start));
    expect(await problemsOf(now, start)).toEqual([]);
  });

  it('has the same address at each start, and not that of its namesake on another host', async () => {
    const here = await world();
    const there = copyWorld(here);
    there.state.machineId = 'ffffffffffffffffffffffffffffffff';
    const macs: (string | undefined)[] = [];
    for (const now of [here, here, there]) {
      const { host } = openProcess(now);
      const { lease } = await leaseForQemu(host, now.readGround, {
        name: 'vm1',
        network: 'front',
        acceptedRisks: [],
      });
      macs.push(lease.settings.mac);
      await detachVfs(host, { vm: 'vm1' });
    }
    expect(macs[1]).toBe(macs[0]);
    expect(macs[2]).not.toBe(macs[0]);
  });

  it('is detached by name also where no hypervisor answers', async () => {
    const start = await world();
    const now = copyWorld(start);
    const { host } = openProcess(now, { vms: [{ operation: 'read', unreachable: true }] });
    await leaseForQemu(host, now.readGround, { name: 'vm1', network: 'front', acceptedRisks: [] });
    expect((await detachVfs(host, { vm: 'vm1' })).releases).toMatchObject([{ result: 'free' }]);
    expect(factsOf(now)).toEqual(factsOf(start));
  });

  it('is not detached for a VM of the hypervisor with the same name', async () => {
    const now = await world();
    const { host } = openProcess(now);
    const qemu = await leaseForQemu(host, now.readGround, {
      name: 'web-1',
      network: 'front',
      acceptedRisks: [],
    });
    await attachVf(host, now.readGround, request('web-1'));
    const error = await refusalOf(detachVfs(host, { vm: 'web-1' }));
    expect(error.code).toBe('usage.invalid');
    const { mac = '' } = qemu.lease.settings;
    expect((await detachVfs(host, { vm: 'web-1', mac })).releases).toMatchObject([
      { owner: 'web-1', network: 'front', result: 'free' },
    ]);
    expect((await detachVfs(host, { vm: 'web-1' })).releases).toMatchObject([{ network: 'storage' }]);
  });

  it('is detached by name', async () => {
    const start = await world();
    const now = copyWorld(start);
    const { host } = openProcess(now);
    await leaseForQemu(host, now.readGround, {
      name: 'vm1',
      network: 'front',
      acceptedRisks: [],
      numaNode: 0,
    });
    expect((await refusalOf(detachVfs(host, { vm: 'vm1', network: 'storage' }))).code).toBe('lease.none');
    expect((await detachVfs(host, { vm: 'vm1', network: 'front' })).releases).toEqual([
      expect.objectContaining({ result: 'free' }),
    ]);
    expect(factsOf(now)).toEqual(factsOf(start));
  });
});

describe('a host on which an apply was cut off', () => {
  const changed = igbSpec.replace('default: { driver: igbvf,', 'default: { driver: igbvf, vlan: 9,');

  it('gives no VF until that is recovered, and takes them back all the same', async () => {
    const start = await world();
    await attachVf(openProcess(start).host, start.readGround, request('web-1'));
    const now = await cutOffApply(start, changed);
    const { host } = openProcess(now);
    const before = structuredClone(now.state.pfs);
    const leases = await listEveryLease(openFileLeases(now.stateFolder));
    const qemu = { name: 'vm1', network: 'storage', acceptedRisks: [] };
    const attempts = [
      async () => attachVf(host, now.readGround, request('web-2')),
      async () => leaseForQemu(host, now.readGround, qemu),
    ];
    for (const attempt of attempts) {
      const error = await refusalOf(attempt());
      expect(error).toMatchObject({ code: 'apply.cut-off', exitStatus: 3, hint: 'run `vfleet recover`' });
      expect(error.message).toMatch(/^apply \d+ of .* was cut off, so the host may be half changed$/);
    }
    expect(now.state.pfs).toEqual(before);
    expect(await listEveryLease(openFileLeases(now.stateFolder))).toEqual(leases);
    expect(await explainAttach(host, now.readGround, request('web-2'))).toHaveLength(3);
    expect((await recoverLeases(host)).releases).toEqual([]);
    expect((await detachVfs(host, { vm: 'web-1' })).releases).toEqual([
      expect.objectContaining({ result: 'free' }),
    ]);
    const recovering = openProcess(now);
    expect(await recoverHost(hostOn(recovering.kernel, now.stateFolder))).toBe('undone');
    await attachVf(host, now.readGround, request('web-2'));
    await leaseForQemu(host, now.readGround, qemu);
  });
});

describe('a host without networks', () => {
  it('offers nothing', async () => {
    const now = await world();
    const { host } = openProcess({ ...now, stateFolder: newFolder() });
    const nothing = async () => ({ offer: { networks: [], pools: [] } });
    expect((await refusalOf(attachVf(host, nothing, request('web-1')))).code).toBe('offer.none');
  });
});
