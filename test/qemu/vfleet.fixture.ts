// Owns the running of vfleet as it is built (scripts/test.mjs builds dist/ before the tests) on a simulated host with VFs.

import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openSimKernel } from '../../src/sim/open-sim-kernel.ts';
import type { SimKernel } from '../../src/sim/sim-kernel.ts';
import type { Lease } from '../../src/model/lease.ts';
import { withoutWaiting } from '../stderr.fixture.ts';

export const program = resolve('dist/cli/main.js');
/** Two ports of an Intel 82576 with pools for two networks. */
const spec = `apiVersion: vfleet/v1
kind: Host
networks:
  - { name: storage, vlan: 200, spoofCheck: true, maxTxRateMbps: 500 }
  - { name: front, vlan: 100, qos: 3 }
pfs:
  - match: { address: '0000:01:00.0' }
    networks: [storage, front]
    up: true
    vfs: { count: 4, default: { driver: vfio-pci }, '0': { vlan: 300 } }
  - match: { address: '0000:02:00.0' }
    networks: [storage, front]
    up: true
    vfs: { count: 4, default: { driver: vfio-pci } }
`;

const maxRemovals = 40;
const removalPauseMs = 50;

export interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TestHost {
  readonly on: readonly string[];
  /** Folder of the host: leases, log of the holders. */
  readonly stateFolder: string;
  readonly run: (...args: readonly string[]) => Promise<Result>;
  /** The same, to be killed in the middle. */
  readonly start: (...args: readonly string[]) => ChildProcess;
  readonly leases: () => Promise<readonly Lease[]>;
  /** What `vfleet show` says of PFs and VFs. */
  readonly pfs: () => Promise<unknown>;
  /** The host's kernel, to change it behind vfleet's back. */
  readonly kernel: () => Promise<SimKernel>;
  readonly remove: () => void;
}

/** A simulated host on which the spec was applied. */
export async function newHost(): Promise<TestHost> {
  const state = mkdtempSync(join(tmpdir(), 'vfleet-qemu-'));
  const on = ['--host', 'sim:igb', '--state', state];
  const stateFolder = join(state, 'sim-igb');
  const run = async (...args: readonly string[]): Promise<Result> => vfleet([...args, ...on]);
  const read = async (...args: readonly string[]): Promise<Record<string, unknown>> => {
    const { status, stdout, stderr } = await run(...args, '--json');
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  const specFile = join(state, 'spec.yaml');
  writeFileSync(specFile, spec);
  const { status, stderr } = await run('apply', specFile, '--yes');
  if (status !== 0) throw new Error(stderr);
  return {
    on,
    stateFolder,
    run,
    start: (...args) =>
      spawn(process.execPath, [program, ...args, ...on], { env: ownEnvironment(), stdio: 'ignore' }),
    leases: async () => (await read('leases'))['leases'] as readonly Lease[],
    pfs: async () => (await read('show'))['pfs'],
    kernel: async () => openSimKernel('igb', { stateFile: join(stateFolder, 'kernel.json') }),
    remove: () => removeFolder(state),
  };
}

/** A holder whose lease has just ended looks once more before it ends, too, and makes a file for its lock meanwhile. */
function removeFolder(path: string): void {
  for (let tries = 1; ; tries += 1) {
    try {
      rmSync(path, { recursive: true, force: true });
      return;
    } catch (error) {
      if (tries === maxRemovals) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, removalPauseMs);
    }
  }
}

/** The environment without what it says to vfleet. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(NO_COLOR|VFLEET_.*)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

async function vfleet(args: readonly string[]): Promise<Result> {
  return new Promise((done) => {
    const options = { env: ownEnvironment(), maxBuffer: 64 * 1024 * 1024 };
    execFile(process.execPath, [program, ...args], options, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      done({ status, stdout, stderr: withoutWaiting(stderr) });
    });
  });
}
