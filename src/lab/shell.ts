// Owns a person's terminal in the lab: raw bytes to a console of the guest and back, window size, and the way out.
// Must leave the terminal as it was, however the lab ends.

import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { ReadStream, WriteStream } from 'node:tty';
import type { Report } from './cache.ts';
import { renderOrders } from './command.ts';
import type { LabMachine } from './machine.ts';
import { copyUntilMarker, openLab } from './run.ts';

/** Ctrl-], which hardly any program uses. */
const escapeByte = 0x1d;
/** So many in a row end the machine, for a guest that no longer answers. */
const escapeCount = 3;

export interface LabShellTask {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly input: ReadStream;
  readonly output: WriteStream;
  readonly signal?: AbortSignal | undefined;
  readonly report: Report;
}

/**
 * Boots the lab and gives the terminal to a shell in it until that ends; gives the shell's exit status, or 130 after
 * Ctrl-] three times. Errors as for `runInLab`.
 */
export async function shellInLab(machine: LabMachine, task: LabShellTask): Promise<number> {
  const { input, output, report } = task;
  const end = randomBytes(24).toString('hex');
  const session = await openLab(machine, task, ['terminal']);
  const terminal = session.port('terminal');
  const restore: (() => void)[] = [];
  try {
    report('booting the lab (10 s or so)');
    const size = { rows: output.rows, columns: output.columns };
    session.order(
      await renderOrders({
        ...task,
        machine,
        command: ['/bin/bash'],
        end,
        hasInput: false,
        terminal: size,
      }),
    );
    await Promise.race([session.ready, session.lost]);
    report('exit or Ctrl-D leaves; Ctrl-] three times ends it when it hangs; nothing you change here stays');
    const copied = copyUntilMarker(terminal, output, end);
    const escaped = new Promise<number>((resolve) => {
      restore.push(connectKeyboard(input, terminal, () => resolve(130)));
    });
    const onResize = (): void => session.order(`size ${output.rows} ${output.columns}\n`);
    output.on('resize', onResize);
    restore.push(() => output.off('resize', onResize));
    const finished = Promise.all([session.status, copied]).then(([status]) => status);
    return await Promise.race([finished, escaped, session.lost]);
  } finally {
    for (const step of restore) step();
    await session.close();
  }
}

/** Sends each key to the guest as it is pressed; gives what undoes it. */
function connectKeyboard(input: ReadStream, terminal: Socket, onEscape: () => void): () => void {
  let escapes = 0;
  const onData = (chunk: Buffer): void => {
    for (const byte of chunk) {
      escapes = byte === escapeByte ? escapes + 1 : 0;
      if (escapes >= escapeCount) onEscape();
    }
    terminal.write(chunk);
  };
  input.setRawMode(true);
  input.on('data', onData);
  input.resume();
  return () => {
    input.off('data', onData);
    input.pause();
    input.setRawMode(false);
  };
}
