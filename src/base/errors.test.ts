import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorCodes, ExitStatus, VfleetError } from './errors.ts';

/** Rows of the table in docs/errors.md: code, exit status, retry, meaning, action. */
function readPage(): string[][] {
  return readFileSync('docs/errors.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

describe('the table of error codes', () => {
  it('is the same as docs/errors.md', () => {
    const table = Object.entries(errorCodes).map(([code, row]) => [
      `\`${code}\``,
      `${row.exitStatus}`,
      row.retry ? 'yes' : 'no',
      row.meaning,
      row.action,
    ]);
    expect(readPage()).toEqual(table);
  });

  it('uses only exit statuses that are documented', () => {
    const known: readonly number[] = Object.values(ExitStatus);
    for (const { exitStatus } of Object.values(errorCodes)) expect(known).toContain(exitStatus);
  });

  it('keeps every message of an error one line by contract', () => {
    const error = new VfleetError('spec.invalid', 'line 1: no', { hint: 'mend it', details: { vf: 3 } });
    expect({ status: error.exitStatus, hint: error.hint, vf: error.details.vf }).toEqual({
      status: 1,
      hint: 'mend it',
      vf: 3,
    });
  });
});
