// Owns who holds a lease of a plain QEMU: the agent, else a process that outlives us; how it is started, where it writes.
// What it does is `vfleet hold` (commands/hold.ts).

import { spawn } from 'node:child_process';
import { closeSync, openSync, renameSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { VfleetError, messageOf } from '../base/errors.ts';
import { findAgent } from './agent-client.ts';
import type { Lease } from '../model/lease.ts';
import type { CliContext, LiveHost } from './context.ts';

/** A holder writes some lines of 100 bytes; an older file of this size is set aside. */
const maxLogBytes = 1024 * 1024;

/** Where holders write what they do. */
export function holderLogPath(stateFolder: string): string {
  return join(stateFolder, 'hold.log');
}

/**
 * Starts a holder for a lease and gives back its process number. It has a session of its own, so the end of a terminal
 * does not reach it, and none of our descriptors: `$(vfleet attach --qemu …)` does not wait for it. Throws
 * `host.unsupported` when it cannot be started.
 */
export async function startHolder(context: CliContext, live: LiveHost, lease: Lease): Promise<number> {
  const [node, script] = context.program;
  const { key, generation } = lease;
  const names = ['--pf', key.pf, '--vf', String(key.vf), '--generation', generation];
  const host = ['--host', live.label, '--state', resolve(dirname(live.stateFolder))];
  const log = openLog(holderLogPath(live.stateFolder));
  try {
    const child = spawn(node, [script, 'hold', ...names, ...host], {
      // A folder that somebody works in can be unmounted; the faults of a simulated host may be named from here.
      ...(live.simulated === undefined ? { cwd: '/' } : {}),
      detached: true,
      stdio: ['ignore', log, log],
    });
    const pid = await new Promise<number>((started, failed) => {
      child.once('error', failed);
      child.once('spawn', () => started(child.pid ?? 0));
    });
    child.unref();
    return pid;
  } catch (cause) {
    throw new VfleetError(
      'host.unsupported',
      `no process can be started to hold the VF: ${messageOf(cause)}`,
      {
        cause,
      },
    );
  } finally {
    closeSync(log);
  }
}

function openLog(path: string): number {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined && found.size > maxLogBytes) renameSync(path, `${path}.1`);
    return openSync(path, 'a', 0o600);
  } catch (cause) {
    throw new VfleetError('file.unreadable', `${path} cannot be written: ${messageOf(cause)}`, {
      cause,
      details: { file: path },
    });
  }
}

/** Whether an agent looks after the host's leases. One that does not answer properly does not count. */
export async function hasAgent(live: LiveHost): Promise<boolean> {
  try {
    return (await findAgent(live)) !== undefined;
  } catch (error) {
    if (error instanceof VfleetError) return false;
    throw error;
  }
}
