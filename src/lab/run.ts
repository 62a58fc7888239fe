// Owns running one command in the lab with its bytes and exit status as if it ran here.
// Must not print anything of its own except through `report`.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { VfleetError, messageOf } from '../base/errors.ts';
import { labCacheFolder } from './cache.ts';
import type { Report } from './cache.ts';
import { renderOrders } from './command.ts';
import { findEndMarker } from './end-marker.ts';
import { prepareImage } from './image.ts';
import { prepareInitramfs } from './initramfs.ts';
import { checkLabMachine } from './machine.ts';
import type { LabMachine } from './machine.ts';
import { missingLabPackages, missingPackagesError } from './packages.ts';
import { startSession } from './session.ts';
import type { LabSession } from './session.ts';

export interface LabTask {
  /** Program and arguments, found by the guest's PATH. */
  readonly command: readonly string[];
  /** Folder to run in, absolute; the same path as on the host. */
  readonly cwd: string;
  /** The caller's environment: what does not hold in the guest is left out. Also decides on the cache's folder. */
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Undefined gives the command an empty input. */
  readonly stdin?: Readable | undefined;
  /** Ends the machine; the run is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told about work that takes more than a second: fetching and building on first use. */
  readonly report?: Report | undefined;
}

/** Once the command has ended, what it wrote is on its way: longer means that something holds its output. */
const drainTimeoutMs = 60_000;

/**
 * Boots the lab, runs a command in it as root, and gives its exit status: 128 + signal when a signal ended it, 127 when
 * there is no such program, 126 when it cannot be run. Processes it left behind are ended, and the machine is gone.
 * Errors: `usage.invalid` for a machine that cannot be had, `lab.package-missing`, `host.unsupported`, `lab.failed`.
 */
export async function runInLab(machine: LabMachine, task: LabTask): Promise<number> {
  const end = randomBytes(24).toString('hex');
  const session = await openLab(machine, task, task.stdin === undefined ? [] : ['stdin']);
  const forwarding = new AbortController();
  try {
    session.order(
      await renderOrders({ ...task, machine, end, hasInput: task.stdin !== undefined, terminal: undefined }),
    );
    const outputs = Promise.all([
      copyUntilMarker(session.port('stdout'), task.stdout, end),
      copyUntilMarker(session.port('stderr'), task.stderr, end),
    ]);
    for (const target of [task.stdout, task.stderr]) target.on('error', session.fail);
    if (task.stdin !== undefined) forwardInput(task.stdin, session.port('stdin'), forwarding.signal);
    const status = await Promise.race([session.status, session.lost]);
    await Promise.race([outputs, session.lost, drainTimeout(forwarding.signal)]);
    return status;
  } finally {
    forwarding.abort();
    await session.close();
    for (const target of [task.stdout, task.stderr]) target.off('error', session.fail);
  }
}

/**
 * How long each attempt may take from start to user space: on a busy machine it has taken 40 s. A machine that hangs
 * before it did anything is started anew once.
 */
const bootTimeoutsMs = [60_000, 120_000] as const;

/** Checks, prepares and starts a machine until it takes orders. Exported for the interactive shell. */
export async function openLab(
  machine: LabMachine,
  task: Pick<LabTask, 'env' | 'signal' | 'report'>,
  ports: readonly ('stdin' | 'terminal')[],
): Promise<LabSession> {
  checkLabMachine(machine);
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new VfleetError('host.unsupported', `the lab runs on x86-64 Linux, not on ${process.arch}`);
  }
  const missing = await missingLabPackages(task.env);
  if (missing.length > 0) throw await missingPackagesError(missing);
  const cacheFolder = labCacheFolder(task.env);
  const image = await prepareImage({
    cacheFolder,
    netdevsim: machine.netdevsimVfs !== undefined,
    refresh: false,
    report: task.report ?? (() => {}),
    signal: task.signal,
  });
  const initramfsFile = await prepareInitramfs(image, task.signal);
  const start = async (bootTimeoutMs: number): Promise<LabSession> => {
    const session = await startSession({
      machine,
      files: { kernelFile: image.kernelFile, initramfsFile, modulesFolder: image.modulesFolder },
      cacheFolder,
      ports: ports.includes('terminal') ? ['control', 'terminal'] : ['control', 'stdout', 'stderr', ...ports],
      bootTimeoutMs,
      env: task.env,
      signal: task.signal,
    });
    try {
      await session.up;
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  };
  try {
    return await start(bootTimeoutsMs[0]);
  } catch (error) {
    task.signal?.throwIfAborted();
    task.report?.(`${messageOf(error)}: trying once more`);
    return await start(bootTimeoutsMs[1]);
  }
}

/** Copies bytes until the marker, at the pace of the target. */
export async function copyUntilMarker(source: Socket, target: Writable, end: string): Promise<void> {
  const marker = findEndMarker(end);
  for await (const chunk of source) {
    const content = marker.push(chunk as Buffer);
    if (content.byteLength > 0 && !target.write(content)) await drained(target);
    if (marker.isDone()) return;
  }
}

/** Fulfilled when the target takes bytes again; rejected when it is broken. */
async function drained(target: Writable): Promise<void> {
  if (target.errored !== null) throw target.errored;
  if (!target.writableNeedDrain) return;
  await once(target, 'drain');
}

/** Passes input on at the guest's pace; its end closes only our direction, so that QEMU reads all before it. */
function forwardInput(source: Readable, target: Socket, until: AbortSignal): void {
  const onData = (chunk: Buffer): void => {
    if (target.write(chunk)) return;
    source.pause();
    target.once('drain', () => source.resume());
  };
  const onEnd = (): void => {
    target.end();
  };
  source.on('data', onData).once('end', onEnd).once('error', onEnd);
  until.addEventListener(
    'abort',
    () => {
      source.off('data', onData).off('end', onEnd).off('error', onEnd).pause();
    },
    { once: true },
  );
}

async function drainTimeout(until: AbortSignal): Promise<never> {
  return await new Promise((_, reject) => {
    const timer = setTimeout(() => {
      reject(
        new VfleetError(
          'lab.failed',
          `the command ended, but its output did not within ${drainTimeoutMs / 1000} s`,
        ),
      );
    }, drainTimeoutMs);
    until.addEventListener('abort', () => clearTimeout(timer), { once: true });
  });
}
