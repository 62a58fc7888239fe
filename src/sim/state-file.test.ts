import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { PfAddress } from '../base/identifiers.ts';
import { readText } from '../kernel/file-text.ts';
import { listVirtfns, numVfsPath, readSriov } from '../kernel/sysfs/sriov.ts';
import { openSimKernel } from './open-sim-kernel.ts';
import { createSimKernel } from './sim-kernel.ts';
import type { SimState } from './state.ts';

const pf = '0000:01:00.0' as PfAddress;
const timeoutMs = 60_000;
let folder: string;
let stateFile: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vfleet-'));
  stateFile = join(folder, 'kernel.json');
});

describe('a state file', () => {
  it('carries a host from one process to the next', async () => {
    const first = await openSimKernel('igb', { stateFile });
    await first.files.write(numVfsPath(pf), '3', timeoutMs);
    first.holdVf(pf, 1, { kind: 'vm', name: 'web-1' });
    const second = await openSimKernel('igb', { stateFile });
    expect(second.state).toEqual(first.state);
    expect(listVirtfns(second.files, pf).size).toBe(3);
    expect(readText(second.files, '/proc/sys/kernel/random/boot_id')).toBe(first.state.bootId);
    expect(readdirSync(folder)).toEqual(['kernel.json', 'kernel.json.lock']);
  });

  it('shows at once what another process changed', async () => {
    const first = await openSimKernel('igb', { stateFile });
    const second = await openSimKernel('igb', { stateFile });
    await first.files.write(numVfsPath(pf), '2', timeoutMs);
    expect(readSriov(second.files, pf)?.numVfs).toBe(2);
    await second.files.write(numVfsPath(pf), '0', timeoutMs);
    expect(readSriov(first.files, pf)?.numVfs).toBe(0);
  });

  it('lets the kernel end what a killed process began', async () => {
    const gone = spawnSync('true').pid;
    const first = await openSimKernel('igb', { stateFile });
    first.change((state) => {
      const [found] = state.pfs;
      if (found !== undefined) found.creating = { target: 4, pid: gone };
    });
    const second = await openSimKernel('igb', { stateFile });
    expect(readSriov(second.files, pf)?.numVfs).toBe(4);
  });

  it('counts faults over processes', async () => {
    const faultsFile = join(folder, 'faults.json');
    writeFileSync(faultsFile, '[{ "operation": "write", "path": "numvfs", "errno": "EBUSY", "times": 1 }]');
    const first = await openSimKernel('igb', { stateFile, faultsFile });
    expect(await first.files.write(numVfsPath(pf), '1', timeoutMs)).toEqual({ errno: 'EBUSY' });
    const second = await openSimKernel('igb', { stateFile, faultsFile });
    expect(await second.files.write(numVfsPath(pf), '1', timeoutMs)).toBeUndefined();
  });

  it.each([
    ['no JSON', '{', 'cannot be used'],
    ['another version', '{"stateVersion":0,"pfs":[]}', 'no state of this version'],
    ['another profile', '{"stateVersion":1,"profile":"ice","pfs":[]}', 'belongs to the profile ice'],
  ])('is refused with %s', async (_, text, message) => {
    writeFileSync(stateFile, text);
    await expect(openSimKernel('igb', { stateFile })).rejects.toMatchObject({
      code: 'host.invalid',
      message: expect.stringContaining(message) as string,
    });
  });

  it('is refused for a profile that there is not', async () => {
    await expect(openSimKernel('toString', { stateFile })).rejects.toMatchObject({ code: 'host.invalid' });
  });
});

describe('a state in memory', () => {
  it('is told of after every change, and plain', async () => {
    const told: SimState[] = [];
    const kernel = createSimKernel({ profile: 'igb', onChange: (state) => told.push(state) });
    await kernel.files.write(numVfsPath(pf), '1', timeoutMs);
    expect(told.length).toBeGreaterThan(0);
    expect(JSON.parse(JSON.stringify(kernel.state))).toEqual(JSON.parse(JSON.stringify(told.at(-1))));
    const copy = createSimKernel({ profile: 'igb', state: structuredClone(kernel.state) });
    expect(listVirtfns(copy.files, pf)).toEqual(listVirtfns(kernel.files, pf));
  });

  it('is as after boot when the machine boots', async () => {
    const kernel = createSimKernel({ profile: 'igb' });
    const { bootId, machineId } = kernel.state;
    await kernel.files.write(numVfsPath(pf), '2', timeoutMs);
    kernel.reboot();
    expect(readSriov(kernel.files, pf)?.numVfs).toBe(0);
    expect(kernel.state.machineId).toBe(machineId);
    expect(kernel.state.bootId).not.toBe(bootId);
    expect(kernel.state.bootId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()).toHaveLength(
      kernel.state.bootId.length,
    );
  });
});
