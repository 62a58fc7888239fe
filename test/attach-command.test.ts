import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSimHypervisor } from '../src/hypervisor/simulated/sim-hypervisor.ts';
import { openSimKernel } from '../src/sim/open-sim-kernel.ts';
import { addBridges } from './assigning.fixture.ts';
import { withoutWaiting } from './stderr.fixture.ts';

// Whole commands on a simulated host with a simulated hypervisor: web-1 and web-2 run, db-1 does not. The program as it is
// built: scripts/test.mjs builds dist/ before the tests.
const program = 'dist/cli/main.js';
const folders: string[] = [];

interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function vfleet(args: readonly string[], environment: Record<string, string> = {}): Promise<Result> {
  return new Promise((resolve) => {
    const {
      NO_COLOR: _,
      VFLEET_HOST: __,
      VFLEET_STATE: ___,
      VFLEET_LIBVIRT: ____,
      ...inherited
    } = process.env;
    execFile(
      process.execPath,
      [program, ...args],
      { env: { ...inherited, ...environment }, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ status, stdout, stderr: withoutWaiting(stderr) });
      },
    );
  });
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vfleet-attach-'));
  folders.push(folder);
  return folder;
}

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

interface SimHost {
  readonly state: string;
  readonly on: readonly string[];
}

/** A simulated host on which the spec was applied; `text` absent: the example. */
async function hostWith(text?: string): Promise<SimHost> {
  const state = newFolder();
  const on = ['--host', 'sim:igb', '--state', state];
  const spec = join(state, 'spec.yaml');
  writeFileSync(spec, text ?? readFileSync('examples/networks.yaml', 'utf8'));
  const applied = await vfleet(['apply', spec, '--yes', ...on]);
  expect(applied).toMatchObject({ status: 0 });
  return { state, on };
}

async function jsonOf(args: readonly string[]): Promise<Record<string, unknown>> {
  const { status, stdout, stderr } = await vfleet([...args, '--json']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as Record<string, unknown>;
}

const small = `apiVersion: vfleet/v1
kind: Host
networks: [{ name: storage, vlan: 200 }, { name: front }]
pfs:
  - match: { address: '0000:01:00.0' }
    networks: [storage]
    up: true
    vfs: { count: 1, default: { driver: vfio-pci } }
`;

describe('attach and detach', () => {
  it('give a VF to a VM and take it back clean, as every screen shows', async () => {
    const { on } = await hostWith();
    const before = await jsonOf(['show', ...on]);
    const attached = await vfleet(['attach', 'web-1', '--network', 'storage', ...on]);
    expect(attached).toMatchObject({ status: 0, stderr: '' });
    expect(attached.stdout).toMatch(
      /^web-1 has VF \d of 0000:0\d:00\.0 \(0000:0\d:1\d\.\d\) on network storage\.\n/,
    );
    expect(attached.stdout).toContain('VLAN 200, spoof check on, trust off');
    const { leases } = await jsonOf(['leases', ...on]);
    expect(leases).toEqual([
      expect.objectContaining({
        network: 'storage',
        owner: expect.objectContaining({ name: 'web-1', hold: 'live' }),
      }),
    ]);
    const listed = await vfleet(['leases', ...on]);
    expect(listed.stdout).toMatch(/web-1 +storage +\S+ +live/);
    const vms = await vfleet(['vms', ...on]);
    expect(vms.stdout).toMatch(/web-1 +running +VF +\S+ +storage +0000:0\d:00\.0 VF \d/);
    expect(vms.stdout).toMatch(/db-1 +stopped/);
    const shown = await vfleet(['show', ...on]);
    expect(shown.stdout).toMatch(/VM web-1 \(\d+\) on storage/);

    const detached = await vfleet(['detach', 'web-1', '--network', 'storage', ...on]);
    expect(detached).toMatchObject({ status: 0 });
    expect(detached.stdout).toMatch(/^web-1 has given back VF \d of \S+ \(storage\): clean and free\.\n$/);
    expect((await vfleet(['leases', ...on])).stdout).toBe('No VF is leased.\n');
    const after = await jsonOf(['show', ...on]);
    expect(after['pfs']).toEqual(before['pfs']);
  });

  it('hold a VF for a stopped VM only when its stored definition shall name it', async () => {
    const { on } = await hostWith();
    const refused = await vfleet(['attach', 'db-1', '--network', 'frontend', ...on]);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('"db-1" is not running');
    expect(refused.stderr).toContain('--persistent');
    const attached = await vfleet(['attach', 'db-1', '--network', 'frontend', '--persistent', ...on]);
    expect(attached).toMatchObject({ status: 0 });
    expect((await vfleet(['vms', ...on])).stdout).toMatch(/db-1 +stopped +VF +\S+ +frontend .*stored/);
    expect((await vfleet(['detach', 'db-1', ...on])).status).toBe(0);
    expect((await jsonOf(['leases', ...on]))['leases']).toEqual([]);
  });

  it('make a failover pair with one address', async () => {
    const { state, on } = await hostWith();
    const args = ['attach', 'web-1', '--network', 'frontend', '--failover', 'bridge=br0', '--persistent'];
    const refused = await vfleet([...args, ...on]);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('there is no interface br0 on this host');
    expect((await jsonOf(['leases', ...on]))['leases']).toEqual([]);
    const kernel = await openSimKernel('igb', { stateFile: join(state, 'sim-igb', 'kernel.json') });
    kernel.change(addBridges);
    expect(await vfleet([...args, ...on])).toMatchObject({ status: 0 });
    const { vms } = await jsonOf(['vms', ...on]);
    const web = (vms as { name: string; nics: { mac: string; teaming?: { role: string } }[] }[]).find(
      ({ name }) => name === 'web-1',
    );
    expect(new Set(web?.nics.map(({ mac }) => mac)).size).toBe(1);
    expect(web?.nics.map(({ teaming }) => teaming?.role).toSorted()).toEqual(['persistent', 'transient']);
    expect((await vfleet(['detach', 'web-1', ...on])).status).toBe(0);
  });

  it('explain every VF and change nothing', async () => {
    const { on } = await hostWith();
    const { stdout, status } = await vfleet(['attach', 'web-1', '--network', 'frontend', '--explain', ...on]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ +1 +VF 1 of 0000:01:00\.0 +-?\d+ points; /);
    expect(stdout).toMatch(/\n2-6 +VF 2-6 of 0000:01:00\.0 /);
    expect(stdout).toMatch(/- +VF 0 of 0000:01:00\.0 +the spec names this VF itself/);
    const { candidates } = await jsonOf(['attach', 'web-1', '--network', 'frontend', '--explain', ...on]);
    expect(candidates).toHaveLength(7);
    expect((await jsonOf(['leases', ...on]))['leases']).toEqual([]);
  });

  it('take another spec for one attach', async () => {
    const { on, state } = await hostWith(small);
    const other = join(state, 'other.yaml');
    const own = small.replaceAll('storage', 'backup').replace('vfio-pci', 'vfio-pci, mac: auto');
    writeFileSync(other, own);
    const { stdout } = await vfleet(['attach', 'web-1', '--network', 'backup', '--spec', other, ...on]);
    expect(stdout).toContain('on network backup');
  });
});

describe('what was left behind', () => {
  it('is given back by recover: the VF of a VM that stopped behind its back', async () => {
    const { on, state } = await hostWith();
    expect((await vfleet(['attach', 'web-1', '--network', 'storage', ...on])).status).toBe(0);
    expect((await vfleet(['attach', 'web-2', '--network', 'storage', ...on])).status).toBe(0);
    const folder = join(state, 'sim-igb');
    const kernel = await openSimKernel('igb', { stateFile: join(folder, 'kernel.json') });
    await openSimHypervisor({ stateFile: join(folder, 'vms.json'), host: kernel }).stop('web-1');
    const recovered = await vfleet(['recover', ...on]);
    expect(recovered).toMatchObject({ status: 0 });
    expect(recovered.stdout).toMatch(/web-1 has given back VF 1 of \S+ \(storage\): clean and free\.\n$/);
    const { leases } = await jsonOf(['leases', ...on]);
    expect(leases).toEqual([expect.objectContaining({ owner: expect.objectContaining({ name: 'web-2' }) })]);
    expect(await jsonOf(['recover', ...on])).toEqual({ recovery: 'nothing', releases: [], corrupt: [] });
  });

  it('is in quarantine when it cannot be reset, until that is mended and recover is run', async () => {
    const { on, state } = await hostWith(small);
    const faults = join(state, 'faults.json');
    writeFileSync(faults, '[{ "operation": "write", "path": "*/reset", "errno": "EIO" }]');
    const broken = ['--host', `sim:igb:${faults}`, '--state', state];
    expect((await vfleet(['attach', 'web-1', '--network', 'storage', ...on])).status).toBe(0);
    const detached = await vfleet(['detach', 'web-1', ...broken]);
    expect(detached).toMatchObject({ status: 6 });
    expect(detached.stdout).toMatch(/^VF 0 of \S+ \(storage\), taken from web-1, is in quarantine: .*EIO/);
    expect((await vfleet(['leases', ...on])).stdout).toMatch(/VF 0 of \S+ is in quarantine since .*EIO/);
    expect((await vfleet(['show', ...on])).stdout).toContain('in quarantine, leased to web-1 (storage)');
    const other = await vfleet(['attach', 'web-2', '--network', 'storage', ...on]);
    expect(other).toMatchObject({ status: 3 });
    expect(other.stderr).toContain('1 quarantined');
    expect((await vfleet(['recover', ...broken])).status).toBe(6);
    expect((await vfleet(['recover', ...on])).status).toBe(0);
    expect(await jsonOf(['leases', ...on])).toMatchObject({ leases: [], quarantined: [], corrupt: [] });
  });
});

describe('the README', () => {
  it('shows of attach, vms and detach what they print', async () => {
    const on = ['--host', 'sim:igb', '--state', newFolder()];
    const pictures = readFileSync('README.md', 'utf8').split('```');
    const picture = pictures.find((each) => each.includes('$ vfleet attach')) ?? '';
    const parts = picture.split('$ vfleet ').slice(1);
    expect(parts.length).toBeGreaterThanOrEqual(4);
    for (const part of parts) {
      const [line = '', ...shown] = part.trimEnd().split('\n');
      const { status, stdout } = await vfleet([...line.split(' '), ...on]);
      expect({ line, status }).toEqual({ line, status: 0 });
      // What is left out in the middle is marked.
      for (const piece of shown.join('\n').split('…\n')) expect(stdout).toContain(piece);
    }
  });
});

describe('what cannot be done is one clear line, and nothing is changed', () => {
  let host: SimHost;
  beforeAll(async () => {
    host = await hostWith(small);
  });

  it.each([
    [
      'an unknown VM',
      ['attach', 'wbe-1', '--network', 'storage'],
      1,
      /no VM "wbe-1".*\n.*did you mean web-1\?/,
    ],
    ['a network that is not there', ['attach', 'web-1', '--network', 'backup'], 1, /backup.*\n?.*storage/],
    [
      'a network by nearly its name',
      ['attach', 'web-1', '--network', 'storag'],
      1,
      /no network storag\n.*did you mean storage\?/,
    ],
    ['an unknown VM that is to give back', ['detach', 'nope'], 1, /no VM nope.*\n.*no VF is leased/],
    ['a VM by nearly its name', ['detach', 'wbe-1'], 1, /no VM wbe-1.*\n.*did you mean web-1\?/],
    ['no VM', ['attach', '--network', 'storage'], 1, /no VM is named/],
    ['no network', ['attach', 'web-1'], 1, /--network/],
    ['a MAC that is none', ['attach', 'web-1', '--network', 'storage', '--mac', 'x'], 1, /not a MAC address/],
    [
      'a MAC of a group',
      ['attach', 'web-1', '--network', 'storage', '--mac', '01:00:5e:00:00:01'],
      1,
      /multicast/,
    ],
    ['an unknown risk', ['attach', 'web-1', '--network', 'storage', '--accept-risk', 'all'], 1, /no-iommu/],
    [
      'a standby on nothing',
      ['attach', 'web-1', '--network', 'storage', '--failover', 'br0'],
      1,
      /bridge=NAME or ovs=NAME/,
    ],
    [
      'a bridge with a path for a name',
      ['attach', 'web-1', '--network', 'storage', '--failover', 'bridge=../x'],
      1,
      /1 to 15 bytes/,
    ],
    [
      'a bridge that is the folder itself',
      ['attach', 'web-1', '--network', 'storage', '--failover', 'ovs=..'],
      1,
      /1 to 15 bytes/,
    ],
    [
      'both holds',
      ['attach', 'web-1', '--network', 'storage', '--live', '--persistent'],
      1,
      /--live.*--persistent/,
    ],
    ['nothing to give back', ['detach', 'web-1'], 1, /web-1/],
    ['a network that no port has left', ['attach', 'web-1', '--network', 'front'], 3, /front/],
  ])('%s', async (_, args, status, message) => {
    const { on, state } = host;
    const kernel = readFileSync(join(state, 'sim-igb', 'kernel.json'), 'utf8');
    const files = readdirSync(state, { recursive: true, encoding: 'utf8' });
    const before = files.filter((path) => path.endsWith('.json')).toSorted();
    const result = await vfleet([...args, ...on]);
    expect(result.stderr).toMatch(message);
    expect(result).toMatchObject({ status, stdout: '' });
    expect(result.stderr.trim().split('\n').length).toBeLessThanOrEqual(3);
    expect(readFileSync(join(state, 'sim-igb', 'kernel.json'), 'utf8')).toBe(kernel);
    const left = readdirSync(state, { recursive: true, encoding: 'utf8' });
    expect(left.filter((path) => path.endsWith('.json')).toSorted()).toEqual(before);
  });

  it('no VF left: says how many there are for which reason', async () => {
    const { on } = await hostWith(small);
    expect((await vfleet(['attach', 'web-1', '--network', 'storage', ...on])).status).toBe(0);
    const second = await vfleet(['attach', 'web-2', '--network', 'storage', ...on]);
    expect(second).toMatchObject({ status: 3, stdout: '' });
    expect(second.stderr).toMatch(/1 leased/);
    expect(second.stderr).toContain('--explain');
  });

  it('a MAC that somebody has: says who', async () => {
    const { on } = await hostWith();
    const args = ['attach', 'web-1', '--network', 'storage', '--mac', '52:54:00:12:34:56'];
    expect((await vfleet([...args, ...on])).status).toBe(0);
    const second = await vfleet(['attach', 'web-2', ...args.slice(2), ...on]);
    expect(second).toMatchObject({ status: 1, stdout: '' });
    expect(second.stderr).toMatch(/52:54:00:12:34:56.*web-1/);
  });

  it('no spec was applied', async () => {
    const on = ['--host', 'sim:igb', '--state', newFolder()];
    const { status, stderr } = await vfleet(['attach', 'web-1', '--network', 'storage', ...on]);
    expect(status).toBe(1);
    expect(stderr).toContain('no spec was applied on this host');
    expect(stderr).toContain('--spec FILE');
  });

  it('a saved host has no VMs', async () => {
    const state = newFolder();
    const saved = join(state, 'saved.json');
    await vfleet(['snapshot', '-o', saved, '--host', 'sim:igb', '--state', state]);
    for (const args of [['vms'], ['leases'], ['attach', 'web-1', '--network', 'storage']]) {
      const { status, stderr } = await vfleet([...args, '--host', `snapshot:${saved}`, '--state', state]);
      expect({ status, line: stderr.split('\n')[0] }).toMatchObject({ status: 3 });
    }
  });

  it('libvirt that does not answer is named with its socket', async () => {
    const socket = join(newFolder(), 'no.sock');
    const on = ['--libvirt', socket, '--state', newFolder()];
    const { status, stderr } = await vfleet(['vms', ...on]);
    expect(status).toBe(1);
    expect(stderr).toContain(socket);
  });
});

describe('VMs with hostile names', () => {
  const names = ['../../x', '"><hostdev', "'; rm -rf /", '\u001b[2Jx', '\u202egnp.exe', '--network'];

  it('are just VMs: they get VFs, and no screen or file name holds what they try', async () => {
    const { on, state } = await hostWith();
    const vms = names.map((name, index) => ({
      name,
      uuid: `5f0c6a1e-7d1b-4f7a-9a55-00000000000${index}`,
      state: 'running',
      persistent: true,
      nics: [],
      storedNics: [],
      placement: { vcpuCount: 1, memoryMb: 512, vcpuPins: {} },
    }));
    const file = { stateVersion: 1, vms, events: [], nextEvent: 1, faultCounts: {} };
    writeFileSync(join(state, 'sim-igb', 'vms.json'), JSON.stringify(file));
    const results: Result[] = [];
    for (const name of names)
      results.push(await vfleet(['attach', '--network', 'frontend', ...on, '--', name]));
    for (const screen of ['vms', 'leases', 'show']) results.push(await vfleet([screen, ...on]));
    const { leases } = await jsonOf(['leases', ...on]);
    expect((leases as { owner: { name: string } }[]).map(({ owner }) => owner.name).toSorted()).toEqual(
      names.toSorted(),
    );
    const folders = readdirSync(state, { recursive: true, encoding: 'utf8' });
    for (const name of names) results.push(await vfleet(['detach', ...on, '--', name]));
    for (const { status, stdout, stderr } of results) {
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).not.toMatch(/[^\n\P{C}]/u);
    }
    expect((await jsonOf(['leases', ...on]))['leases']).toEqual([]);
    for (const path of folders) expect(path).toMatch(/^[A-Za-z0-9:@._/-]+$/);
  });
});
