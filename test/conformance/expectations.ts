// Owns the file of expected answers: reading it, and writing it anew from the lab when that is asked for.

import { readFileSync, writeFileSync } from 'node:fs';

const expectedFile = new URL('expected.json', import.meta.url);

/** Expected answers by name of the case, one per step. Recorded on Linux's own drivers in the lab. */
export function readExpectations(): Readonly<Record<string, readonly unknown[]>> {
  return JSON.parse(readFileSync(expectedFile, 'utf8')) as Record<string, readonly unknown[]>;
}

/** Writes the answers of all cases; docs/testing.md says when. */
export function writeExpectations(answers: Readonly<Record<string, readonly unknown[]>>): void {
  writeFileSync(expectedFile, `${JSON.stringify(answers, null, 2)}\n`);
}
