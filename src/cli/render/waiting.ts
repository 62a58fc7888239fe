// Owns what a user sees while vfleet computes for longer than a moment: what it does, and for how long already.
// Standard error only; nothing at all when it is done within a second.

import type { Terminal } from '../context.ts';
import { printable } from './table.ts';

const firstWordMs = 1_000;
/** Without a terminal, it is said again this often. */
const repeatMs = 5_000;

/** Begins to wait; `end` takes the line away again and can be called twice. */
export function beginWaiting(what: string, terminal: Terminal): { end(): void } {
  let seconds = 0;
  const text = (): string => `${printable(what)}: ${seconds} s`;
  const timer = setInterval(() => {
    seconds += 1;
    if (terminal.rewrite !== undefined) terminal.rewrite(text());
    else if (seconds === 1 || (seconds * 1_000) % repeatMs === 0) terminal.note(text());
  }, firstWordMs);
  return {
    end: () => {
      clearInterval(timer);
      if (seconds > 0) terminal.rewrite?.('');
      seconds = 0;
    },
  };
}
