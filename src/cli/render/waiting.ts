// Owns what a user sees while vfleet works for longer than a moment: what it does, and for how long already.
// Standard error only; nothing at all when it is done within a second.

import type { Terminal } from '../context.ts';
import { printable } from './table.ts';

const firstWordMs = 1_000;
/** Without a terminal, it is said again this often. */
const repeatMs = 5_000;

export interface Waiting {
  /** What is being done from now on; the time goes on. */
  readonly say: (what: string) => void;
  /** Takes the line away again; can be called twice. */
  readonly end: () => void;
}

/** Begins to wait. */
export function beginWaiting(what: string, terminal: Terminal): Waiting {
  let current = what;
  let seconds = 0;
  let isNew = true;
  const text = (): string => `${printable(current)}: ${seconds} s`;
  const timer = setInterval(() => {
    seconds += 1;
    if (terminal.rewrite !== undefined) terminal.rewrite(text());
    else if (isNew || (seconds * 1_000) % repeatMs === 0) terminal.note(text());
    isNew = false;
  }, firstWordMs);
  return {
    say: (next) => {
      if (next === current) return;
      current = next;
      isNew = true;
      if (seconds > 0) terminal.rewrite?.(text());
    },
    end: () => {
      clearInterval(timer);
      if (seconds > 0) terminal.rewrite?.('');
      seconds = 0;
    },
  };
}
