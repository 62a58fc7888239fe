// On the simulated host with real leases in a folder, and with real processes of this machine as owners.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readProcessInstance } from '../kernel/proc/process-identity.ts';
import { KernelSession } from '../kernel/session.ts';
import { openFileLeases } from '../lease/file-leases.ts';
import type { LeaseStore } from '../lease/lease-store.ts';
import type { Lease } from '../model/lease.ts';
import { createSimKernel } from '../sim/sim-kernel.ts';
import type { SimKernel } from '../sim/sim-kernel.ts';
import { waitForQemuOwner } from './qemu-hold.ts';
import type { QemuOwner } from './qemu-owner.ts';

const pf = '0000:01:00.0';
type QemuLease = Lease & { owner: QemuOwner };

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

interface Holding {
  readonly kernel: SimKernel;
  readonly session: KernelSession;
  readonly leases: LeaseStore;
  readonly said: string[];
  readonly report: (text: string) => void;
}

async function holding(): Promise<Holding> {
  const folder = mkdtempSync(join(tmpdir(), 'vfleet-hold-'));
  // The host's time is ours here: a time to start by would be over too soon otherwise.
  const kernel = createSimKernel({ profile: 'igb', speed: 1 });
  await kernel.files.write(`/sys/bus/pci/devices/${pf}/sriov_numvfs`, '2', 60_000);
  const session = new KernelSession(kernel);
  ends.push(() => {
    session.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const said: string[] = [];
  return { kernel, session, leases: openFileLeases(folder), said, report: (text) => void said.push(text) };
}

async function leased(
  { kernel, leases }: Holding,
  owner: Omit<QemuOwner, 'kind' | 'name'>,
): Promise<QemuLease> {
  const vf = kernel.state.pfs.find(({ address }) => address === pf)?.vfs[0];
  const lease: QemuLease = {
    apiVersion: 'vfleet/v1',
    kind: 'Lease',
    key: { pf, vf: 0 },
    address: vf?.address ?? '',
    generation: randomBytes(16).toString('hex'),
    owner: { kind: 'qemu', name: 'vm1', ...owner },
    network: 'storage',
    settings: {},
    giveBack: { settings: {} },
    acceptedRisks: [],
    createdAt: '2026-01-01T00:00:00Z',
  };
  expect(await leases.create(lease)).toBe(true);
  return lease;
}

function sleeper(host: Holding): { child: ChildProcess; owner: Pick<Required<QemuOwner>, 'process'> } {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  ends.push(() => void child.kill('SIGKILL'));
  const process = readProcessInstance(host.session.files, child.pid ?? 0);
  if (process === undefined) throw new Error('sleep does not run');
  return { child, owner: { process } };
}

async function said(host: Holding, lines: number): Promise<void> {
  await expect.poll(() => host.said.length).toBe(lines);
}

const fromNow = (durationMs: number): string => new Date(Date.now() + durationMs).toISOString();

describe('the holder of a lease', () => {
  it('waits for the end of the process that is named', async () => {
    const host = await holding();
    const { child, owner } = sleeper(host);
    const waiting = waitForQemuOwner(host, await leased(host, owner));
    child.kill();
    expect(await waiting).toBe('owner-gone');
  });

  it('gives a VF up that nobody has opened in time', async () => {
    const host = await holding();
    expect(await waitForQemuOwner(host, await leased(host, { startBy: fromNow(300) }))).toBe('owner-gone');
  });

  it('finds the process that opens the VF, and waits for its end', async () => {
    const host = await holding();
    const waiting = waitForQemuOwner(host, await leased(host, { startBy: fromNow(600_000) }));
    host.kernel.holdVf(pf, 0, { kind: 'vm', name: 'vm1' });
    const qemu = host.kernel.state.processes.find(({ commandLine }) => commandLine.includes('-device'));
    await said(host, 1);
    expect(host.said).toEqual([`waiting for the end of process ${qemu?.pid}`]);
    host.kernel.releaseVf(pf, 0);
    expect(await waiting).toBe('owner-gone');
  });

  it('does not give up a VF that another process has, when the one that is named has gone', async () => {
    const host = await holding();
    const { child, owner } = sleeper(host);
    const waiting = waitForQemuOwner(host, await leased(host, owner));
    await said(host, 1);
    host.kernel.holdVf(pf, 0, { kind: 'vm', name: 'daemon' });
    child.kill();
    await said(host, 2);
    host.kernel.releaseVf(pf, 0);
    expect(await waiting).toBe('owner-gone');
  });

  it('has nothing to do when the lease has gone, or is a newer one', async () => {
    const host = await holding();
    const { owner } = sleeper(host);
    const lease = await leased(host, owner);
    const waiting = waitForQemuOwner(host, lease);
    await host.leases.deleteIfGeneration(lease.key, lease.generation);
    await leased(host, owner);
    expect(await waiting).toBe('lease-gone');
    expect(await waitForQemuOwner(host, lease)).toBe('lease-gone');
  });

  it('ends when it is asked to, or when somebody else has begun to wait', async () => {
    const host = await holding();
    const { owner } = sleeper(host);
    const lease = await leased(host, owner);
    const stop = new AbortController();
    const waiting = waitForQemuOwner(host, lease, { signal: stop.signal });
    await said(host, 1);
    stop.abort();
    expect(await waiting).toBe('aborted');
    let isAgentThere = false;
    const handedOver = waitForQemuOwner(host, lease, { isTakenOver: async () => isAgentThere });
    isAgentThere = true;
    expect(await handedOver).toBe('taken-over');
    expect((await host.leases.read(lease.key))?.generation).toBe(lease.generation);
  });
});
