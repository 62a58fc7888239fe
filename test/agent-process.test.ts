import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { AgentEvent } from '../src/agent/agent-answers.ts';
import { openSimHypervisor } from '../src/hypervisor/simulated/sim-hypervisor.ts';
import { openFileLeases } from '../src/lease/file-leases.ts';
import { listEveryLease } from '../src/lease/lease-store.ts';
import { openSimKernel } from '../src/sim/open-sim-kernel.ts';
import { agentSpec, ask, until } from './agent.fixture.ts';

// The program as it is built: scripts/test.mjs builds dist/ before the tests.
const program = 'dist/cli/main.js';
const folders: string[] = [];
const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    await ended(child);
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null)
    await new Promise((resolve) => child.once('exit', resolve));
  return child.exitCode;
}

interface Site {
  /** --state of the commands. */
  readonly root: string;
  /** Of the simulated host. */
  readonly stateFolder: string;
  readonly socketPath: string;
}

async function newSite(): Promise<Site> {
  const root = mkdtempSync(join(tmpdir(), 'vfleet-agent-'));
  folders.push(root);
  const spec = join(root, 'host.yaml');
  writeFileSync(spec, agentSpec);
  const stateFolder = join(root, 'sim-igb');
  expect(await vfleet(root, ['apply', spec, '--yes'])).toMatchObject({ status: 0 });
  return { root, stateFolder, socketPath: join(stateFolder, 'agent.sock') };
}

async function vfleet(
  root: string,
  args: readonly string[],
): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const all = [program, ...args, '--host', 'sim:igb', '--state', root];
    execFile(process.execPath, all, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
  });
}

/** Starts the agent; gives back its events as they come. */
async function startAgentProcess(site: Site): Promise<{ child: ChildProcess; events: AgentEvent[] }> {
  const args = [program, 'agent', '--json', '--host', 'sim:igb', '--state', site.root];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  const events: AgentEvent[] = [];
  let rest = '';
  let problems = '';
  child.stderr.on('data', (chunk: Buffer) => {
    problems += chunk.toString();
  });
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    events.push(...lines.map((line) => AgentEvent.parse(JSON.parse(line))));
  });
  await until('the agent has started', () => {
    if (child.exitCode !== null) throw new Error(problems);
    return events.some(({ kind }) => kind === 'started');
  });
  return { child, events };
}

/** Somebody ends a VM with the hypervisor's own tools. */
async function destroyVm({ stateFolder }: Site, name: string): Promise<void> {
  const host = await openSimKernel('igb', { stateFile: join(stateFolder, 'kernel.json') });
  await openSimHypervisor({ stateFile: join(stateFolder, 'vms.json'), host }).destroy(name);
}

describe('the agent as a process', () => {
  it('is used by commands while it is there, and not needed when it is gone', async () => {
    const site = await newSite();
    const { child, events } = await startAgentProcess(site);
    const attach = ['attach', 'web-1', '--network', 'storage', '--json'];
    expect(await vfleet(site.root, attach)).toMatchObject({ status: 0 });
    await until('the agent did it', () => events.some(({ kind }) => kind === 'lease-began'));
    expect(await vfleet(site.root, ['detach', 'web-1'])).toMatchObject({ status: 0 });
    child.kill('SIGTERM');
    expect(await ended(child)).toBe(0);
    expect(existsSync(site.socketPath)).toBe(false);
    expect(await vfleet(site.root, attach)).toMatchObject({ status: 0 });
    expect(await listEveryLease(openFileLeases(site.stateFolder))).toHaveLength(1);
  });

  it('gives back, after a kill -9 and a new start, what was left behind meanwhile', async () => {
    const site = await newSite();
    const first = await startAgentProcess(site);
    expect(await vfleet(site.root, ['attach', 'web-1', '--network', 'storage'])).toMatchObject({ status: 0 });
    first.child.kill('SIGKILL');
    await ended(first.child);
    expect(existsSync(site.socketPath)).toBe(true);
    await destroyVm(site, 'web-1');
    await startAgentProcess(site);
    await until(
      'the VF is free',
      async () => (await listEveryLease(openFileLeases(site.stateFolder))).length === 0,
    );
    const status = await ask(site.socketPath, 'GET', '/v1/status');
    expect(status).toMatchObject({ status: 200, body: { leases: 0, quarantined: 0 } });
  });

  it('gives back a VF whose VM another process destroyed', async () => {
    const site = await newSite();
    const { events } = await startAgentProcess(site);
    expect(await vfleet(site.root, ['attach', 'web-1', '--network', 'storage'])).toMatchObject({ status: 0 });
    await destroyVm(site, 'web-1');
    await until('the VF is free', () => events.some(({ kind }) => kind === 'released'));
    expect(await listEveryLease(openFileLeases(site.stateFolder))).toEqual([]);
  });

  it('says so when the host has an agent already', async () => {
    const site = await newSite();
    await startAgentProcess(site);
    const second = await vfleet(site.root, ['agent']);
    expect(second).toMatchObject({ status: 4, stdout: '' });
    expect(second.stderr).toMatch(/this host has an agent: vfleet agent \(pid \d+, since /);
  });
});
