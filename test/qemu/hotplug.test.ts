// `vfleet hotplug` as a user runs it, with a real QEMU and VFs of a simulated host.

import type { ChildProcess } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { connectQmp } from '../../src/hypervisor/qemu/qmp.ts';
import { hasDevice } from '../../src/hypervisor/qemu/devices.ts';
import { isQemuMissing, qemuPackage, startQemu } from './qemu.fixture.ts';
import type { TestQemu } from './qemu.fixture.ts';
import { relayVfs } from './vf-relay.fixture.ts';
import type { RelayTraits } from './vf-relay.fixture.ts';
import { newHost } from './vfleet.fixture.ts';
import type { TestHost } from './vfleet.fixture.ts';

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const port = ['-device', 'pcie-root-port,id=rp1,chassis=1,slot=1'];

interface Setup {
  readonly host: TestHost;
  readonly qemu: TestQemu;
  readonly before: unknown;
}

async function setUp(args: readonly string[] = port): Promise<Setup> {
  const host = await newHost();
  ends.push(host.remove);
  const qemu = await startQemu(['-name', 'vm1', ...args]);
  ends.push(qemu.stop);
  return { host, qemu, before: await host.pfs() };
}

/** A QEMU that takes VFs of the simulated host. */
async function withRelay({ host, qemu }: Setup, traits: Partial<RelayTraits> = {}): Promise<string> {
  const relay = await relayVfs(qemu.qmpPath, await host.kernel(), {
    opensVfs: true,
    letsGo: true,
    ...traits,
  });
  ends.push(relay.close);
  return relay.path;
}

/** Nothing is leased, and every VF is as it was. */
async function isUntouched({ host, before }: Setup): Promise<void> {
  expect(await host.leases()).toEqual([]);
  expect(await host.pfs()).toEqual(before);
}

async function qemuHas({ qemu }: Setup, id: string): Promise<boolean> {
  const qmp = await connectQmp(qemu.qmpPath);
  try {
    return await hasDevice(qmp, id);
  } finally {
    qmp.close();
  }
}

describe.skipIf(isQemuMissing)(`hotplug into a real QEMU (package ${qemuPackage})`, () => {
  it('plugs a VF in, holds it for that QEMU, and takes it out by its MAC address', async () => {
    const setup = await setUp();
    const { host } = setup;
    const path = await withRelay(setup);
    const plugged = await host.run('hotplug', '--qmp', path, '--network', 'storage');
    expect(plugged).toMatchObject({ status: 0, stderr: '' });
    expect(plugged.stdout).toMatch(/^vm1 has VF \d of \S+ \(\S+\) on network storage, MAC \S+, at rp1\.\n$/);
    const [lease] = await host.leases();
    expect(lease).toMatchObject({
      owner: { kind: 'qemu', name: 'vm1', process: { pid: process.pid } },
      settings: { vlan: 200 },
    });
    expect(plugged.stdout).toContain(lease?.settings.mac);
    // The one port is taken now: nothing is begun.
    const full = await host.run('hotplug', '--qmp', path, '--network', 'front');
    expect(full).toMatchObject({
      status: 3,
      stdout: '',
      stderr: expect.stringContaining('no free pcie-root-port: 1 in use') as string,
    });
    // Not while it is in use.
    expect((await host.run('detach', 'vm1')).status).toBe(4);
    const removed = await host.run('hotplug', '--qmp', path, '--remove', lease?.settings.mac ?? '');
    expect(removed).toMatchObject({ status: 0, stderr: '' });
    expect(removed.stdout).toMatch(/given back.*clean/);
    await isUntouched(setup);
  });

  it('keeps the lease of a VF that the guest does not let go of', async () => {
    const setup = await setUp();
    const { host } = setup;
    const path = await withRelay(setup, { letsGo: false });
    const plugged = await host.run(
      'hotplug',
      '--qmp',
      path,
      '--network',
      'front',
      '--json',
      '--name',
      'x,"$(id) y',
    );
    expect(plugged).toMatchObject({ status: 0 });
    const { lease } = JSON.parse(plugged.stdout) as { lease: { address: string; owner: { name: string } } };
    expect(lease.owner.name).toBe('x,"$(id) y');
    // The guest's time is short here, so that nobody waits for it.
    const removed = await host.run(
      'hotplug',
      '--qmp',
      path,
      '--remove',
      lease.address,
      '--unplug-timeout',
      '1',
    );
    expect(removed).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining('the guest has not let go of device') as string,
    });
    expect(await host.leases()).toHaveLength(1);
  });

  it('puts everything back when QEMU refuses the VF', async () => {
    const setup = await setUp();
    // Without the relay: this QEMU looks for the VF on the machine that runs the tests.
    const refused = await setup.host.run('hotplug', '--qmp', setup.qemu.qmpPath, '--network', 'storage');
    expect(refused).toMatchObject({
      status: 5,
      stdout: '',
      stderr: expect.stringMatching(/is free again: QEMU refused device_add/) as string,
    });
    await isUntouched(setup);
  });

  it('puts everything back when another process than QEMU, or none, has the VF in the end', async () => {
    const setup = await setUp();
    const path = await withRelay(setup, { opensVfs: false });
    const refused = await setup.host.run('hotplug', '--qmp', path, '--network', 'storage');
    expect(refused).toMatchObject({
      status: 5,
      stderr: expect.stringContaining('no process has it open') as string,
    });
    await isUntouched(setup);
    expect(await qemuHas(setup, 'vfleet-0000-01-10-2')).toBe(false);
  });

  it('puts everything back when QEMU is killed in the middle', async () => {
    const setup = await setUp();
    const path = await withRelay(setup, {
      opensVfs: false,
      onPlug: () => void setup.qemu.process.kill('SIGKILL'),
    });
    const refused = await setup.host.run('hotplug', '--qmp', path, '--network', 'storage');
    expect(refused).toMatchObject({
      status: 5,
      stderr: expect.stringContaining('closed the connection') as string,
    });
    await isUntouched(setup);
  });

  it('does not leave the VF to a QEMU that did not open it, when vfleet is killed in the middle', async () => {
    const setup = await setUp();
    const { host } = setup;
    let vfleet: ChildProcess | undefined;
    const path = await withRelay(setup, { opensVfs: false, onPlug: () => void vfleet?.kill('SIGKILL') });
    vfleet = host.start('hotplug', '--qmp', path, '--network', 'storage');
    await new Promise((ended) => vfleet?.once('exit', ended));
    expect(await host.leases()).toMatchObject([{ owner: { process: { pid: process.pid } } }]);
    // The holder was started before; the simulated host's time is a hundred times as fast.
    await expect.poll(host.leases, { timeout: 150_000, interval: 500 }).toEqual([]);
    await isUntouched(setup);
  });

  it('changes nothing without a port, a monitor, a network or a lease, and says so in a line', async () => {
    const setup = await setUp([]);
    const { host, qemu } = setup;
    const cases: readonly [readonly string[], number, RegExp][] = [
      [
        ['--qmp', qemu.qmpPath, '--network', 'storage'],
        3,
        /has no pcie-root-port.*\n.*hint: .*pcie-root-port/,
      ],
      [['--qmp', '/nonexistent', '--network', 'storage'], 1, /does not answer/],
      [['--qmp', qemu.qmpPath, '--network', 'nowhere', '--bus', 'pcie.0'], 1, /nowhere/],
      [['--qmp', qemu.qmpPath, '--remove', '0000:01:10.2'], 1, /no VF 0000:01:10.2 is leased/],
      [['--qmp', qemu.qmpPath, '--remove', '../../x'], 1, /neither a PCI nor a MAC address/],
      [['--qmp', qemu.qmpPath], 1, /--network NAME or --remove VF/],
    ];
    for (const [args, status, words] of cases) {
      const result = await host.run('hotplug', ...args);
      expect({ args, ...result }).toMatchObject({
        status,
        stdout: '',
        stderr: expect.stringMatching(words) as string,
      });
    }
    await isUntouched(setup);
  });

  it('takes no name that a screen could not show, neither its own nor that of QEMU', async () => {
    const setup = await setUp([...port, '-name', 'vm\n1']);
    const path = await withRelay(setup);
    const plug = ['hotplug', '--qmp', path, '--network', 'storage'];
    const refused = await setup.host.run(...plug, '--name', 'vm\u001b[2J');
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('is no name of a VM');
    await isUntouched(setup);
    expect(await setup.host.run(...plug)).toMatchObject({ status: 0 });
    expect((await setup.host.leases())[0]?.owner.name).toBe(`qemu ${process.pid}`);
  });

  it('does not take a VF from another QEMU', async () => {
    const setup = await setUp();
    const { host, qemu } = setup;
    const path = await withRelay(setup);
    expect((await host.run('hotplug', '--qmp', path, '--network', 'storage')).status).toBe(0);
    const [lease] = await host.leases();
    const other = await startQemu();
    ends.push(other.stop);
    const result = await host.run('hotplug', '--qmp', other.qmpPath, '--remove', lease?.address ?? '');
    expect(result).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('does not have VF') as string,
    });
    expect(await host.leases()).toHaveLength(1);
    expect(await qemuHas({ ...setup, qemu }, `vfleet-${lease?.address?.replaceAll(/[:.]/g, '-')}`)).toBe(
      true,
    );
  });
});
