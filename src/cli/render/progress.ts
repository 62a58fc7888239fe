// Owns what a user sees while a host is being changed: a line per step, and details that overwrite themselves.

import type { ApplyEvent } from '../../apply/apply-plan.ts';
import type { Terminal } from '../context.ts';
import { printable } from './table.ts';

/** Without a terminal, details of a long step are said this often. */
const detailIntervalMs = 5_000;

/** A listener for apply events that writes to standard error. */
export function createProgress(terminal: Terminal, nowMs: () => number): (event: ApplyEvent) => void {
  let title = '';
  let lastDetailMs = nowMs();
  return (event) => {
    switch (event.kind) {
      case 'step':
        title = `[${event.index + 1}/${event.count}] ${printable(event.text)}`;
        lastDetailMs = nowMs();
        if (terminal.rewrite === undefined) terminal.note(title);
        else terminal.rewrite(`${title} …`);
        break;
      case 'detail':
        if (terminal.rewrite !== undefined) terminal.rewrite(`${title} … ${printable(event.text)}`);
        else if (nowMs() - lastDetailMs >= detailIntervalMs) {
          lastDetailMs = nowMs();
          terminal.note(`${title}: ${printable(event.text)}`);
        }
        break;
      case 'done':
        if (terminal.rewrite !== undefined) {
          terminal.rewrite('');
          terminal.note(
            `${title} ${terminal.style('green', 'done')} ${terminal.style('dim', seconds(event.durationMs))}`,
          );
        }
        break;
      case 'undoing':
        terminal.rewrite?.('');
        terminal.note(terminal.style('red', `failed: ${printable(event.why)}`));
        terminal.note('putting everything back');
        break;
      case 'undo-step':
        title = `undo ${printable(event.text)}`;
        terminal.note(title);
        break;
    }
  };
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(durationMs < 10_000 ? 2 : 0)} s`;
}
