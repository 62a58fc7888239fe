// Owns the child processes that stand in the kernel in our place while an attribute makes its caller wait.
// A thread of our own would not do: one that waits for a device lock cannot be killed, and our process could not exit.
// Knows dd's command line and messages; which calls come here is decided in local-files.ts.

import { spawn } from 'node:child_process';
import { VfleetError } from '../base/errors.ts';
import { childEnvironment, writeByDd } from './dd-launcher.ts';
import { errnoNameInMessage } from './errno-table.ts';
import type { Errno } from './kernel.ts';
import { noteStuckWrite, subjectOfWrite, waitForStuckWrite } from './stuck-writes.ts';

/** One page: the most that sysfs takes or gives in one call (Documentation/filesystems/sysfs.rst). */
export const attributeMaxBytes = 4096;
/** A message of dd is one line with a path (at most 4096 bytes) in it. */
const messageMaxBytes = 8192;

interface Ended {
  readonly status: number | null;
  readonly output: Buffer;
  readonly message: string;
}

/**
 * Writes text to a file that exists, in one write(2) made by a child process. Answers undefined or the errno.
 * `path` is absolute and as it shall be opened, in one line; `text` is 1 to 4096 bytes.
 * `kernel.timeout` after `timeoutMs`: the child is left alone, for a driver that is interrupted in the middle of a probe
 * leaves half a device behind. While it is in the kernel no other write is begun for the same device: one waits as long,
 * and fails in the same way. `host.unsupported` when there is no dd.
 */
export async function writeInChild(
  path: string,
  text: string,
  timeoutMs: number,
): Promise<Errno | undefined> {
  if (path.includes('\n'))
    throw new VfleetError('internal.bug', `a line break in a path: ${JSON.stringify(path)}`);
  const details = { operation: `write ${path}`, file: path };
  const subject = subjectOfWrite(path, text);
  const earlier = await waitForStuckWrite(subject, timeoutMs);
  if (earlier !== undefined) {
    throw new VfleetError(
      'kernel.timeout',
      `an earlier write to ${earlier} is still in the kernel, so ${path} was not written`,
      { details },
    );
  }
  const ended = await writeByDd(path, text, timeoutMs);
  if ('gone' in ended) {
    noteStuckWrite(subject, path, ended.gone);
    throw new VfleetError(
      'kernel.timeout',
      `the write to ${path} has been in the kernel for ${timeoutMs / 1000} s; it cannot be cancelled`,
      { details },
    );
  }
  return ended.status === 0 ? undefined : refusal(ended.message, path);
}

/** Reads an attribute, at most 4096 bytes, in one read(2) made by a child process. Errors as {@link writeInChild}. */
export async function readInChild(path: string, timeoutMs: number): Promise<Uint8Array | Errno> {
  const options = [`bs=${attributeMaxBytes}`, 'count=1'];
  const ended = await readByDd([`if=${path}`, ...options], timeoutMs);
  if (ended === undefined) {
    throw new VfleetError(
      'kernel.timeout',
      `the read of ${path} has been in the kernel for ${timeoutMs / 1000} s`,
      { details: { operation: `read ${path}`, file: path } },
    );
  }
  return ended.status === 0 ? new Uint8Array(ended.output) : refusal(ended.message, path);
}

function refusal(message: string, path: string): Errno {
  const errno = errnoNameInMessage(message);
  if (errno !== undefined) return { errno };
  throw new VfleetError('host.unsupported', `dd failed on ${path}: ${message.trim()}`, {
    hint: 'dd of GNU coreutils is needed.',
    details: { file: path },
  });
}

/** Runs dd; undefined when it has not ended after `timeoutMs`, and then nothing of it keeps our process alive. */
function readByDd(args: readonly string[], timeoutMs: number): Promise<Ended | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn('dd', [...args, 'status=none'], {
      cwd: '/',
      env: childEnvironment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output: Buffer[] = [];
    const messages: Buffer[] = [];
    collect(child.stdout, output, attributeMaxBytes);
    collect(child.stderr, messages, messageMaxBytes);

    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      child.unref();
      for (const stream of [child.stdout, child.stderr]) stream.destroy();
      resolve(undefined);
    }, timeoutMs);
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(
        new VfleetError('host.unsupported', `dd cannot be run: ${error.message}`, {
          hint: 'dd of GNU coreutils is needed.',
          cause: error,
        }),
      );
    });
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve({ status, output: Buffer.concat(output), message: Buffer.concat(messages).toString('utf8') });
    });
  });
}

function collect(stream: NodeJS.ReadableStream, chunks: Buffer[], maxBytes: number): void {
  let sizeBytes = 0;
  stream.on('data', (chunk: Buffer) => {
    if (sizeBytes >= maxBytes) return;
    chunks.push(chunk);
    sizeBytes += chunk.length;
  });
}
