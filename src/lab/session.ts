// Owns one run of the lab's machine: starting QEMU, its life, and the conversation with the guest's scripts.
// Must not know what command runs or where its bytes go (run.ts and shell.ts do).

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { VfleetError } from '../base/errors.ts';
import { toolPath } from './program.ts';
import { greeting, parseReport } from './guest.ts';
import type { GuestReport, guestPorts } from './guest.ts';
import { qemuArguments } from './machine.ts';
import type { LabMachine } from './machine.ts';

type PortName = keyof typeof guestPorts;

export interface LabSession {
  readonly port: (name: PortName) => Socket;
  /** Sends lines of {@link renderOrder} to the guest. */
  readonly order: (lines: string) => void;
  /** Fulfilled when the guest's user space takes orders. */
  readonly up: Promise<void>;
  /** Fulfilled when the guest is about to start the command. */
  readonly ready: Promise<void>;
  /** Exit status of the command, 128 + signal when that ended it. */
  readonly status: Promise<number>;
  /** Never fulfilled; rejected when the machine is lost, does not come up in time, or the signal is aborted. */
  readonly lost: Promise<never>;
  /** Fails the session from outside: `lost` is rejected with this error. */
  readonly fail: (error: Error) => void;
  /** Ends the machine, however it is; afterwards no process of it is left. */
  readonly close: () => Promise<void>;
}

/** From the first order to the command; on a busy machine it has taken 20 s. */
const setupTimeoutMs = 120_000;
const logLifeMs = 7 * 24 * 3600 * 1000;
/** Standard input, output and error of QEMU itself come before the ports. */
const firstPortFd = 3;

/** Starts the machine. Its console log is kept in the cache when it fails, and named by the error (`lab.failed`). */
export async function startSession(options: {
  readonly machine: LabMachine;
  readonly files: {
    readonly kernelFile: string;
    readonly initramfsFile: string;
    readonly modulesFolder: string;
  };
  readonly cacheFolder: string;
  readonly ports: readonly PortName[];
  /** How long to wait for `up`. */
  readonly bootTimeoutMs: number;
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
}): Promise<LabSession> {
  const { machine, files, ports, signal } = options;
  signal?.throwIfAborted();
  const consoleFile = join(await prepareLogFolder(options.cacheFolder), `console-${randomUUID()}.log`);
  const log = await open(consoleFile, 'a');
  const fds = Object.fromEntries(ports.map((name, index) => [name, firstPortFd + index]));
  // Node's pipes are connected stream sockets, which is what QEMU's socket character devices take. A session of its
  // own keeps a terminal's Ctrl-C from QEMU: we end it.
  const qemu = spawn('qemu-system-x86_64', qemuArguments(machine, { ...files, consoleFile, ports: fds }), {
    stdio: ['ignore', log.fd, log.fd, ...ports.map(() => 'pipe' as const)],
    env: { ...options.env, PATH: toolPath(options.env['PATH']) },
    detached: true,
  });
  const kill = (): void => {
    qemu.kill('SIGKILL');
  };
  process.once('exit', kill);
  const ended = endOf(qemu);
  await log.close();

  const lost = withResolvers<never>();
  const up = withResolvers<void>();
  const ready = withResolvers<void>();
  const status = withResolvers<number>();
  for (const { promise } of [lost, up, ready, status]) promise.catch(() => {});
  let keepLog = false;
  let closing = false;
  const fail = (error: Error): void => {
    for (const { reject } of [lost, up, ready, status]) reject(error);
  };
  const failLab = (what: string): void => {
    keepLog ||= !closing;
    fail(
      new VfleetError('lab.failed', what, { hint: `Read ${consoleFile}`, details: { file: consoleFile } }),
    );
  };

  const onAbort = (): void => fail(signal?.reason as Error);
  signal?.addEventListener('abort', onAbort, { once: true });
  void ended.then((why) => failLab(`the lab's machine ended by itself: ${why}`));
  const expect = (what: string, timeoutMs: number): NodeJS.Timeout =>
    setTimeout(() => failLab(`the lab's machine did not ${what} within ${timeoutMs / 1000} s`), timeoutMs);
  let timer = expect('start its user space', options.bootTimeoutMs);
  const hear = (report: GuestReport): void => {
    if (report.kind === 'fail') failLab(`the lab's guest could not be set up: ${report.reason}`);
    if (report.kind === 'exit') status.resolve(report.status);
    if (report.kind !== 'up' && report.kind !== 'ready') return;
    clearTimeout(timer);
    if (report.kind === 'up') timer = expect('start the command', setupTimeoutMs);
    (report.kind === 'up' ? up : ready).resolve();
  };

  const sockets = new Map(ports.map((name) => [name, qemu.stdio[fds[name] ?? 0] as Socket]));
  // A socket that breaks means that QEMU ends, which is noticed there.
  for (const socket of sockets.values()) socket.on('error', () => {});
  const port = (name: PortName): Socket => {
    const socket = sockets.get(name);
    if (socket === undefined) throw new VfleetError('internal.bug', `the lab has no port ${name}`);
    return socket;
  };
  hearReports(port('control'), hear);
  port('control').write(greeting);

  return {
    port,
    order: (lines) => port('control').write(lines),
    up: up.promise,
    ready: ready.promise,
    status: status.promise,
    lost: lost.promise,
    fail,
    async close() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      closing = true;
      kill();
      await ended;
      process.off('exit', kill);
      for (const socket of sockets.values()) socket.destroy();
      if (!keepLog) await rm(consoleFile, { force: true });
    },
  };
}

/** Reads the guest's reports, line by line, until the machine is gone. */
function hearReports(control: Socket, hear: (report: GuestReport) => void): void {
  let unread = '';
  control.on('data', (chunk: Buffer) => {
    const lines = (unread + chunk.toString()).split('\n');
    unread = lines.pop() ?? '';
    for (const line of lines) {
      const report = parseReport(line);
      if (report !== undefined) hear(report);
    }
  });
}

/** Fulfilled when the process is gone, or never was, with the reason in words. */
async function endOf(qemu: ChildProcess): Promise<string> {
  return await new Promise((resolve) => {
    qemu.once('error', (error) => resolve(error.message));
    qemu.once('exit', (code, signal) => resolve(signal ?? `status ${code}`));
  });
}

async function prepareLogFolder(cacheFolder: string): Promise<string> {
  const folder = join(cacheFolder, 'logs');
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) {
    const file = join(folder, name);
    const age = Date.now() - ((await stat(file).catch(() => undefined))?.mtimeMs ?? Date.now());
    if (age > logLifeMs) await rm(file, { force: true });
  }
  return folder;
}

interface Resolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** Promise.withResolvers, which Node 20 lacks. */
function withResolvers<T>(): Resolvers<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
