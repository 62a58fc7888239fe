import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../model/plan.ts';
import { hasLastJournalEnded, JournalWriter, readJournal, readLastJournal } from './journal.ts';

const plan: Plan = {
  apiVersion: 'vfleet/v1',
  kind: 'Plan',
  changes: [],
  steps: [{ kind: 'num-vfs', pf: '0000:01:00.0', before: 0, after: 2 }],
  disruptions: [],
  notes: [],
};

function stateFolder(): string {
  return mkdtempSync(join(tmpdir(), 'vfleet-journal-'));
}

async function begin(folder: string): Promise<JournalWriter> {
  return JournalWriter.begin(folder, {
    command: 'apply',
    startedAt: '2026-01-01T00:00:00.000Z',
    bootId: 'boot-1',
    allowDisruption: false,
    plan,
    target: { pfs: [] },
    before: { pfs: [{ address: '0000:01:00.0', numVfs: 0, vfs: [] }] },
  });
}

function onlyFile(folder: string): string {
  const [name = ''] = readdirSync(join(folder, 'journal'));
  return join(folder, 'journal', name);
}

describe('a journal', () => {
  it('says how far an apply came and how it ended', async () => {
    const folder = stateFolder();
    const writer = await begin(folder);
    await writer.write({ record: 'step', index: 0 });
    await writer.write({ record: 'done', index: 0 });
    const running = await readJournal(folder, writer.id);
    expect(running).toMatchObject({ undoing: false, end: undefined });
    expect([...running.stepsDone]).toEqual([0]);
    await writer.write({ record: 'committed', at: '2026-01-01T00:00:01.000Z' });
    await writer.close();
    expect((await readLastJournal(folder))?.end).toBe('committed');
  });

  it('has ended when its last record says so, and there is none to end before the first', async () => {
    const folder = stateFolder();
    expect(hasLastJournalEnded(folder)).toBe(false);
    const writer = await begin(folder);
    expect(hasLastJournalEnded(folder)).toBe(false);
    await writer.write({ record: 'undoing', why: 'x'.repeat(300) });
    expect(hasLastJournalEnded(folder)).toBe(false);
    await writer.write({ record: 'undone', at: '2026-01-01T00:00:01.000Z' });
    await writer.close();
    expect(hasLastJournalEnded(folder)).toBe(true);
  });

  it('is readable by its owner alone', async () => {
    const folder = stateFolder();
    await (await begin(folder)).close();
    expect(statSync(onlyFile(folder)).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'journal')).mode & 0o777).toBe(0o700);
  });

  it('is understood whatever byte the last write was cut off at', async () => {
    const folder = stateFolder();
    const writer = await begin(folder);
    await writer.write({ record: 'step', index: 0 });
    await writer.write({ record: 'done', index: 0 });
    await writer.write({ record: 'committed', at: '2026-01-01T00:00:01.000Z' });
    await writer.close();
    const path = onlyFile(folder);
    const whole = readFileSync(path);
    const firstLine = whole.indexOf(0x0a) + 1;
    for (let size = firstLine; size <= whole.length; size++) {
      writeFileSync(path, whole);
      truncateSync(path, size);
      const journal = await readJournal(folder, writer.id);
      expect(journal.end).toBe(size === whole.length ? 'committed' : undefined);
      expect(hasLastJournalEnded(folder)).toBe(size === whole.length);
    }
  });

  it('goes on after a torn line', async () => {
    const folder = stateFolder();
    const writer = await begin(folder);
    await writer.write({ record: 'step', index: 0 });
    await writer.close();
    appendFileSync(onlyFile(folder), '{"record":"do');
    const resumed = await JournalWriter.resume(folder, writer.id);
    await resumed.write({ record: 'undoing', why: 'cut off' });
    await resumed.write({ record: 'undone', at: '2026-01-01T00:00:02.000Z' });
    await resumed.close();
    expect(await readJournal(folder, writer.id)).toMatchObject({ undoing: true, end: 'undone' });
  });

  it('refuses a line in the middle that is no record', async () => {
    const folder = stateFolder();
    const writer = await begin(folder);
    await writer.write({ record: 'step', index: 0 });
    await writer.close();
    const path = onlyFile(folder);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"step"', '"leap"'));
    await expect(readJournal(folder, writer.id)).rejects.toMatchObject({ code: 'journal.corrupt' });
  });

  it('gets the next number, and old ones go', async () => {
    const folder = stateFolder();
    for (let count = 0; count < 105; count++) await (await begin(folder)).close();
    expect(readdirSync(join(folder, 'journal')).sort()).toHaveLength(101);
    expect((await readLastJournal(folder))?.begin.id).toBe(105);
  });
});
