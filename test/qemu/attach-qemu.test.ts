// `vfleet attach --qemu` as a user runs it, on a simulated host, held for real processes of this machine.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { lockHost } from '../../src/apply/host-lock.ts';
import { defaultTimeouts } from '../../src/apply/timeouts.ts';
import { recoverLeases } from '../../src/assign/recover.ts';
import { KernelSession } from '../../src/kernel/session.ts';
import { openFileLeases } from '../../src/lease/file-leases.ts';
import type { Release } from '../../src/model/attachment.ts';
import type { Lease } from '../../src/model/lease.ts';
import { localFiles } from '../../src/kernel/local-files.ts';
import { isSameProcess, readProcessInstance } from '../../src/kernel/proc/process-identity.ts';
import { newHost, program } from './vfleet.fixture.ts';
import type { TestHost } from './vfleet.fixture.ts';

/** Each look starts the program. */
const patientMs = 150_000;

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0).reverse()) end();
});

async function hostForTest(): Promise<TestHost> {
  const host = await newHost();
  ends.push(host.remove);
  return host;
}

function sleeper(): ChildProcess & { pid: number } {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  ends.push(() => void child.kill('SIGKILL'));
  if (child.pid === undefined) throw new Error('sleep does not run');
  return child as ChildProcess & { pid: number };
}

interface Held {
  readonly lease: Lease;
  readonly arguments: readonly string[];
  /** Absent where the agent holds it. */
  readonly holder?: number;
}

/** Attaches, and makes sure that the holder does not outlive the test. */
async function attach(host: TestHost, ...args: readonly string[]): Promise<Held> {
  const command = ['attach', '--qemu', '--name', 'vm1', '--network', 'storage', '--json'];
  const { status, stdout, stderr } = await host.run(...command, ...args);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  const held = JSON.parse(stdout) as Held;
  const holder = readProcessInstance(localFiles(), held.holder ?? 0);
  ends.push(() => {
    if (holder === undefined || !isSameProcess(holder, readProcessInstance(localFiles(), holder.pid))) return;
    // It may end just now by itself.
    spawnSync('kill', ['-KILL', String(holder.pid)], { stdio: 'ignore' });
  });
  return held;
}

function isRunning(pid: number | undefined): pid is number {
  return pid !== undefined && readProcessInstance(localFiles(), pid) !== undefined;
}

/** Waits until the host has as many leases. Holders tell nobody when they are done. */
async function leaseCount(host: TestHost, count: number): Promise<void> {
  await expect
    .poll(async () => (await host.leases()).length, { timeout: patientMs, interval: 200 })
    .toBe(count);
}

function logOf(host: TestHost): string {
  return readFileSync(join(host.stateFolder, 'hold.log'), 'utf8');
}

async function logged(host: TestHost, words: string): Promise<void> {
  await expect.poll(() => logOf(host), { timeout: patientMs }).toContain(words);
}

/** What `vfleet recover` and the agent do with leases. */
async function recovered(host: TestHost): Promise<readonly Release[]> {
  const session = new KernelSession(await host.kernel());
  try {
    const { releases } = await recoverLeases({
      session,
      stateFolder: host.stateFolder,
      leases: openFileLeases(host.stateFolder),
      hypervisor: undefined,
      timeouts: defaultTimeouts,
      unplugTimeoutMs: 1000,
      report: () => undefined,
    });
    return releases;
  } finally {
    session.close();
  }
}

describe('attach --qemu', () => {
  it('prints the arguments alone, for a shell to put them in, and gives the VF back when the process ends', async () => {
    const host = await hostForTest();
    const before = await host.pfs();
    const qemu = sleeper();
    const args = ['attach', '--qemu', '--name', 'vm1', '--network', 'storage', '--pid', String(qemu.pid)];
    // The shell waits for the end of the output: a holder that kept it open would never let it go on.
    const script = 'printf "<%s>" $("$@" 2>/dev/null)';
    const words = execFileSync(
      '/bin/sh',
      ['-c', script, 'sh', process.execPath, program, ...args, ...host.on, '--bus', 'rp1'],
      { encoding: 'utf8' },
    );
    const [lease] = await host.leases();
    const id = `vfleet-${lease?.address?.replaceAll(/[:.]/g, '-')}`;
    expect(words).toBe(`<-device><vfio-pci,host=${lease?.address},id=${id},bus=rp1>`);
    expect(lease).toMatchObject({
      network: 'storage',
      owner: { kind: 'qemu', name: 'vm1', process: { pid: qemu.pid } },
      settings: { vlan: 200, maxTxRateMbps: 500 },
    });
    await logged(host, `waiting for the end of process ${qemu.pid}`);
    qemu.kill();
    await leaseCount(host, 0);
    await logged(host, 'given back, clean');
    expect(await host.pfs()).toEqual(before);
  });

  it('is held by a process that no terminal reaches, and that ends with the lease', async () => {
    const host = await hostForTest();
    const { lease, holder } = await attach(host, '--pid', String(sleeper().pid));
    await logged(host, 'waiting for the end of process');
    const stat = readFileSync(`/proc/${holder}/stat`, 'utf8');
    const [, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    expect(Number(session)).toBe(holder);
    const { status } = await host.run('detach', 'vm1', '--mac', lease.settings.mac ?? '');
    expect(status).toBe(0);
    await expect.poll(() => isRunning(holder), { timeout: patientMs }).toBe(false);
    expect(logOf(host)).toContain('the lease has ended');
  });

  it('gives a VF back that nobody opens in time', async () => {
    const host = await hostForTest();
    const before = await host.pfs();
    // The simulated host's time is a hundred times as fast.
    const { lease } = await attach(host, '--start-within', '100');
    expect(lease.owner).toMatchObject({ startBy: expect.any(String) as string });
    await leaseCount(host, 0);
    expect(await host.pfs()).toEqual(before);
  });

  it('finds the QEMU that opens the VF, and waits for its end', async () => {
    const host = await hostForTest();
    const { lease } = await attach(host, '--start-within', '86400');
    const kernel = await host.kernel();
    kernel.holdVf(lease.key.pf, lease.key.vf, { kind: 'vm', name: 'vm1' });
    await logged(host, 'waiting for the end of process');
    expect(await host.run('detach', 'vm1')).toMatchObject({
      status: 4,
      stdout: expect.stringContaining('in use by VM vm1') as string,
    });
    kernel.releaseVf(lease.key.pf, lease.key.vf);
    await leaseCount(host, 0);
  });

  it('leaves a lease for recover when its holder is killed, and recover ends no other', async () => {
    const host = await hostForTest();
    const before = await host.pfs();
    const ending = sleeper();
    const first = await attach(host, '--pid', String(ending.pid));
    const second = await attach(host, '--pid', String(sleeper().pid));
    for (const { holder = 0 } of [first, second]) if (holder > 1) process.kill(holder, 'SIGKILL');
    await expect.poll(() => isRunning(first.holder), { timeout: patientMs }).toBe(false);
    expect(await recovered(host)).toEqual([]);
    expect((await host.leases()).length).toBe(2);
    ending.kill();
    await expect.poll(() => isRunning(ending.pid), { timeout: patientMs }).toBe(false);
    expect(await recovered(host)).toMatchObject([{ key: first.lease.key, result: 'free' }]);
    expect((await host.leases()).map(({ generation }) => generation)).toEqual([second.lease.generation]);
    expect((await host.run('detach', 'vm1')).status).toBe(0);
    expect(await host.pfs()).toEqual(before);
  });

  it('gives the VF back later when another vfleet changes the host just then', async () => {
    const host = await hostForTest();
    const qemu = sleeper();
    await attach(host, '--pid', String(qemu.pid));
    await logged(host, 'waiting for the end of process');
    const lock = await lockHost(host.stateFolder, { command: 'apply', waitMs: 0 });
    qemu.kill();
    await logged(host, 'not given back yet: this host is being changed by vfleet apply');
    lock.release();
    await logged(host, 'given back, clean');
    expect(await host.leases()).toEqual([]);
  });

  it('leaves leases to the agent: holders end, and attach starts none', async () => {
    const host = await hostForTest();
    const qemu = sleeper();
    const first = await attach(host, '--pid', String(qemu.pid));
    const agent = host.start('agent');
    ends.push(() => void agent.kill('SIGKILL'));
    await logged(host, 'the agent looks after the lease now');
    await expect.poll(() => isRunning(first.holder), { timeout: patientMs }).toBe(false);
    const second = await attach(host, '--pid', String(qemu.pid));
    expect(second.holder).toBeUndefined();
    expect((await host.leases()).length).toBe(2);
    qemu.kill();
    await leaseCount(host, 0);
  });

  it('holds the VF itself in the foreground, and gives it back when it is stopped', async () => {
    const host = await hostForTest();
    const args = ['attach', '--qemu', '--name', 'vm1', '--network', 'front', '--foreground'];
    const child = spawn(process.execPath, [program, ...args, '--pid', String(sleeper().pid), ...host.on], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    ends.push(() => void child.kill('SIGKILL'));
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const ended = new Promise((done) => child.once('close', done));
    await expect.poll(() => stderr, { timeout: patientMs }).toContain('waiting for the end of process');
    expect(await host.leases()).toHaveLength(1);
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(stdout).toMatch(/^-device vfio-pci,host=\S+,id=vfleet-\S+\n$/);
    expect(stderr).toContain('given back, clean');
    expect(await host.leases()).toEqual([]);
  });

  it.each([
    ['a process that is not there', ['--pid', '4194304'], /no process 4194304 runs/],
    ['two ends', ['--pid', '1', '--start-within', '9'], /--pid.* cannot be used with .*--start-within/],
    ['a bus that is none', ['--bus', 'rp1,host=0000:02:00.0'], /no name of a bus/],
    ['a network that is not there', ['--network', 'nowhere'], /nowhere/],
    ['a name that is none', ['--name', ' '], /" " is no name of a VM/],
    ['a name in two lines', ['--name', 'vm1\nvm2'], /"vm1\\u\{a\}vm2" is no name of a VM/],
    ['a name that a terminal would obey', ['--name', '\u001b[2Jvm1'], /no name of a VM/],
  ])('says in a line what is wrong, and changes nothing: %s', async (_, args, words) => {
    const host = await hostForTest();
    const before = await host.pfs();
    const result = await host.run('attach', '--qemu', '--name', 'vm1', '--network', 'storage', ...args);
    expect(result).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(words) as string });
    expect(await host.leases()).toEqual([]);
    expect(await host.pfs()).toEqual(before);
  });

  it('takes any name for a VM that can be shown', async () => {
    const host = await hostForTest();
    const name = '../../x "><hostdev $(reboot),id=y';
    const args = ['attach', '--qemu', '--name', name, '--network', 'storage'];
    const { status, stdout, stderr } = await host.run(...args, '--pid', String(sleeper().pid));
    expect(status).toBe(0);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stdout).toMatch(/^-device vfio-pci,host=[0-9a-f:.]+,id=vfleet-[0-9a-f-]+\n$/);
    const [lease] = await host.leases();
    expect(lease?.owner.name).toBe(name);
    expect((await host.run('detach', name)).status).toBe(0);
    expect(await host.leases()).toEqual([]);
  });
});
