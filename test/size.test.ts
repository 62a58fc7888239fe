import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Placements } from '../src/model/placements.ts';
import { onSnapshot, smallFleet } from '../src/report/testing/sized.ts';
import { parseSpec } from '../src/spec/parsed-spec.ts';
import { withoutWaiting } from './stderr.fixture.ts';

// The program as it is built: scripts/test.mjs builds dist/ before the tests.
const program = 'dist/cli/main.js';

interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function vfleet(args: readonly string[], environment: Record<string, string> = {}): Promise<Result> {
  return new Promise((resolve) => {
    const { NO_COLOR: _, VFLEET_HOST: __, VFLEET_STATE: ___, LC_ALL: ____, ...inherited } = process.env;
    execFile(
      process.execPath,
      [program, ...args],
      { env: { ...inherited, LANG: 'C.UTF-8', ...environment }, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ status, stdout, stderr: withoutWaiting(stderr) });
      },
    );
  });
}

/** A folder with a workload file in it. */
function workload(text: string): { readonly folder: string; readonly file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'vfleet-size-'));
  writeFileSync(join(folder, 'workload.yaml'), text);
  return { folder, file: join(folder, 'workload.yaml') };
}

describe('vfleet size', () => {
  it('prints the answer, and on demand JSON, a page and a folder of hosts', async () => {
    const { folder, file } = workload(smallFleet);
    const result = await vfleet([
      'size',
      file,
      '--html',
      join(folder, 'r.html'),
      '--write',
      join(folder, 'hosts'),
    ]);
    expect(result.status).toBe(0);
    expect(result.stdout).toMatch(/^Everything fits on 2 hosts\.\n/);
    expect(result.stdout).toContain('█');
    expect(result.stderr).toContain(`wrote 2 hosts to ${join(folder, 'hosts')}`);
    expect(readFileSync(join(folder, 'r.html'), 'utf8')).toMatch(/^<!doctype html>/);
    expect(readdirSync(folder).sort()).toEqual(['hosts', 'r.html', 'workload.yaml']);
    for (const host of ['rack-0', 'rack-1']) {
      const text = readFileSync(join(folder, 'hosts', host, 'host.yaml'), 'utf8');
      expect(parseSpec(text, host).spec.pfs.length).toBeGreaterThan(0);
      Placements.parse(JSON.parse(readFileSync(join(folder, 'hosts', host, 'vms.json'), 'utf8')));
    }
  });

  it('prints JSON that is the same every time', async () => {
    const { file } = workload(smallFleet);
    const [first, second] = await Promise.all([
      vfleet(['size', file, '--json']),
      vfleet(['size', file, '--json']),
    ]);
    expect(JSON.parse(first.stdout)).toMatchObject({
      apiVersion: 'vfleet/v1',
      kind: 'Sizing',
      outcome: 'fits',
      usedHosts: 2,
      boundHosts: 2,
    });
    expect(second.stdout).toBe(first.stdout);
  });

  it('draws bars in ASCII where the locale has nothing else', async () => {
    const { file } = workload(smallFleet);
    const { stdout } = await vfleet(['size', file], { LANG: 'C' });
    expect(stdout).toMatch(/^[\n\u0020-\u007e]*$/);
    expect(stdout).toMatch(/vCPUs +#/);
  });

  it('prints what its page shows', async () => {
    const page = readFileSync('docs/size.md', 'utf8');
    const [, example = ''] = /^```yaml\n(.*?)^```/ms.exec(page) ?? [];
    const [, screen = ''] = /^```text\n(.*?)^```/ms.exec(page) ?? [];
    const { stdout } = await vfleet(['size', workload(example).file]);
    expect(stdout).toBe(screen);
  });

  it('sizes the example', async () => {
    const { status, stdout } = await vfleet(['size', 'examples/size-workload.yaml']);
    expect({ status, answer: stdout.split('\n')[0] }).toEqual({
      status: 0,
      answer: 'Everything fits on 4 hosts.',
    });
  });
});

describe('written hosts', () => {
  it('are what vfleet apply takes: VFs that machines use and spares are there afterwards', async () => {
    const { folder, file } = workload(onSnapshot.replace('FILE', 'host.json'));
    const host = ['--host', 'sim:mixed-numa', '--state', join(folder, 'state')];
    await vfleet(['snapshot', ...host, '-o', join(folder, 'host.json')]);
    const sizing = await vfleet(['size', file, '--write', join(folder, 'hosts')]);
    expect({ status: sizing.status, stderr: sizing.stderr }).toMatchObject({ status: 0 });
    const [name = ''] = readdirSync(join(folder, 'hosts'));
    const spec = join(folder, 'hosts', name, 'host.yaml');
    expect((await vfleet(['apply', spec, '--yes', ...host])).status).toBe(0);
    expect((await vfleet(['plan', spec, '--exit-code', ...host])).status).toBe(0);

    const { vms } = Placements.parse(
      JSON.parse(readFileSync(join(folder, 'hosts', name, 'vms.json'), 'utf8')),
    );
    const snapshot = JSON.parse((await vfleet(['show', '--json', ...host])).stdout) as {
      pfs: { address: string; vfs: { index: number }[] }[];
    };
    for (const { address, vfs } of snapshot.pfs) {
      const used = vms.flatMap((vm) => vm.vfs).filter(({ pf }) => pf === address);
      expect(vfs).toHaveLength(used.length + 1);
      for (const { index } of used) expect(vfs.map((vf) => vf.index)).toContain(index);
    }
  });

  it('of a class are refused until their addresses are filled in', async () => {
    const { folder, file } = workload(smallFleet);
    await vfleet(['size', file, '--write', join(folder, 'hosts')]);
    const result = await vfleet([
      'apply',
      join(folder, 'hosts/rack-0/host.yaml'),
      '--yes',
      '--host',
      'sim:mlx5',
      '--state',
      join(folder, 'state'),
    ]);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('pfs[0].match: finds no PF');
  });

  it('never go where something is, unless it is put aside', async () => {
    const { folder, file } = workload(smallFleet);
    const target = join(folder, 'hosts');
    mkdirSync(target);
    writeFileSync(join(target, 'mine'), 'x');
    const refused = await vfleet(['size', file, '--write', target, '--html', join(folder, 'r.html')]);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(/hosts is not empty; nothing was written\n {2}hint: .*--force/);
    expect(readdirSync(target)).toEqual(['mine']);
    expect(existsSync(join(folder, 'r.html'))).toBe(false);
    expect((await vfleet(['size', file, '--write', target, '--force'])).status).toBe(0);
    expect(readFileSync(`${target}.old/mine`, 'utf8')).toBe('x');
    expect(readdirSync(target)).toEqual(['rack-0', 'rack-1']);
  });

  it('are not there when the page cannot be written', async () => {
    const { folder, file } = workload(smallFleet);
    const result = await vfleet([
      'size',
      file,
      '--write',
      join(folder, 'hosts'),
      '--html',
      join(folder, 'no/r.html'),
    ]);
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(readdirSync(folder)).toEqual(['workload.yaml']);
  });
});

describe('what does not fit', () => {
  it('has status 3, says which facts make it impossible, and writes no hosts', async () => {
    const { folder, file } = workload(smallFleet.replace('vcpus: 12', 'vcpus: 300'));
    const result = await vfleet([
      'size',
      file,
      '--write',
      join(folder, 'hosts'),
      '--html',
      join(folder, 'r.html'),
    ]);
    expect(result.status).toBe(3);
    expect(result.stdout).toMatch(/^This cannot fit\./);
    expect(result.stdout).toContain('- a machine of db needs 300 vCPUs');
    expect(result.stderr).toContain('not everything fits');
    expect(readdirSync(folder).sort()).toEqual(['r.html', 'workload.yaml']);
  });

  it('is told for too few hosts as well', async () => {
    const { file } = workload(smallFleet.replace('count: 9', 'count: 900'));
    const result = await vfleet(['size', file]);
    expect(result.status).toBe(3);
    expect(result.stdout).toContain('There are too few hosts');
  });
});

describe('bad input is one clear line, and nothing is written', () => {
  it.each([
    [
      'a negative count',
      smallFleet.replace('count: 5', 'count: -5'),
      /line 5, vms\[0\]\.count: -5 is less than 1/,
    ],
    [
      '100,000 machines without bandwidth',
      smallFleet.replace('count: 5', 'count: 100000').replace('gbps: 4', 'gbps: 0'),
      /line 9, vms\[0\]\.nics\[0\]\.gbps: 0 is not more than 0/,
    ],
    [
      'an unknown key',
      smallFleet.replace('vcpus: 12', 'vcpu: 12'),
      /line 6, vms\[0\]\.vcpu: unknown key; did you mean vcpus\?/,
    ],
    ['no YAML', 'vms: [\n', /line \d+/],
    [
      'a snapshot that is not there',
      onSnapshot.replace('FILE', 'no.json'),
      /line 7: snapshot .*no\.json: ENOENT/,
    ],
  ])('%s', async (_, text, message) => {
    const { folder, file } = workload(text);
    const outputs = ['--write', join(folder, 'hosts'), '--html', join(folder, 'r.html')];
    const result = await vfleet(['size', file, ...outputs]);
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toMatch(message);
    expect(result.stderr.trim().split('\n').length).toBeLessThanOrEqual(3);
    expect(readdirSync(folder)).toEqual(['workload.yaml']);
  });

  it('also a file that is not there, and as JSON', async () => {
    const { folder } = workload(smallFleet);
    const result = await vfleet(['size', join(folder, 'no.yaml'), '--json']);
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(JSON.parse(result.stderr)).toMatchObject({ error: { code: 'file.unreadable' } });
  });
});
