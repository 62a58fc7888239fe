import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeAppliedSpec } from '../../apply/applied-spec.ts';
import { newSimVms, newVm } from '../../hypervisor/simulated/sim-vms.ts';
import { openFileLeases } from '../../lease/file-leases.ts';
import { exampleLease } from '../../lease/testing/example-lease.ts';
import { buildProgram } from '../program.ts';
import { plainTerminal } from '../render/testing/plain-terminal.ts';
import { isKnown } from './candidates.ts';
import { completeLine } from './complete.ts';
import { valueOf, valueOfArgument } from './place.ts';

let state = '';
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'vfleet-complete-'));
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

function program(): Command {
  const nothing = async (): Promise<never> => Promise.reject(new Error('no completion opens a host'));
  return buildProgram(
    {
      terminal: plainTerminal(undefined),
      signal: new AbortController().signal,
      version: '0',
      program: ['node', 'vfleet'],
      openHost: nothing,
      openHypervisor: nothing,
      setExitStatus: () => undefined,
    },
    '/nonexistent',
  );
}

/** Words that are offered behind a line of words, the last of which is at the cursor. */
async function offered(...words: readonly string[]): Promise<readonly string[]> {
  const [kind = '', ...lines] = await completeLine(program(), 'fish', [
    '--host',
    'sim:igb',
    '--state',
    state,
    ...words,
  ]);
  return kind === 'words' || kind === 'unfinished' ? lines.map((line) => line.split('\t')[0] ?? '') : [kind];
}

function applySpec(networks: string): void {
  const text = `apiVersion: vfleet/v1\nkind: Host\nnetworks: ${networks}\npfs: []\n`;
  mkdirSync(join(state, 'sim-igb'), { recursive: true });
  writeAppliedSpec(join(state, 'sim-igb'), { fileName: 'host.yaml', text, appliedAt: '' });
}

function setVms(...names: readonly string[]): void {
  mkdirSync(join(state, 'sim-igb'), { recursive: true });
  const vms = newSimVms(names.map((name, index) => newVm(name, index + 1)));
  writeFileSync(join(state, 'sim-igb', 'vms.json'), JSON.stringify(vms));
}

describe('a command line is completed with', () => {
  it('commands, without those that nobody types', async () => {
    const commands = await offered('');
    expect(commands).toEqual(expect.arrayContaining(['apply', 'attach', 'lab', 'completion']));
    expect(commands.filter((word) => ['hold', 'complete', 'help'].includes(word))).toEqual([]);
    expect(await offered('lab', '')).toEqual(['run', 'shell', 'setup']);
    expect(await offered('nonsense', '')).toEqual([]);
  });

  it('options of the command, where options can stand', async () => {
    const options = await offered('attach', '-');
    expect(options).toEqual(expect.arrayContaining(['--network', '--accept-risk', '--host', '--help']));
    expect(options).not.toContain('--version');
    expect(await offered('agent', '-')).not.toContain('--notify-socket');
    expect(await offered('show', '')).toContain('--json');
    expect(await offered('pin', 'web-1', '')).toContain('--apply');
    expect(await offered('pin', '--', 'web-1', '')).toEqual([]);
  });

  it('values that the command line itself knows', async () => {
    const risks = ['no-iommu', 'no-interrupt-remapping', 'shared-iommu-group', 'unknown-definition'];
    expect(await offered('attach', '--accept-risk', '')).toEqual(risks);
    expect(await offered('hotplug', '--accept-risk=n')).toEqual(risks.map((risk) => `--accept-risk=${risk}`));
    expect(await offered('lab', 'run', '--iommu', '')).toEqual(['intel', 'intel-noremap', 'amd', 'off']);
    expect(await offered('completion', '')).toEqual(['bash', 'zsh', 'fish']);
    expect(await offered('attach', '--failover', '')).toEqual(['bridge=', 'ovs=']);
  });

  it('files and folders', async () => {
    writeFileSync(join(state, 'web-7.json'), '');
    mkdirSync(join(state, 'web-8'));
    expect(await offered('apply', '')).toEqual(['files']);
    expect(await offered('attach', 'web-1', '--spec', 'x')).toEqual(['files']);
    expect(await offered('size', 'w.yaml', '--write', '')).toEqual(['folders']);
    expect(await offered('lab', 'run', '--', 'cat', '')).toEqual(['files']);
    expect(await offered('--host', `snapshot:${state}/web`)).toEqual([
      `snapshot:${state}/web-7.json`,
      `snapshot:${state}/web-8/`,
    ]);
    expect(await offered(`--state=${state}/w`)).toEqual([`--state=${state}/web-8/`]);
  });

  it('hosts', async () => {
    expect(await offered('show', '--host', '')).toEqual(
      expect.arrayContaining(['local', 'snapshot:', 'sim:igb', 'sim:mixed-numa']),
    );
  });

  it('networks of the applied spec, or of the one that is named', async () => {
    applySpec('[{ name: storage }, { name: frontend }]');
    expect(await offered('attach', 'web-1', '--network', '')).toEqual(['storage', 'frontend']);
    expect(await offered('attach', '--network=')).toEqual(['--network=storage', '--network=frontend']);
    expect(await offered('hotplug', '--qmp', 's', '--network', '')).toEqual(['storage', 'frontend']);
    const other = join(state, 'other.yaml');
    writeFileSync(other, 'apiVersion: vfleet/v1\nkind: Host\nnetworks: [{ name: backup }]\npfs: []\n');
    expect(await offered('attach', '--spec', other, '--network', '')).toEqual(['backup']);
  });

  it('VMs that can be typed there', async () => {
    setVms('web-1', 'my vm', '$(id)', 'a\nb', '\u001b[2J', '\u202ex', '-x', '--network');
    for (const command of ['attach', 'pin'])
      expect(await offered(command, '')).toEqual(['web-1', 'my vm', '$(id)']);
    expect(await offered('pin', '--', '-')).toEqual(['web-1', 'my vm', '$(id)', '-x', '--network']);
  });

  it('what is leased, where something is given back', async () => {
    const leases = openFileLeases(join(state, 'sim-igb'));
    const key = { pf: '0000:01:00.0', vf: 1 };
    await leases.create(exampleLease({ key: { ...key, vf: 3 }, settings: { mac: '52:54:00:00:00:01' } }));
    const owner = { kind: 'qemu', name: 'vm1' } as const;
    const settings = { mac: '52:54:00:00:00:02' };
    await leases.create(exampleLease({ key, owner, address: '0000:01:10.2', network: 'frontend', settings }));
    const sorted = async (...words: readonly string[]): Promise<readonly string[]> =>
      (await offered(...words)).toSorted();
    expect(await sorted('detach', '')).toEqual(['vm1', 'web-1']);
    expect(await sorted('detach', 'web-1', '--network', '')).toEqual(['frontend', 'storage']);
    expect(await sorted('detach', '--mac', '')).toEqual(['52:54:00:00:00:01', '52:54:00:00:00:02']);
    expect(await sorted('hotplug', '--remove', '')).toEqual(['0000:01:10.2', '52:54:00:00:00:02']);
  });

  it('nothing, where nothing is known or nothing can be read; and nothing is made', async () => {
    for (const words of [
      ['attach', '--network', ''],
      ['attach', '--mac', ''],
      ['detach', ''],
      ['detach', '--mac', ''],
      ['apply', 'x.yaml', '--wait', ''],
      ['attach', '--spec', '/nonexistent', '--network', ''],
      ['attach', '--host', 'nonsense', '--network', ''],
      ['attach', '--host', 'sim:../../etc', ''],
      ['attach', '--host', 'snapshot:x.json', ''],
      ['show', '--nonsense=x'],
    ])
      expect({ words, offered: await offered(...words) }).toEqual({ words, offered: [] });
    expect(await offered('attach', '')).toEqual(['web-1', 'web-2', 'db-1']);
    expect(readdirSync(state)).toEqual([]);
    applySpec('nonsense');
    writeFileSync(join(state, 'sim-igb', 'vms.json'), '{');
    expect(await offered('attach', '--network', '')).toEqual([]);
    expect(await offered('attach', '')).toEqual([]);
    expect(existsSync(join(state, 'sim-igb', 'kernel.json'))).toBe(false);
  });
});

describe('of every value, it is decided what is offered for it', () => {
  /** Numbers, addresses and names that somebody thinks of. */
  const free = [
    'attach --bus',
    'attach --mac',
    'attach --name',
    'attach --pid',
    'attach --start-within',
    'hotplug --bus',
    'hotplug --mac',
    'hotplug --name',
    'hotplug --unplug-timeout',
    'run --memory',
    'run --netdevsim',
    'run --nic',
    'run --slot-link',
    'shell --memory',
    'shell --netdevsim',
    'shell --nic',
    'shell --slot-link',
  ];

  function unknownIn(command: Command): readonly string[] {
    const options = command.options.filter(({ required, hidden }) => required && !hidden);
    const values = [...options.map(valueOf), ...command.registeredArguments.map(valueOfArgument)];
    const shown = command.createHelp().visibleCommands(command);
    return [
      ...values
        .filter((value) => !isKnown(command, value) && value.name !== '--wait')
        .map(({ name }) => `${command.name()} ${name}`),
      ...command.commands.filter((each) => shown.includes(each)).flatMap(unknownIn),
    ];
  }

  it('or it is one that nobody can know', () => {
    expect(unknownIn(program()).toSorted()).toEqual(free);
  });
});
