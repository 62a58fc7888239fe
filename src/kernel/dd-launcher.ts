// Owns a small shell that starts one dd after another, so that not each write has to copy our own, large process: of the
// 3 ms that a dd of ours took, 2 were that. Knows the shell's side of it; what is written, and what a refusal means, is
// waiting-child.ts's.

import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { Socket } from 'node:net';
import { VfleetError } from '../base/errors.ts';

/**
 * Reads a path and a size, a line each, and lets dd take so many bytes from the same pipe. Ends after a refusal, for then
 * nobody knows what dd has read of them. Signals that are meant for us must not reach a write that is half done.
 *
 * fullblock and one block: the pipe may hand the text over in pieces, the attribute must see it whole.
 */
const script = `trap '' HUP INT TERM
while IFS= read -r path && IFS= read -r size; do
  echo '>'
  dd of="$path" bs="$size" count=1 iflag=fullblock conv=notrunc,nocreat status=none 2>&1
  status=$?
  echo "=$status"
  [ $status -eq 0 ] || exit
done`;
/** What an answer begins and ends with; a path has no line break, so no message of dd looks like it. */
const answerPattern = /^>\n(.*)=(\d+)\n$/s;
/** So many wait for the next write, of those that were needed at once. */
const maxIdle = 8;

// Nothing of our environment reaches a child; the messages have to be English.
export const childEnvironment = { LC_ALL: 'C', PATH: '/usr/bin:/bin:/usr/sbin:/sbin' };

export interface DdEnd {
  readonly hasBegun: boolean;
  readonly status: number | undefined;
  readonly message: string;
}

/** A dd that is still in the kernel. */
export interface StuckDd {
  /** It has come out. */
  readonly gone: Promise<void>;
}

const idle: Launcher[] = [];

/**
 * Writes in one write(2) made by a dd, which may be still in the kernel after `timeoutMs`. `path` has no line break. Throws
 * `host.unsupported` when there is no shell.
 */
export async function writeByDd(path: string, text: string, timeoutMs: number): Promise<DdEnd | StuckDd> {
  for (;;) {
    const rested = idle.pop();
    const launcher = rested ?? new Launcher();
    const end = await launcher.write(path, text, timeoutMs);
    // Somebody ended it while it waited, and nothing was written.
    if (rested !== undefined && end?.hasBegun === false) continue;
    if (end?.status === 0 && idle.length < maxIdle) idle.push(launcher);
    else launcher.leave();
    return end ?? { gone: launcher.gone };
  }
}

class Launcher {
  /** The shell, which waits for its dd, has ended. */
  readonly gone: Promise<void>;
  readonly #child: ChildProcessWithoutNullStreams;
  #answer = '';
  #end: (end: DdEnd | undefined) => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;

  constructor() {
    this.#child = spawn('sh', ['-c', script], {
      cwd: '/',
      env: childEnvironment,
      // A session of its own: Ctrl-C at our terminal must not reach a write that is half done.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.gone = new Promise((resolve) => {
      this.#child.on('exit', () => resolve());
    });
    const { stdin, stdout, stderr } = this.#child;
    stdout.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    stderr.resume();
    // It may end without reading: its end says so, the broken pipe does not.
    stdin.on('error', () => undefined);
    this.#child.on('error', (cause) => {
      this.#forget();
      this.#fail(
        new VfleetError('host.unsupported', `sh cannot be run: ${cause.message}`, {
          hint: 'sh and dd of GNU coreutils are needed.',
          cause,
        }),
      );
    });
    this.#child.on('close', () => {
      this.#forget();
      this.#end({
        hasBegun: this.#answer !== '',
        status: undefined,
        message: 'the shell that started it was ended',
      });
    });
  }

  async write(path: string, text: string, timeoutMs: number): Promise<DdEnd | undefined> {
    this.#hold(true);
    this.#answer = '';
    const timer = setTimeout(() => this.#end(undefined), timeoutMs);
    try {
      return await new Promise((resolve, reject) => {
        this.#end = resolve;
        this.#fail = reject;
        this.#child.stdin.write(`${path}\n${Buffer.byteLength(text)}\n${text}`);
      });
    } finally {
      clearTimeout(timer);
      this.#hold(false);
    }
  }

  /** Nobody writes through it any more. A dd that stands in the kernel is left alone there. */
  leave(): void {
    const { stdin, stdout, stderr } = this.#child;
    for (const stream of [stdin, stdout, stderr]) stream.destroy();
  }

  #take(text: string): void {
    this.#answer += text;
    const [, message = '', status] = answerPattern.exec(this.#answer) ?? [];
    if (status !== undefined) this.#end({ hasBegun: true, status: Number(status), message });
  }

  /** Whether our process has to wait for it; one that waits for the next write must not keep us from ending. */
  #hold(isNeeded: boolean): void {
    const { stdin, stdout, stderr } = this.#child;
    const handles = [this.#child, ...[stdin, stdout, stderr].filter((stream) => stream instanceof Socket)];
    for (const handle of handles) {
      if (isNeeded) handle.ref();
      else handle.unref();
    }
  }

  #forget(): void {
    const at = idle.indexOf(this);
    if (at >= 0) idle.splice(at, 1);
  }
}
