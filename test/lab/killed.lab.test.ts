// vfleet killed in the middle of changing real drivers: whatever the moment, the host is put back.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applySpec, startVfleet, vfleet, vfleetOk, writeSpec } from './command.ts';
import {
  interfaceOf,
  listVfs,
  makeFolder,
  pf0,
  pictureOf,
  readIpLink,
  resetLab,
  run,
  until,
} from './lab-host.ts';

const before = `  - match: { address: '${pf0}' }
    up: true
    vfs:
      count: 2
      default: { driver: kernel, spoofCheck: true }
      0: { mac: '52:54:00:aa:00:01', vlan: 100, qos: 3, maxTxRateMbps: 400 }
      1: { mac: '52:54:00:aa:00:02', driver: vfio-pci, trust: true }
`;

/** Seven steps: remove, MTU, probe off, create, settings, probe on, drivers. */
const after = `  - match: { address: '${pf0}' }
    mtu: 1600
    vfs:
      count: 4
      default: { driver: kernel, spoofCheck: false }
      0: { mac: '52:54:00:aa:00:11', vlan: 200, driver: vfio-pci }
      3: { mac: '52:54:00:aa:00:12' }
`;

/** How the newest journal ends. */
function journalEnd(state: string): unknown {
  const folder = join(state, 'local', 'journal');
  const newest = readdirSync(folder).sort().at(-1) ?? '';
  const lines = readFileSync(join(folder, newest), 'utf8').trim().split('\n');
  return JSON.parse(lines.at(-1) ?? '');
}

describe('an apply that is killed', () => {
  const state = makeFolder();
  let start: unknown;

  beforeAll(async () => {
    await resetLab();
    await run('modprobe', ['vfio-pci']);
    await applySpec(state, before);
    start = await pictureOf();
  });

  afterAll(resetLab);

  /** Starts the apply, and kills it once `moment` has come. */
  async function applyAndKill(
    moment: (said: (pattern: RegExp) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const { child, said, ended } = startVfleet(state, ['apply', writeSpec(state, after), '--yes']);
    await moment(said);
    child.kill('SIGKILL');
    expect(await ended).toMatchObject({ status: -1 });
    expect(journalEnd(state)).not.toMatchObject({ record: 'committed' });
  }

  it.each([1, 5, 7])('at step %i of 7 is put back by recover', async (step) => {
    await applyAndKill(async (said) => said(new RegExp(`^\\[${step}/7\\]`, 'm')));
    expect(await vfleetOk(state, ['recover'])).toBe('the last apply had been cut off; it was put back');
    expect(journalEnd(state)).toMatchObject({ record: 'undone' });
    expect(await pictureOf()).toEqual(start);
  });

  it('while VFs come into being is put back by recover', async () => {
    await applyAndKill(async (said) => {
      await said(/^\[4\/7\] .*create 4 VFs/m);
      await until('a VF is there', () => listVfs(pf0).length > 0);
    });
    await vfleetOk(state, ['recover']);
    expect(await pictureOf()).toEqual(start);
    expect(await vfleetOk(state, ['recover'])).toBe('nothing to recover: the last apply ended properly');
  });

  it('is put back by the next apply, which then does its own work', async () => {
    await applyAndKill(async (said) => said(/^\[6\/7\]/m));
    const { status, stderr } = await vfleet(state, ['apply', writeSpec(state, after), '--yes']);
    expect(stderr).toContain('the last apply had been cut off; it was put back');
    expect(status).toBe(0);
    const { mtu, vfinfo_list: vfs = [] } = await readIpLink(interfaceOf(pf0));
    expect(mtu).toBe(1600);
    expect(vfs).toHaveLength(4);
    expect(vfs[0]).toMatchObject({ address: '52:54:00:aa:00:11', spoofchk: false });
    await vfleetOk(state, ['revert', '--yes']);
    expect(await pictureOf()).toEqual(start);
  });

  it('is put back by the process itself when it is only asked to stop', async () => {
    const { child, said, ended } = startVfleet(state, ['apply', writeSpec(state, after), '--yes']);
    await said(/^\[3\/7\]/m);
    child.kill('SIGTERM');
    const { status, stderr } = await ended;
    expect(stderr).toContain('a signal asked to stop. Everything was put back.');
    expect(status).toBe(5);
    expect(journalEnd(state)).toMatchObject({ record: 'undone' });
    expect(await pictureOf()).toEqual(start);
  });
});
