import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, statSync, symlinkSync, lstatSync, writeFileSync } from 'node:fs';
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

async function vfleet(args: readonly string[]): Promise<Result> {
  return new Promise((resolve) => {
    const { VFLEET_HOST: _, VFLEET_STATE: __, ...environment } = process.env;
    execFile(process.execPath, [program, ...args], { env: environment }, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ status, stdout, stderr });
    });
  });
}

function newPath(name = 'tested.yaml'): string {
  return join(mkdtempSync(join(tmpdir(), 'vfleet-validated-')), name);
}

describe('vfleet validated', () => {
  it('makes a list of this host, which then covers it, and adding again changes nothing', async () => {
    const list = newPath();
    const first = await vfleet(['validated', 'add', list, '--host', 'sim:igb']);
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(first.stdout).toContain('0000:01:00.0: added as entry 1');
    const text = readFileSync(list, 'utf8');

    const again = await vfleet(['validated', 'add', list, '--host', 'sim:igb']);
    expect(again).toMatchObject({ status: 0, stderr: '' });
    expect(again.stdout).toContain('is unchanged');
    expect(readFileSync(list, 'utf8')).toBe(text);

    const check = await vfleet(['validated', 'check', list, '--host', 'sim:igb', '--json']);
    expect(check.status).toBe(0);
    expect(JSON.parse(check.stdout)).toMatchObject({
      file: list,
      validated: true,
      pfs: [
        { address: '0000:01:00.0', verdict: 'validated', entry: { number: 1, line: 4 } },
        { address: '0000:02:00.0', verdict: 'validated', entry: { number: 1, line: 4 } },
      ],
    });
  });

  it('names the one component that differs, with both values, and ends with status 3', async () => {
    const list = newPath();
    await vfleet(['validated', 'add', list, '--host', 'sim:ice']);
    writeFileSync(list, readFileSync(list, 'utf8').replace(/kernel: .*/, "kernel: '>=5.15 <6.2'"));
    const check = await vfleet(['validated', 'check', list, '--host', 'sim:ice']);
    expect(check.status).toBe(3);
    expect(check.stdout).toMatch(/0000:17:00\.0 .*differs from entry 1, line 4 in only kernel/);
    expect(check.stdout).toMatch(/kernel +>=5\.15 <6\.2 +6\./);
  });

  it('adds to a list of other hosts, behind a symbolic link, and keeps its comments and mode', async () => {
    const list = newPath();
    const text = `# Ours.\napiVersion: vfleet/v1\nkind: ValidatedHardware\nentries:\n  - nic: { id: '15b3:101d' } # storage\n`;
    writeFileSync(list, text, { mode: 0o640 });
    const link = newPath();
    symlinkSync(list, link);
    const added = await vfleet(['validated', 'add', link, '--host', 'sim:igb', '--json']);
    expect(JSON.parse(added.stdout)).toMatchObject({ added: [{ address: '0000:01:00.0', number: 2 }] });
    expect(readFileSync(list, 'utf8').startsWith(text)).toBe(true);
    expect(statSync(list).mode & 0o777).toBe(0o640);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
  });

  it('works on a saved snapshot', async () => {
    const snapshot = newPath('web-7.json');
    const list = newPath();
    await vfleet(['snapshot', '-o', snapshot, '--host', 'sim:mlx5']);
    const host = ['--host', `snapshot:${snapshot}`];
    expect((await vfleet(['validated', 'add', list, ...host])).status).toBe(0);
    expect((await vfleet(['validated', 'check', list, ...host])).status).toBe(0);
  });

  it('reports what is wrong with a list, each with its line, and writes nothing', async () => {
    const list = newPath();
    const text = 'apiVersion: vfleet/v1\nkind: ValidatedHardware\nentries:\n  - nic: { id: 8086:15 }\n';
    writeFileSync(list, text);
    for (const verb of ['check', 'add']) {
      const result = await vfleet(['validated', verb, list, '--host', 'sim:igb']);
      expect(result).toMatchObject({ status: 1, stdout: '' });
      expect(result.stderr).toMatch(/line 4, entries\[0\]\.nic\.id: "8086:15" is no PCI ID/);
    }
    expect(readFileSync(list, 'utf8')).toBe(text);
  });

  it('needs a list to check', async () => {
    const result = await vfleet(['validated', 'check', newPath(), '--host', 'sim:igb']);
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toContain('tested.yaml');
  });
});
