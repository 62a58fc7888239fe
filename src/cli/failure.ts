// Owns what a user reads when something failed: one line, the problems, a hint; and the process status.

import { CommanderError } from 'commander';
import { ExitStatus, VfleetError, messageOf } from '../base/errors.ts';
import type { Terminal } from './context.ts';
import { wrapText } from './render/table.ts';

const prefix = 'vfleet:';

/** Prints a failure and gives back the exit status. With `asJson`, one JSON object goes to standard error instead. */
export function reportFailure(thrown: unknown, terminal: Terminal, asJson: boolean): number {
  // commander has printed what it had to say.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? ExitStatus.ok : ExitStatus.failed;
  const error =
    thrown instanceof VfleetError
      ? thrown
      : new VfleetError('internal.bug', messageOf(thrown), {
          hint: 'please report this with the command and VFLEET_DEBUG=1',
          cause: thrown,
        });
  if (asJson) {
    const { code, message, hint, details } = error;
    terminal.note(JSON.stringify({ error: { code, message, hint, details } }));
    return error.exitStatus;
  }
  const problems = error.details.problems ?? [];
  const isList = problems.length > 0 && (problems.length > 1 || problems[0] !== error.message);
  const wrap = (text: string, first: string): readonly string[] =>
    wrapText(text, first, terminal.widthColumns);
  const [title = '', ...rest] = wrap(error.message, `${prefix} `);
  const lines = [
    `${terminal.style('red', prefix)}${title.slice(prefix.length)}`,
    ...rest,
    ...(isList ? problems.flatMap((problem) => wrap(problem, '  ')) : []),
    ...(error.hint === undefined ? [] : wrap(error.hint, '  hint: ')),
  ];
  for (const line of lines) terminal.note(line);
  return error.exitStatus;
}
