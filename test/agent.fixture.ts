// Owns an agent under test: on a simulated host in this process, asked over its socket, waited for without a clock.

import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentEvent, AgentEventKind } from '../src/agent/agent-answers.ts';
import { runAgent } from '../src/agent/agent.ts';
import { writeAppliedSpec } from '../src/apply/applied-spec.ts';
import { parsePciAddress } from '../src/base/identifiers.ts';
import type { PciAddress } from '../src/base/identifiers.ts';
import type { AssigningHost } from '../src/assign/assigning-host.ts';
import type { Hypervisor } from '../src/hypervisor/hypervisor.ts';
import { version } from '../src/cli/version.ts';
import { readUplink } from '../src/inventory/uplink.ts';
import { setLink, setVfSettings } from '../src/kernel/rtnetlink/link.ts';
import { KernelSession } from '../src/kernel/session.ts';
import type { VfSettings } from '../src/model/vf.ts';
import type { SimKernel } from '../src/sim/sim-kernel.ts';
import { openProcess } from './assigning.fixture.ts';
import type { Faults, Process, World } from './assigning.fixture.ts';

/** Far more than anything takes: a test that fails shall say so and not hang. */
const longestWaitMs = 120_000;
const lookMs = 10;

export const agentSpec = `
apiVersion: vfleet/v1
kind: Host
networks:
  - { name: storage, vlan: 200, spoofCheck: true }
pfs:
  - match: { address: "0000:01:00.0" }
    networks: [storage]
    up: true
    vfs:
      count: 3
      default: { driver: vfio-pci, vlan: 7, spoofCheck: true }
`;
export const pf = '0000:01:00.0';

export interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: unknown;
}

export interface RunningAgent {
  readonly process: Process;
  readonly socketPath: string;
  readonly events: readonly AgentEvent[];
  readonly notified: readonly string[];
  /** Events of a kind so far. */
  of(kind: AgentEventKind): readonly AgentEvent[];
  stop(): Promise<void>;
}

export interface AgentExtras {
  readonly enforce?: boolean;
  readonly hypervisor?: Hypervisor;
  readonly socketPath?: string;
  /** Absent: that of the commands. */
  readonly version?: string;
  readonly faults?: Faults;
  /** In the host's time, of which a hundred seconds are one of ours. */
  readonly driverMs?: number;
}

/** Waits until something is so; fails when it never becomes so. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const end = Date.now() + longestWaitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`never came true: ${what}`);
    await sleep(lookMs);
  }
}

/** Makes the spec the applied one, as `vfleet apply` does. */
export function recordSpec(world: World, text = agentSpec): void {
  writeAppliedSpec(world.stateFolder, {
    fileName: '/etc/vfleet/host.yaml',
    text,
    appliedAt: '2026-11-22T00:00:00.000Z',
  });
}

/** Starts an agent and waits until it is ready, and has looked once. */
export async function startAgent(world: World, extras: AgentExtras = {}): Promise<RunningAgent> {
  const process = openProcess(world, extras.faults);
  const socketPath = extras.socketPath ?? join(world.stateFolder, 'agent.sock');
  const controller = new AbortController();
  const events: AgentEvent[] = [];
  const notified: string[] = [];
  const { host: opened, hypervisor } = process;
  const timeouts = { ...opened.timeouts, driverMs: extras.driverMs ?? opened.timeouts.driverMs };
  const host: AssigningHost = { ...opened, timeouts, hypervisor: extras.hypervisor ?? hypervisor };
  let failure: unknown;
  const running = runAgent({
    host,
    readGround: world.readGround,
    label: 'sim:igb',
    version: extras.version ?? version,
    socketPath,
    enforce: extras.enforce === true,
    signal: controller.signal,
    onEvent: (event) => events.push(event),
    notify: (message) => notified.push(message),
    watchdogMs: 1_000,
  }).catch((error: unknown) => {
    failure = error;
  });
  await until('the agent is ready', () => {
    if (failure !== undefined) throw failure;
    return notified.includes('READY=1');
  });
  return {
    process,
    socketPath,
    events,
    notified,
    of: (kind) => events.filter((event) => event.kind === kind),
    async stop() {
      controller.abort();
      await running;
      host.session.close();
      if (failure !== undefined) throw failure;
    },
  };
}

/** One request; a body that is no text is sent as JSON. */
export async function ask(
  socketPath: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ socketPath, method, path, headers, agent: false }, (response) => {
      let answer = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        answer += chunk;
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: answer === '' ? undefined : JSON.parse(answer),
        }),
      );
    });
    request.on('error', reject);
    request.end(text);
  });
}

/** Somebody sets a VF of the first PF by rtnetlink, as `ip link set` does. */
export async function setBehindBack(kernel: SimKernel, index: number, settings: VfSettings): Promise<void> {
  await onRoute(kernel, async (session, ifIndex) =>
    setVfSettings(session.route, ifIndex, [{ index, settings }]),
  );
}

/** Somebody brings the first PF up or down. */
export async function setUpBehindBack(kernel: SimKernel, up: boolean): Promise<void> {
  await onRoute(kernel, async (session, ifIndex) => setLink(session.route, ifIndex, { up }));
}

async function onRoute(
  kernel: SimKernel,
  work: (session: KernelSession, ifIndex: number) => Promise<void>,
): Promise<void> {
  const session = new KernelSession(kernel);
  try {
    const { ifIndex } = await readUplink(session, parsePciAddress(pf) as PciAddress);
    await work(session, ifIndex);
  } finally {
    session.close();
  }
}
