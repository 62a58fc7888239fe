import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JournalBegin } from '../model/journal.ts';
import { JournalWriter } from './journal.ts';
import { readRevertTarget } from './revert.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vfleet-revert-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** A journal that came to its end, from `before` VFs to others. */
async function committed(command: JournalBegin['command'], before: number): Promise<void> {
  const writer = JournalWriter.begin(folder, {
    command,
    startedAt: '2026-01-01T00:00:00.000Z',
    bootId: 'boot-1',
    allowDisruption: false,
    steps: [],
    target: { pfs: [] },
    before: { pfs: [{ address: '0000:01:00.0', numVfs: before, vfs: [] }] },
  });
  await writer.write({ record: 'committed', at: '2026-01-01T00:00:01.000Z' });
  writer.close();
}

describe('what a revert leads back to', () => {
  it('is what was before the last apply, whatever the agent put back since', async () => {
    await committed('apply', 1);
    await committed('apply', 2);
    await committed('enforce', 3);
    expect((await readRevertTarget(folder)).target.pfs).toMatchObject([{ numVfs: 2 }]);
  });

  it('is nothing when only the agent changed something, or the last apply was taken back', async () => {
    await committed('enforce', 3);
    await expect(readRevertTarget(folder)).rejects.toMatchObject({ code: 'journal.none' });
    await committed('apply', 1);
    await committed('revert', 2);
    await committed('enforce', 3);
    await expect(readRevertTarget(folder)).rejects.toMatchObject({ code: 'journal.none' });
  });
});
