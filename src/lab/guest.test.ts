import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootScript, guestScript, parseReport, renderOrder, unescapeValue } from './guest.ts';

// Any text a program can be given: no NUL, and whole characters.
const argument = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', ''));

describe('renderOrder', () => {
  it('is one line of plain characters', () => {
    expect(renderOrder('arg', 'a b\n')).toBe('arg a\\0040b\\0012\n');
    expect(renderOrder('run')).toBe('run \n');
  });

  it('is read back byte for byte by the code of the guest', () => {
    fc.assert(
      fc.property(fc.array(argument, { maxLength: 5 }), (values) => {
        const reader = `while read -r order value; do ${unescapeValue}; printf '%s\\0' "$value"; done`;
        const lines = values.map((value) => renderOrder('arg', value)).join('');
        const read = execFileSync('/bin/sh', ['-c', reader], { input: lines });
        expect(read).toEqual(Buffer.from(values.map((value) => `${value}\0`).join('')));
      }),
      { numRuns: 50 },
    );
  });
});

describe('parseReport', () => {
  it('reads what the scripts write', () => {
    expect(parseReport('up')).toEqual({ kind: 'up' });
    expect(parseReport('ready')).toEqual({ kind: 'ready' });
    expect(parseReport('fail igb made other')).toEqual({ kind: 'fail', reason: 'igb made other' });
    expect(parseReport('exit 143')).toEqual({ kind: 'exit', status: 143 });
  });

  it('takes nothing else for a report', () => {
    fc.assert(
      fc.property(
        fc.string().filter((line) => !/^(up|ready)$|^fail|^exit \d{1,3}$/.test(line)),
        (line) => {
          expect(parseReport(line)).toBeUndefined();
        },
      ),
    );
    expect(parseReport('exit 256')).toBeUndefined();
    expect(parseReport('exit')).toBeUndefined();
  });
});

describe.each([
  ['bootScript', bootScript],
  ['guestScript', guestScript],
])('%s', (_, script) => {
  it('is a shell script without syntax errors', () => {
    expect(execFileSync('/bin/sh', ['-n'], { input: script }).toString()).toBe('');
  });
});
