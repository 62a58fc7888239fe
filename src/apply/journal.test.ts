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
import type { Step } from '../model/plan.ts';
import { hasLastJournalEnded, JournalWriter, readJournal, readLastJournal } from './journal.ts';

const steps: Step[] = [{ kind: 'num-vfs', pf: '0000:01:00.0', before: 0, after: 2 }];

function stateFolder(): string {
  return mkdtempSync(join(tmpdir(), 'vfleet-journal-'));
}

function begin(folder: string): JournalWriter {
  return JournalWriter.begin(folder, {
    command: 'apply',
    startedAt: '2026-01-01T00:00:00.000Z',
    bootId: 'boot-1',
    allowDisruption: false,
    steps,
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
    const writer = begin(folder);
    const begun = await readJournal(folder, writer.id);
    expect([...begun.stepsStarted]).toEqual([0]);
    expect([...begun.stepsDone]).toEqual([]);
    writer.writeUnsynced({ record: 'done', index: 0 });
    await writer.write({ record: 'step', index: 1 });
    const running = await readJournal(folder, writer.id);
    expect(running).toMatchObject({ undoing: false, end: undefined });
    expect([...running.stepsStarted]).toEqual([0, 1]);
    expect([...running.stepsDone]).toEqual([0]);
    await writer.write({ record: 'committed', at: '2026-01-01T00:00:01.000Z' });
    writer.close();
    expect((await readLastJournal(folder))?.end).toBe('committed');
  });

  it('has ended when its last record says so, and there is none to end before the first', async () => {
    const folder = stateFolder();
    expect(hasLastJournalEnded(folder)).toBe(false);
    const writer = begin(folder);
    expect(hasLastJournalEnded(folder)).toBe(false);
    await writer.write({ record: 'undoing', why: 'x'.repeat(300) });
    expect(hasLastJournalEnded(folder)).toBe(false);
    await writer.write({ record: 'undone', at: '2026-01-01T00:00:01.000Z' });
    writer.close();
    expect(hasLastJournalEnded(folder)).toBe(true);
  });

  it('is readable by its owner alone', async () => {
    const folder = stateFolder();
    begin(folder).close();
    expect(statSync(onlyFile(folder)).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'journal')).mode & 0o777).toBe(0o700);
  });

  it('is understood whatever byte the last write was cut off at', async () => {
    const folder = stateFolder();
    const writer = begin(folder);
    writer.writeUnsynced({ record: 'done', index: 0 });
    await writer.write({ record: 'committed', at: '2026-01-01T00:00:01.000Z' });
    writer.close();
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
    const writer = begin(folder);
    writer.close();
    appendFileSync(onlyFile(folder), '{"record":"do');
    const resumed = JournalWriter.resume(folder, writer.id);
    await resumed.write({ record: 'undoing', why: 'cut off' });
    await resumed.write({ record: 'undone', at: '2026-01-01T00:00:02.000Z' });
    resumed.close();
    expect(await readJournal(folder, writer.id)).toMatchObject({ undoing: true, end: 'undone' });
  });

  it('refuses a line in the middle that is no record', async () => {
    const folder = stateFolder();
    const writer = begin(folder);
    writer.close();
    const path = onlyFile(folder);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"step"', '"leap"'));
    await expect(readJournal(folder, writer.id)).rejects.toMatchObject({ code: 'journal.corrupt' });
  });

  it('gets the next number, and old ones go', async () => {
    const folder = stateFolder();
    for (let count = 0; count < 105; count++) begin(folder).close();
    expect(readdirSync(join(folder, 'journal')).sort()).toHaveLength(101);
    expect((await readLastJournal(folder))?.begin.id).toBe(105);
  });
});
