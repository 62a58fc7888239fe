// VFs in use, in every way that the lab has: who uses them is shown, and nothing takes them away without being told to.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applySpec, showPf, vfleet, vfleetOk, writeSpec } from './command.ts';
import {
  devicePath,
  interfaceOf,
  listVfs,
  makeFolder,
  pf0,
  pictureOf,
  resetLab,
  run,
  vfOf,
} from './lab-host.ts';

const bridge = 'labbr';
const netns = 'tenant';

function entries(count: number, firstDriver = 'vfio-pci'): string {
  return `  - match: { address: '${pf0}' }
    up: true
    vfs: { count: ${count}, default: { driver: kernel }, 0: { driver: ${firstDriver} } }
`;
}

/** A process that has the VF's vfio group open, as a hypervisor has. */
function openVfioGroup(vf: string): ChildProcess {
  const group = basename(readlinkSync(`${devicePath(vf)}/iommu_group`));
  const fd = openSync(`/dev/vfio/${group}`, 'r+');
  const child = spawn('sleep', ['600'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
  closeSync(fd);
  return child;
}

describe('VFs in use', () => {
  const state = makeFolder();
  let user: ChildProcess;
  let bridged = '';
  let addressed = '';

  beforeAll(async () => {
    await resetLab();
    await run('modprobe', ['vfio-pci']);
    await applySpec(state, entries(5));
    user = openVfioGroup(vfOf(pf0, 0));
    await run('ip', ['netns', 'add', netns]);
    await run('ip', ['link', 'set', 'dev', interfaceOf(vfOf(pf0, 1)), 'netns', netns]);
    bridged = interfaceOf(vfOf(pf0, 2));
    await run('ip', ['link', 'add', 'dev', bridge, 'type', 'bridge']);
    await run('ip', ['link', 'set', 'dev', bridged, 'master', bridge]);
    addressed = interfaceOf(vfOf(pf0, 3));
    await run('ip', ['addr', 'add', '192.0.2.3/24', 'dev', addressed]);
  });

  afterAll(async () => {
    user.kill('SIGKILL');
    await run('ip', ['link', 'del', 'dev', bridge]);
    await resetLab();
  });

  it('are shown with their users', async () => {
    const { vfs } = await showPf(state, pf0);
    expect(vfs.map(({ holders }) => holders)).toEqual([
      [{ kind: 'vfio', name: 'sleep', pid: user.pid }],
      [expect.objectContaining({ kind: 'netns', name: netns })],
      [{ kind: 'netdev', name: bridged, why: `part of ${bridge}` }],
      [{ kind: 'netdev', name: addressed, why: 'has address 192.0.2.3' }],
      [],
    ]);
  });

  it('are not removed for another count: every one of them is named', async () => {
    const before = await pictureOf();
    const { status, stderr } = await vfleet(state, ['apply', writeSpec(state, entries(6)), '--yes']);
    expect(status).toBe(3);
    for (const use of [
      `VF 0 (${vfOf(pf0, 0)}) of ${pf0} is used by process sleep (pid ${user.pid})`,
      `VF 1 (${vfOf(pf0, 1)}) of ${pf0} is used by network namespace ${netns}`,
      `VF 2 (${vfOf(pf0, 2)}) of ${pf0} is used by interface ${bridged} (part of ${bridge})`,
      `VF 3 (${vfOf(pf0, 3)}) of ${pf0} is used by interface ${addressed} (has address 192.0.2.3)`,
    ])
      expect(stderr).toContain(use);
    expect(stderr).not.toContain('VF 4');
    expect(await pictureOf()).toEqual(before);
  });

  it('do not lose their drivers', async () => {
    const { status, stderr } = await vfleet(state, ['apply', writeSpec(state, entries(5, 'igbvf')), '--yes']);
    expect(status).toBe(3);
    expect(stderr).toContain(`is used by process sleep (pid ${user.pid})`);
  });

  it('are not cut off by a revert', async () => {
    const { status, stderr } = await vfleet(state, ['revert', '--yes']);
    expect(status).toBe(3);
    expect(stderr).toContain('process sleep');
    expect(listVfs(pf0)).toHaveLength(5);
  });

  it('can be changed once they are let go, and with --allow-disruption before', async () => {
    const ended = once(user, 'close');
    user.kill('SIGKILL');
    await ended;
    const { status, stderr } = await vfleet(state, ['apply', writeSpec(state, entries(6)), '--yes']);
    expect(status).toBe(3);
    expect(stderr).not.toContain('VF 0 ');
    await applySpec(state, entries(6), '--allow-disruption');
    expect(listVfs(pf0)).toHaveLength(6);
    await vfleetOk(state, ['revert', '--yes']);
    expect(listVfs(pf0)).toHaveLength(5);
  });
});
