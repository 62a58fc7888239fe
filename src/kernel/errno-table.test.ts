import { execFileSync } from 'node:child_process';
import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { errnoNameInMessage, errnoNameOf, errnoTable } from './errno-table.ts';

test('every text is the one that the C library gives for its number', () => {
  const program = '$! = $_, print "$_\\t$!\\n" for 1..133';
  const lines = execFileSync('perl', ['-e', program], {
    encoding: 'utf8',
    env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
  });
  const texts = lines
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([, text]) => text !== undefined && !text.startsWith('Unknown error'));
  expect(texts.map(([number, text]) => [Number(number), text])).toEqual(
    errnoTable.map(([number, , text]) => [number, text]),
  );
});

test('every name that Node knows has the same number here', () => {
  const numbers = new Map(errnoTable.map(([number, name]) => [name, number]));
  // Other spellings of the same number: EWOULDBLOCK is EAGAIN, ENOTSUP is EOPNOTSUPP on Linux.
  const aliases = new Set(['EWOULDBLOCK', 'ENOTSUP']);
  const known = Object.entries(constants.errno).filter(([name]) => !aliases.has(name));
  expect(known.length).toBeGreaterThan(70);
  for (const [name, number] of known) expect([name, numbers.get(name)]).toEqual([name, number]);
});

test('each text is found back at the end of a message', () => {
  for (const [, name, text] of errnoTable) {
    expect(errnoNameInMessage(`dd: error writing '/sys/a: File exists': ${text}\n`)).toBe(name);
    expect(errnoNameInMessage(`dd: failed to open '/sys/x': ${text} (os error 16)`)).toBe('EBUSY');
  }
});

test('numbers without a sentence keep their number, or their kernel name', () => {
  expect(errnoNameInMessage("dd: error writing '/sys/x': Unknown error 524")).toBe('ENOTSUPP');
  expect(errnoNameInMessage("dd: error writing '/sys/x': Unknown error 530")).toBe('errno 530');
  expect(errnoNameOf(16)).toBe('EBUSY');
  expect(errnoNameOf(41)).toBe('errno 41');
});

test('a message that ends with no errno has none', () => {
  expect(errnoNameInMessage('')).toBeUndefined();
  expect(errnoNameInMessage("dd: invalid conversion: 'nocreat'")).toBeUndefined();
  expect(errnoNameInMessage('Device or resource busy')).toBeUndefined();
});
