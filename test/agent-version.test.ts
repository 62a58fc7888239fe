// Whether commands get along with an agent of another version: one that was not restarted after an upgrade.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import type { AgentStatus } from '../src/agent/agent-answers.ts';
import { matchingAgent } from '../src/cli/agent-client.ts';
import { plainTerminal } from '../src/cli/render/testing/plain-terminal.ts';
import { version } from '../src/cli/version.ts';
import { agentSpec, startAgent, until } from './agent.fixture.ts';
import type { RunningAgent } from './agent.fixture.ts';
import { makeWorld, newFolder, removeFolders } from './assigning.fixture.ts';

/** The program as it is built: scripts/test.mjs builds dist/ before the tests. */
const program = 'dist/cli/main.js';
const older = '0.0.1';
const run = promisify(execFile);

let agent: RunningAgent | undefined;
afterEach(async () => {
  await agent?.stop();
  agent = undefined;
  removeFolders();
});

async function vfleet(state: string, ...args: readonly string[]) {
  return run(process.execPath, [program, ...args, '--host', 'sim:igb', '--state', state]);
}

describe('an agent of another version', () => {
  it('is not asked, and a line says so and what to do; it sees what was done', async () => {
    const state = newFolder();
    const spec = join(state, 'host.yaml');
    writeFileSync(spec, agentSpec);
    await vfleet(state, 'apply', spec, '--yes');
    const stateFolder = join(state, 'sim-igb');
    const running = await startAgent(
      { ...(await makeWorld('igb', agentSpec)), stateFolder },
      { version: older },
    );
    agent = running;
    const line = `the agent is vfleet ${older}, this command ${version}, and works without it; restart the agent\n`;
    const attached = await vfleet(state, 'attach', 'web-1', '--network', 'storage');
    expect(attached.stderr).toBe(line);
    expect(attached.stdout).toContain('web-1 has VF');
    // The hypervisor of this agent is its own: that nothing was plugged in there tells who did it.
    expect(running.process.hypervisor.state.vms.flatMap(({ nics }) => nics)).toEqual([]);
    await until('the agent sees the lease', () => running.of('lease-began').length === 1);
    const listed = await vfleet(state, 'leases', '--json');
    expect(listed.stderr).toBe(line);
    expect(JSON.parse(listed.stdout)).toMatchObject({ leases: [{ owner: { name: 'web-1' } }] });
    expect((await vfleet(state, 'leases', '--no-agent')).stderr).toBe('');
  });

  it.each([
    ['the same version', version, '/var/lib/vfleet/local', [], true],
    [
      'another version, the same state folder',
      older,
      '/var/lib/vfleet/local',
      [
        `the agent is vfleet ${older}, this command ${version}, and works without it; restart the agent: systemctl restart vfleet-agent`,
      ],
      false,
    ],
    [
      'another version, a state folder of his own',
      older,
      '/home/alice/.local/state/vfleet/local',
      [
        `the agent is vfleet ${older}, this command ${version}; restart the agent: systemctl restart vfleet-agent`,
      ],
      true,
    ],
  ])('is asked by whom: %s', (_, itsVersion, stateFolder, lines, isAsked) => {
    const status: AgentStatus = {
      apiVersion: 'vfleet/v1',
      kind: 'AgentStatus',
      version: itsVersion,
      pid: 1,
      startedAt: '2026-11-22T00:00:00.000Z',
      host: 'local',
      stateFolder: '/var/lib/vfleet/local',
      leases: 0,
      quarantined: 0,
      corrupt: 0,
      hanging: [],
      drift: 'none',
      enforce: false,
    };
    const notes: string[] = [];
    const terminal = { ...plainTerminal(undefined), note: (line: string) => void notes.push(line) };
    const found = matchingAgent({ terminal, version }, { label: 'local', stateFolder }, { status });
    expect(found !== undefined).toBe(isAsked);
    expect(notes).toEqual(lines);
  });
});
