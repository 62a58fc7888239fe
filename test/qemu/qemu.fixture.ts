// Owns a real QEMU for tests: without a guest (-S) and without devices of the host, so it needs no right and little time.

import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectQmp } from '../../src/hypervisor/qemu/qmp.ts';
import type { QmpClient } from '../../src/hypervisor/qemu/qmp.ts';
import { VfleetError } from '../../src/base/errors.ts';

const program = 'qemu-system-x86_64';
/** It listens before it has made its machine, and greets after that. */
const greetingTimeoutMs = 120_000;
/** Debian's package with the program. */
export const qemuPackage = 'qemu-system-x86';

/** Whether the tests that need QEMU are skipped. In CI they run, and fail without it. */
export const isQemuMissing =
  process.env['CI'] !== 'true' && spawnSync(program, ['--version'], { stdio: 'ignore' }).status !== 0;

export interface TestQemu {
  readonly pid: number;
  readonly qmpPath: string;
  readonly process: ChildProcess;
  readonly stop: () => Promise<void>;
}

/** Starts a q35 machine that stands still, with these arguments besides, and waits for its monitor. */
export async function startQemu(args: readonly string[] = []): Promise<TestQemu> {
  const folder = mkdtempSync(join(tmpdir(), 'vfleet-qemu-'));
  const qmpPath = join(folder, 'qmp');
  const machine = ['-machine', 'q35,accel=tcg', '-m', '64', '-S', '-nodefaults', '-display', 'none'];
  const child = spawn(program, [...machine, '-qmp', `unix:${qmpPath},server=on,wait=off`, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      said.push(error.message);
      resolve();
    });
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    (await whenListening(child, qmpPath)).close();
  } catch (cause) {
    await stop();
    throw new Error(`${program} (Debian package ${qemuPackage}) does not run: ${said.join('')}`, { cause });
  }
  return { pid: child.pid ?? 0, qmpPath, process: child, stop };
}

/** Connects as soon as the socket is there, as long as QEMU runs. */
async function whenListening(child: ChildProcess, qmpPath: string): Promise<QmpClient> {
  for (;;) {
    try {
      return await connectQmp(qmpPath, greetingTimeoutMs);
    } catch (error) {
      const isEarly = error instanceof VfleetError && error.code === 'hypervisor.unreachable';
      if (!isEarly || child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
        throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
