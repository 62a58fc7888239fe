// The agent on a real kernel: which changes behind its back it notices, and what it puts back.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DriftReport } from '../src/agent/agent-answers.ts';
import { openAgent } from '../src/cli/agent-client.ts';
import type { AgentClient } from '../src/cli/agent-client.ts';
import { applySpec, startVfleet } from './lab/command.ts';
import type { VfleetProcess } from './lab/command.ts';
import {
  driverOf,
  interfaceOf,
  makeFolder,
  pf0,
  resetLab,
  run,
  until,
  vfOf,
  writeSys,
} from './lab/lab-host.ts';

const spec = `  - match: { address: '${pf0}' }
    up: true
    vfs: { count: 3, default: { driver: kernel, spoofCheck: true, vlan: 7 } }
`;

describe('an agent on a real host', () => {
  const state = makeFolder();
  const socket = `${state}/agent.sock`;
  let agent: VfleetProcess | undefined;

  beforeAll(async () => {
    await resetLab();
    await applySpec(state, spec);
  });

  afterEach(async () => {
    agent?.child.kill('SIGTERM');
    const outcome = await agent?.ended;
    if (outcome?.status !== 0) throw new Error(`the agent ended with ${outcome?.status}: ${outcome?.stderr}`);
    agent = undefined;
  });

  afterAll(resetLab);

  async function start(...options: readonly string[]): Promise<AgentClient> {
    agent = startVfleet(state, ['agent', '--socket', socket, ...options]);
    let client: AgentClient | undefined;
    await until('the agent answers', async () => {
      client = await openAgent(socket);
      return client !== undefined;
    });
    if (client === undefined) throw new Error('no agent');
    await drift(client, ({ state: now }) => now === 'none');
    return client;
  }

  async function drift(client: AgentClient, holds: (report: DriftReport) => boolean): Promise<void> {
    await until('the drift that is waited for', async () => holds(await client.readDrift()));
  }

  const isOn =
    (vf: number, attribute: string) =>
    ({ items }: DriftReport): boolean =>
      items.some((item) => item.vf === vf && item.attribute === attribute);

  it('notices settings while the PF is up and while it is down, and a driver that is taken away', async () => {
    const client = await start();
    const name = interfaceOf(pf0);
    await run('ip', ['link', 'set', 'dev', name, 'vf', '0', 'vlan', '9']);
    await drift(client, isOn(0, 'vlan'));
    await run('ip', ['link', 'set', 'dev', name, 'down']);
    await run('ip', ['link', 'set', 'dev', name, 'vf', '1', 'vlan', '9']);
    await drift(client, isOn(1, 'vlan'));
    const vf = vfOf(pf0, 2);
    writeSys('/sys/bus/pci/drivers/igbvf/unbind', vf);
    await drift(client, isOn(2, 'driver'));
    writeSys('/sys/bus/pci/drivers/igbvf/bind', vf);
    await run('ip', ['link', 'set', 'dev', name, 'up']);
    for (const index of ['0', '1'])
      await run('ip', ['link', 'set', 'dev', name, 'vf', index, 'vlan', '7', 'qos', '0']);
    await drift(client, ({ state: now }) => now === 'none');
    expect((await client.readDrift()).items).toEqual([]);
  });

  it('puts a setting and a driver back', async () => {
    const client = await start('--enforce');
    await run('ip', ['link', 'set', 'dev', interfaceOf(pf0), 'vf', '0', 'vlan', '9']);
    const vf = vfOf(pf0, 2);
    writeSys('/sys/bus/pci/drivers/igbvf/unbind', vf);
    await until('the driver is back', () => driverOf(vf) === 'igbvf');
    await drift(client, ({ state: now }) => now === 'none');
    expect((await client.readDrift()).items).toEqual([]);
  });
});
