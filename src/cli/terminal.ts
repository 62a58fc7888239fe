// Owns the terminal: whether there is one, its width, colours, questions.
// Built once by main.ts from the process's streams and environment.

import { createInterface } from 'node:readline/promises';
import { styleText } from 'node:util';
import { VfleetError } from '../base/errors.ts';
import type { Terminal } from './context.ts';
import { beginningOf } from './render/text-width.ts';

interface Streams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

interface TerminalEnvironment {
  readonly NO_COLOR?: string | undefined;
  readonly TERM?: string | undefined;
  readonly LC_ALL?: string | undefined;
  readonly LC_CTYPE?: string | undefined;
  readonly LANG?: string | undefined;
}

const clearLine = '\r\u001b[2K';

/** A serial console says 0. */
function widthOf(stream: NodeJS.WriteStream): number {
  return stream.columns > 0 ? stream.columns : 80;
}

/** Whether the locale is one of UTF-8: the first of these that is set decides (POSIX, Base Definitions 8.2). */
function isUtf8({ LC_ALL, LC_CTYPE, LANG }: TerminalEnvironment): boolean {
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== '');
  return /utf-?8/i.test(locale ?? '');
}

/** A terminal on the given streams. Colours only on a terminal, and not with NO_COLOR (no-color.org) or TERM=dumb. */
export function openTerminal(streams: Streams, environment: TerminalEnvironment): Terminal {
  const { stdin, stdout, stderr } = streams;
  const isDumb = environment.TERM === 'dumb';
  const wantsColour = (environment.NO_COLOR ?? '') === '' && !isDumb;
  const hasColour = wantsColour && stdout.isTTY;
  const canRewrite = stderr.isTTY && !isDumb;
  let isRewriting = false;
  return {
    print: (line) => void stdout.write(`${line}\n`),
    note: (line) => {
      stderr.write(`${isRewriting ? clearLine : ''}${line}\n`);
      isRewriting = false;
    },
    rewrite: canRewrite
      ? (line) => {
          stderr.write(`${clearLine}${beginningOf(line, widthOf(stderr) - 1)}`);
          isRewriting = line !== '';
        }
      : undefined,
    widthColumns: stdout.isTTY ? widthOf(stdout) : undefined,
    isUtf8: isUtf8(environment),
    style: (style, text) => (hasColour ? styleText(style, text, { validateStream: false }) : text),
    confirm:
      stdin.isTTY && stderr.isTTY
        ? async (question) => {
            const answer = await readAnswer(`${question} [y/N] `, stdin, stderr);
            if (answer !== undefined) return /^y(es)?$/i.test(answer.trim());
            stderr.write('\n');
            throw new VfleetError('apply.interrupted', 'no answer was given, so nothing was changed');
          }
        : undefined,
  };
}

/** What is typed behind a question; undefined when it is left with Ctrl-C or Ctrl-D. */
async function readAnswer(
  question: string,
  input: NodeJS.ReadStream,
  output: NodeJS.WriteStream,
): Promise<string | undefined> {
  const asking = createInterface({ input, output });
  // Of some versions of Node the question itself never ends then.
  const left = new Promise<undefined>((resolve) => asking.once('close', () => resolve(undefined)));
  try {
    return await Promise.race([asking.question(question).catch(() => undefined), left]);
  } finally {
    asking.close();
  }
}
