import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

// The program as it is built: scripts/test.mjs builds dist/ before the tests.
const program = 'dist/cli/main.js';

interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const folder = mkdtempSync(join(tmpdir(), 'vfleet-cli-'));
let fileCount = 0;

async function vfleet(args: readonly string[], environment: Record<string, string> = {}): Promise<Result> {
  return new Promise((resolve) => {
    const { NO_COLOR: _, VFLEET_HOST: __, VFLEET_STATE: ___, ...inherited } = process.env;
    execFile(
      process.execPath,
      [program, ...args],
      { env: { ...inherited, ...environment }, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ status, stdout, stderr });
      },
    );
  });
}

function file(text: string, name = 'host.yaml'): string {
  const path = join(folder, `${fileCount++}-${name}`);
  writeFileSync(path, text);
  return path;
}

function newState(): string {
  return mkdtempSync(join(tmpdir(), 'vfleet-state-'));
}

function spec(pf: string): string {
  return `apiVersion: vfleet/v1\nkind: Host\npfs:\n${pf}`;
}

const onIgb = (vfs: string): string => spec(`  - match: { address: "0000:01:00.0" }\n    vfs:\n${vfs}`);

describe('bad input is one clear line with its place, and nothing is touched', () => {
  it.each([
    ['an unknown key', onIgb('      count: 2\n      speed: 3\n'), /line 7, pfs\[0\]\.vfs\.speed: /],
    [
      'overlapping ranges',
      onIgb('      count: 4\n      "0-2": { vlan: 1 }\n      "2-3": { vlan: 2 }\n'),
      /line 8, .*0-2.*2-3|line 8, .*2-3.*0-2/,
    ],
    [
      'a VF index over the count',
      onIgb('      count: 2\n      "2": { vlan: 1 }\n'),
      /line 7, pfs\[0\]\.vfs\["2"\]: /,
    ],
    [
      'more VFs than the PF has',
      onIgb('      count: 9\n'),
      /line 6, pfs\[0\]\.vfs\.count: 9 is more than this PF's 7/,
    ],
    [
      'a multicast MAC',
      onIgb('      count: 1\n      "0": { mac: "01:00:5e:00:00:01" }\n'),
      /line 7, pfs\[0\]\.vfs\["0"\]\.mac: .*multicast/,
    ],
    [
      'a MAC used twice',
      onIgb(
        '      count: 2\n      "0": { mac: "52:54:00:00:00:01" }\n      "1": { mac: "52:54:00:00:00:01" }\n',
      ),
      /line 8, pfs\[0\]\.vfs\["1"\]\.mac: /,
    ],
    [
      'a VLAN over 4094',
      onIgb('      count: 1\n      "0": { vlan: 4095 }\n'),
      /line 7, pfs\[0\]\.vfs\["0"\]\.vlan: .*4094/,
    ],
    [
      '802.1ad with VLAN 0',
      onIgb('      count: 1\n      "0": { vlan: 0, vlanProtocol: 802.1ad }\n'),
      /line 7, .*802\.1ad/,
    ],
    [
      'a minimum rate over the maximum',
      onIgb('      count: 1\n      "0": { minTxRateMbps: 200, maxTxRateMbps: 100 }\n'),
      /line 7, .*minTxRateMbps.*200/,
    ],
    [
      'a rate over the link',
      onIgb('      count: 1\n      "0": { maxTxRateMbps: 20000 }\n'),
      /line 7, .*maxTxRateMbps.*1000/,
    ],
    [
      'a match that finds nothing',
      spec('  - match: { address: "0000:09:00.0" }\n    up: true\n'),
      /line 4, pfs\[0\]\.match/,
    ],
    [
      'a match that finds too much',
      spec('  - match: { driver: igb }\n    up: true\n'),
      /line 4, pfs\[0\]\.match: .*2/,
    ],
    ['no YAML', 'pfs: [\n', /line \d+/],
    ['another kind of file', 'just text\n', /host\.yaml is no mapping/],
  ])('%s', async (_, text, message) => {
    const state = newState();
    const path = file(text);
    const result = await vfleet(['apply', path, '--yes', '--host', 'sim:igb', '--state', state]);
    expect(result.stdout).toBe('');
    expect(result.stderr).toMatch(message);
    expect(result.stderr.trim().split('\n').length).toBeLessThanOrEqual(3);
    expect(result.status).toBe(1);
    const shown = await vfleet(['show', '--json', '--host', 'sim:igb', '--state', state]);
    expect(JSON.parse(shown.stdout).pfs[0].sriov.numVfs).toBe(0);
  });

  it('a PF that is a VF', async () => {
    const state = newState();
    await vfleet(['apply', file(onIgb('      count: 1\n')), '--yes', '--host', 'sim:igb', '--state', state]);
    const path = file(spec('  - match: { address: "0000:01:10.0" }\n    up: true\n'));
    const result = await vfleet(['plan', path, '--host', 'sim:igb', '--state', state]);
    expect(result.stderr).toContain('0000:01:10.0 is VF 0 of 0000:01:00.0');
    expect(result.status).toBe(1);
  });

  it.each([
    [['plan'], 1],
    [['plan', '/no/such/file.yaml', '--host', 'sim:igb'], 1],
    [['show', '--host', 'sim:nothing'], 1],
    [['show', '--host', 'elsewhere'], 1],
    [['show', '--host', 'sim:../../etc'], 1],
    [['show', '--host', 'snapshot:/no/such/file'], 1],
    [['--no-such-option'], 1],
    [['apply', 'x.yaml', '--wait', 'long'], 1],
    [['completion', 'tcsh'], 1],
  ])('%j', async (args, status) => {
    const result = await vfleet([...args, '--state', newState()]);
    expect(result.status).toBe(status);
    expect(result.stdout).toBe('');
    expect(result.stderr).not.toMatch(/\n {4}at |internal\.bug/);
    expect(result.stderr.length).toBeGreaterThan(10);
  });
});

describe('what the command line does not understand', () => {
  it.each([
    [
      ['attach', 'x', '--mac', '\u001b[2J'],
      "error: option '--mac <address>' argument '?[2J' is invalid: not a MAC",
    ],
    [['\u001b[2J'], "error: unknown command '?[2J'"],
    [['show', '--\u009b31m'], "error: unknown option '--?31m'"],
    [['aply'], "error: unknown command 'aply'\n(Did you mean apply?)"],
  ])('%j is said in words that a terminal does not obey', async (args, message) => {
    const { status, stderr } = await vfleet(args);
    expect(status).toBe(1);
    expect(stderr.startsWith(message)).toBe(true);
  });
});

describe('an empty word, as of a variable that is not set', () => {
  it.each([
    [['hotplug', '--qmp', '', '--network', 'storage'], '--qmp is empty'],
    [['--host', '', 'show'], '--host is empty'],
    [['show', '--state='], '--state is empty'],
    [['vms', '--libvirt', ''], '--libvirt is empty'],
    [['size', 'workload.yaml', '--write', '', '--force'], '--write is empty'],
    [['detach', ''], 'the argument vm is empty'],
    [['apply', ''], 'the argument spec is empty'],
  ])('is refused: %j', async (args, message) => {
    const result = await vfleet(args);
    expect(result).toEqual({ status: 1, stdout: '', stderr: `vfleet: ${message}\n` });
  });

  it('in the environment means that nothing is said there', async () => {
    const on = ['--host', 'sim:igb', '--state', newState()];
    const empty = { VFLEET_HOST: '', VFLEET_STATE: '', VFLEET_LIBVIRT: '' };
    expect(await vfleet(['show', ...on], empty)).toMatchObject({ status: 0, stderr: '' });
    const own = { ...empty, XDG_STATE_HOME: newState() };
    expect((await vfleet(['leases'], own)).stdout).toMatch(/^(?:No VF is leased|PF )/);
  });
});

describe('the main job', () => {
  it('runs plan, apply, show, revert with the exit statuses that scripts use', async () => {
    const on = ['--host', 'sim:igb', '--state', newState()];
    expect((await vfleet(['plan', 'examples/igb.yaml', '--exit-code', ...on])).status).toBe(2);
    const refused = await vfleet(['apply', 'examples/igb.yaml', ...on]);
    expect(refused).toMatchObject({ status: 3 });
    expect(refused.stderr).toContain('--yes');
    expect((await vfleet(['apply', 'examples/igb.yaml', '--yes', ...on])).status).toBe(0);
    expect((await vfleet(['plan', 'examples/igb.yaml', '--exit-code', ...on])).status).toBe(0);
    const again = await vfleet(['apply', 'examples/igb.yaml', '--json', '--yes', ...on]);
    expect(JSON.parse(again.stdout)).toMatchObject({ result: 'unchanged' });
    const adopted = await vfleet(['adopt', ...on]);
    expect((await vfleet(['plan', file(adopted.stdout), '--exit-code', ...on])).status).toBe(0);
    expect((await vfleet(['revert', '--yes', ...on])).status).toBe(0);
    const twice = await vfleet(['revert', '--yes', ...on]);
    expect(twice).toMatchObject({ status: 1 });
    expect(twice.stderr).toContain('already reverted');
    expect((await vfleet(['recover', ...on])).stdout).toContain('nothing to recover');
  });

  it('goes on from a saved snapshot wherever only reading is needed', async () => {
    const on = ['--host', 'sim:igb', '--state', newState()];
    await vfleet(['apply', 'examples/igb.yaml', '--yes', ...on]);
    const saved = join(folder, 'saved.json');
    expect((await vfleet(['snapshot', '-o', saved, ...on])).status).toBe(0);
    const host = ['--host', `snapshot:${saved}`];
    expect((await vfleet(['show', ...host])).stdout).toBe((await vfleet(['show', ...on])).stdout);
    expect((await vfleet(['plan', 'examples/igb.yaml', '--exit-code', ...host])).status).toBe(0);
    const refused = await vfleet(['apply', 'examples/igb.yaml', '--yes', ...host]);
    expect(refused).toMatchObject({ status: 3 });
    expect(refused.stderr).toContain('can be read but not changed');
  });

  it('takes no snapshot that is cut off or of another version', async () => {
    const text = (await vfleet(['snapshot', '--host', 'sim:igb', '--state', newState()])).stdout;
    const cut = await vfleet(['show', '--host', `snapshot:${file(text.slice(0, 300), 'cut.json')}`]);
    expect(cut).toMatchObject({ status: 1 });
    expect(cut.stderr).toContain('cut off');
    const newer = file(text.replace('"snapshotVersion": 1', '"snapshotVersion": 2'), 'newer.json');
    expect((await vfleet(['show', '--host', `snapshot:${newer}`])).stderr).toContain('snapshot version 2');
    const wrong = file(text.replace('"totalVfs": 7', '"totalVfs": "many"'), 'wrong.json');
    expect((await vfleet(['show', '--host', `snapshot:${wrong}`])).stderr).toContain('pfs.0.sriov.totalVfs');
  });

  it('says as JSON what failed', async () => {
    const state = newState();
    const path = file(onIgb('      count: 1\n      "0": { linkState: enable }\n'));
    const result = await vfleet(['apply', path, '--yes', '--json', '--host', 'sim:igb', '--state', state]);
    expect(result.status).toBe(5);
    const lines = result.stderr.trim().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      error: { code: 'apply.undone', details: { vf: 0, attribute: 'linkState', errno: 'EOPNOTSUPP' } },
    });
  });

  it('recovers after a kill, by the real signal', async () => {
    const state = newState();
    const faults = file('[{ "operation": "change", "after": 3, "kill": "after" }]', 'faults.json');
    const killed = await vfleet([
      'apply',
      'examples/igb.yaml',
      '--yes',
      '--host',
      `sim:igb:${faults}`,
      '--state',
      state,
    ]);
    expect(killed.status).toBe(-1);
    const on = ['--host', 'sim:igb', '--state', state];
    expect((await vfleet(['recover', ...on])).stdout).toContain('it was put back');
    expect(JSON.parse((await vfleet(['show', '--json', ...on])).stdout).pfs[0].vfs).toEqual([]);
  });
});

describe('the help', () => {
  /** What every command says of itself, `lab run` and such included. */
  async function readHelp(path: readonly string[] = []): Promise<ReadonlyMap<string, string>> {
    const { status, stdout } = await vfleet([...path, '--help'], { XDG_STATE_HOME: '/state' });
    expect({ path, status }).toEqual({ path, status: 0 });
    const [, list = ''] = stdout.split('\nCommands:\n');
    const names = [...(list.split('\n\n')[0] ?? '').matchAll(/^ {2}([a-z-]+)/gm)].flatMap(([, name]) =>
      name === undefined || name === 'help' ? [] : [name],
    );
    const pages = new Map([[path.join(' '), stdout]]);
    for (const name of names) for (const page of await readHelp([...path, name])) pages.set(...page);
    return pages;
  }

  // Starts the program some forty times.
  it('of every command fits a terminal of 80 columns', { timeout: 300_000 }, async () => {
    const pages = new Map([...(await readHelp()), ...(await readHelp(['hold']))]);
    expect([...pages.keys()]).toEqual(expect.arrayContaining(['attach', 'hotplug', 'lab run', 'hold']));
    const tooLong = [...pages].flatMap(([command, page]) =>
      page.split('\n').flatMap((line) => (line.length > 80 ? [`${command}: ${line}`] : [])),
    );
    expect(tooLong).toEqual([]);
  });
});

describe('the screens', () => {
  it('have no colour codes in a pipe', async () => {
    const { stdout } = await vfleet(['show', '--host', 'sim:igb', '--state', newState()]);
    expect(stdout).not.toContain('\u001b');
  });

  it('show a unit file that quotes what it is given', async () => {
    const path = file(readFileSync('examples/igb.yaml', 'utf8'), 'a $b %c "d".yaml');
    const { stdout } = await vfleet(['install-service', path, '--print']);
    expect(stdout).toContain('a $$b %%c \\"d\\".yaml"');
    expect(stdout).toMatch(/Before=.*network-pre\.target.*libvirtd\.service/);
  });

  it('are the same whether --host stands before or behind the command', async () => {
    const state = newState();
    const first = await vfleet(['--host', 'sim:igb', '--state', state, 'show']);
    expect((await vfleet(['show', '--host', 'sim:igb', '--state', state])).stdout).toBe(first.stdout);
    expect((await vfleet(['show', '--state', state], { VFLEET_HOST: 'sim:igb' })).stdout).toBe(first.stdout);
  });
});
