// `vfleet doctor` as a program: simulated hosts, snapshots, exit statuses, bad input.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DoctorReport } from '../src/model/finding.ts';

// scripts/test.mjs builds dist/ before the tests.
const program = 'dist/cli/main.js';
const folder = mkdtempSync(join(tmpdir(), 'vfleet-doctor-'));

interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function vfleet(...args: readonly string[]): Promise<Result> {
  return new Promise((resolve) => {
    const { NO_COLOR: _, VFLEET_HOST: __, ...environment } = process.env;
    execFile(
      process.execPath,
      [program, ...args, '--state', folder],
      { env: environment, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ status, stdout, stderr });
      },
    );
  });
}

async function diagnose(host: string): Promise<{ status: number; report: DoctorReport; ids: string[] }> {
  const { status, stdout } = await vfleet('doctor', '--json', '--host', host);
  const report = DoctorReport.parse(JSON.parse(stdout));
  const grave = report.findings.filter(({ severity }) => severity === 'blocker' || severity === 'warning');
  return { status, report, ids: [...new Set(grave.map(({ id }) => id))].sort() };
}

describe('simulated hosts', () => {
  it.each([
    ['igb', 0, []],
    ['mlx5', 0, []],
    ['ice', 0, []],
    ['cx5-x8', 0, ['pcie.bandwidth.starved']],
    ['x1-link', 0, ['pcie.bandwidth.starved']],
    ['no-bar-space', 3, ['nic.vf-bars.unassigned']],
    ['fw-limit', 0, []],
    ['e810-npar', 0, []],
  ])('%s: exit status %i', async (profile, status, ids) => {
    const result = await diagnose(`sim:${profile}`);
    expect(result.ids).toEqual(ids);
    expect(result.status).toBe(status);
    expect(result.report.verdict).toBe(status === 0 ? 'usable' : 'blocked');
  });

  it('without a card is blocked for that reason', async () => {
    const { status, ids } = await diagnose('sim:bare');
    expect(ids).toContain('nic.none');
    expect(status).toBe(3);
  });

  it('names a limit of the firmware, and the command that lifts it', async () => {
    const { report } = await diagnose('sim:fw-limit');
    const limit = report.findings.find(({ id }) => id === 'nic.total-vfs.below-catalogue');
    expect(limit?.summary).toMatch(/^8 VFs, .* can have 127/);
    expect(limit?.todo).toContain(limit?.subject);
  });

  it('finds the partitions of a port', async () => {
    const { report } = await diagnose('sim:e810-npar');
    expect(report.findings.filter(({ id }) => id === 'nic.npar.on')).toHaveLength(2);
  });
});

describe('screens', () => {
  it('has no colours when it is no terminal, and less to read without --verbose', async () => {
    const short = await vfleet('doctor', '--host', 'sim:igb');
    const long = await vfleet('doctor', '--host', 'sim:igb', '--verbose');
    // oxlint-disable-next-line no-control-regex -- this is what must not be there
    expect(short.stdout).not.toMatch(/\u001b/);
    expect(long.stdout.length).toBeGreaterThan(short.stdout.length);
    expect(short.stdout.trimEnd().split('\n').at(-1)).toMatch(/^SR-IOV can be used: /);
  });

  it('writes Markdown', async () => {
    const { stdout, status } = await vfleet('doctor', '--host', 'sim:no-bar-space', '--markdown');
    expect(stdout).toMatch(/^# SR-IOV on /);
    expect(stdout).toContain('(`nic.vf-bars.unassigned`)');
    expect(status).toBe(3);
  });
});

describe('snapshots', () => {
  async function snapshotFile(change: (snapshot: Record<string, unknown>) => void): Promise<string> {
    const path = join(folder, `${Math.random()}.json`);
    const { stdout } = await vfleet('snapshot', '--host', 'sim:igb');
    const snapshot = JSON.parse(stdout) as Record<string, unknown>;
    change(snapshot);
    writeFileSync(path, JSON.stringify(snapshot));
    return path;
  }

  it('are judged as the host that they were taken of', async () => {
    const path = await snapshotFile(() => undefined);
    const { report: saved } = await diagnose(`snapshot:${path}`);
    const { report: live } = await diagnose('sim:igb');
    expect(saved.findings).toEqual(live.findings);
  });

  it('without a platform say so, and decide nothing', async () => {
    const path = await snapshotFile((snapshot) => delete snapshot['platform']);
    const { status, report } = await diagnose(`snapshot:${path}`);
    expect(report.verdict).toBe('undecided');
    expect(report.findings[0]).toMatchObject({ id: 'host.platform.unread', severity: 'unknown' });
    expect(report.findings[0]?.todo).toContain('new snapshot');
    expect(status).toBe(1);
  });

  it('of another version are refused with one line', async () => {
    const path = await snapshotFile((snapshot) => (snapshot['snapshotVersion'] = 2));
    const { status, stdout, stderr } = await vfleet('doctor', '--host', `snapshot:${path}`);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/snapshot version 2, this vfleet reads 1/);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  });

  it('that are cut off are refused with one line', async () => {
    const path = await snapshotFile(() => undefined);
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, 5000));
    const { status, stdout, stderr } = await vfleet('doctor', '--host', `snapshot:${path}`);
    expect(stderr).toMatch(/cut off or no JSON/);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  });
});

describe('the validated list', () => {
  const listFile = (text: string): string => {
    const path = join(folder, `${Math.random()}.yaml`);
    writeFileSync(path, text);
    return path;
  };

  it('that is not there, or is none, is an error before the host is read', async () => {
    const missing = await vfleet('doctor', '--host', 'sim:igb', '--validated', join(folder, 'none.yaml'));
    expect(missing.stderr).toMatch(/validated list .*none\.yaml: ENOENT/);
    expect(missing.status).toBe(1);
    const broken = await vfleet('doctor', '--host', 'sim:igb', '--validated', listFile('entries: 3\n'));
    expect(broken.stderr).toMatch(/entries/);
    expect(broken.status).toBe(1);
  });

  it('says which one component differs', async () => {
    const path = listFile(
      'apiVersion: vfleet/v1\nkind: ValidatedHardware\nentries:\n  - name: web\n    nic: { id: "8086:10c9" }\n    kernel: ">=7"\n',
    );
    const { stdout } = await vfleet('doctor', '--json', '--host', 'sim:igb', '--validated', path);
    const { findings } = DoctorReport.parse(JSON.parse(stdout));
    const [differs] = findings.filter(({ group }) => group === 'validated');
    expect(differs).toMatchObject({ id: 'validated.differs', severity: 'warning', subject: '0000:01:00.0' });
    expect(differs?.summary).toMatch(
      /^differs from entry web \(line 4\): kernel is 6\.12\.\S+, validated is >=7$/,
    );
  });
});
