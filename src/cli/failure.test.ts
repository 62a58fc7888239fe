import { describe, expect, it } from 'vitest';
import { VfleetError } from '../base/errors.ts';
import { reportFailure } from './failure.ts';
import { plainTerminal } from './render/testing/plain-terminal.ts';

function shown(error: unknown, widthColumns: number | undefined): readonly string[] {
  const lines: string[] = [];
  reportFailure(error, { ...plainTerminal(widthColumns), note: (line) => lines.push(line) }, false);
  return lines;
}

const names = Array.from({ length: 12 }, (_, index) => `"web-frontend-${index}"`).join(', ');
const error = new VfleetError(
  'vm.unknown',
  `there is no VM "nope" at any of the hosts that were asked for it`,
  {
    hint: `it has ${names}`,
    details: { problems: [`first ${names}`, 'second'] },
  },
);

describe('a failure', () => {
  it('is one line, its problems and a hint, where a script reads it', () => {
    expect(shown(error, undefined)).toEqual([
      `vfleet: ${error.message}`,
      `  first ${names}`,
      '  second',
      `  hint: ${error.hint}`,
    ]);
  });

  it('fits a terminal, with words left whole', () => {
    const lines = shown(error, 60);
    expect(lines.filter((line) => line.length > 60)).toEqual([]);
    expect(lines[0]).toMatch(/^vfleet: there is no VM/);
    expect(lines.join(' ').replaceAll(/ +/g, ' ')).toContain(`hint: it has ${names}`);
  });

  it('lets nothing through to a terminal that it would obey', () => {
    const lines = shown(new VfleetError('vm.unknown', 'no \u001b[2J\nVM', { hint: '\u202ex' }), 80);
    expect(lines).toEqual(['vfleet: no ?[2J?VM', '  hint: ?x']);
  });
});
