import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { openTerminal } from './terminal.ts';

/** A terminal at which somebody types, and what it shows. */
function terminalWith(typed: string): { terminal: ReturnType<typeof openTerminal>; shown: () => string } {
  const stream = (): PassThrough & { isTTY: true } =>
    Object.assign(new PassThrough(), { isTTY: true as const });
  const [stdin, stdout, stderr] = [stream(), stream(), stream()];
  let shown = '';
  stderr.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
  });
  // Streams of a terminal are more than these; a question needs no more of them.
  const streams = { stdin, stdout, stderr } as unknown as Parameters<typeof openTerminal>[0];
  stdin.write(typed);
  return { terminal: openTerminal(streams, {}), shown: () => shown };
}

describe('a question at the terminal', () => {
  it.each([
    ['y\n', true],
    ['YES\n', true],
    ['\n', false],
    ['n\n', false],
    ['yes please\n', false],
  ])('is answered with %j', async (typed, answer) => {
    const { terminal, shown } = terminalWith(typed);
    expect(await terminal.confirm?.('Sure?')).toBe(answer);
    expect(shown()).toContain('Sure? [y/N] ');
  });

  it.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('is left with %s: no yes, no bug of ours, and what follows has a line of its own', async (_, typed) => {
    const { terminal, shown } = terminalWith(typed);
    await expect(terminal.confirm?.('Sure?')).rejects.toMatchObject({ code: 'apply.interrupted' });
    expect(shown()).toMatch(/\[y\/N\] .*\n$/s);
  });
});
