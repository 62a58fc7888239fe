// Owns the journal on disk: one file of JSON lines per apply, each line synced before what it announces happens.
// Decides nothing about the host.

import { open, readFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { closeSync, fstatSync, openSync, readdirSync, readSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { VfleetError, messageOf } from '../base/errors.ts';
import { JournalRecord, journalVersion } from '../model/journal.ts';
import type { JournalBegin } from '../model/journal.ts';
import { openStateFolder, writeFileAtomically } from './state-folder.ts';

/** Journals that ended are kept for a look back; more than these are of no use. */
const keptJournals = 100;
/** A record of an end has a name and a time. */
const longestEndBytes = 256;
const fileNamePattern = /^(\d{8})\.jsonl$/;

export type JournalEnd = 'committed' | 'undone' | 'lost-to-reboot';

/** A journal as read back. `end` is undefined while the apply runs, or when it was cut off. */
export interface Journal {
  readonly begin: JournalBegin;
  readonly stepsStarted: ReadonlySet<number>;
  readonly stepsDone: ReadonlySet<number>;
  readonly undoing: boolean;
  readonly end: JournalEnd | undefined;
}

function journalFolder(stateFolder: string): string {
  return openStateFolder(join(stateFolder, 'journal'));
}

function journalPath(stateFolder: string, id: number): string {
  return join(journalFolder(stateFolder), `${String(id).padStart(8, '0')}.jsonl`);
}

/** Numbers of the journals, oldest first. */
function listJournals(stateFolder: string): number[] {
  return readdirSync(journalFolder(stateFolder))
    .flatMap((name) => fileNamePattern.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** Appends to one journal; each record is on the disk when the call comes back. */
export class JournalWriter {
  readonly id: number;
  readonly #file: FileHandle;

  private constructor(id: number, file: FileHandle) {
    this.id = id;
    this.#file = file;
  }

  /** Starts a journal under the next number. The file appears with its first record or not at all. */
  static async begin(
    stateFolder: string,
    begin: Omit<JournalBegin, 'record' | 'journalVersion' | 'id' | 'pid'>,
  ): Promise<JournalWriter> {
    const numbers = listJournals(stateFolder);
    const id = (numbers.at(-1) ?? 0) + 1;
    const record: JournalBegin = { record: 'begin', journalVersion, id, pid: process.pid, ...begin };
    writeFileAtomically(journalPath(stateFolder, id), `${JSON.stringify(record)}\n`);
    for (const old of numbers.slice(0, -keptJournals)) unlinkSync(journalPath(stateFolder, old));
    return JournalWriter.resume(stateFolder, id);
  }

  /** Goes on with a journal that was cut off; a torn last line is closed with a newline and stays ignored. */
  static async resume(stateFolder: string, id: number): Promise<JournalWriter> {
    const path = journalPath(stateFolder, id);
    const file = await open(path, 'a+');
    const writer = new JournalWriter(id, file);
    const { size } = await file.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    if (last[0] !== 0x0a) await writer.#append('\n');
    return writer;
  }

  async write(record: Exclude<JournalRecord, JournalBegin>): Promise<void> {
    await this.#append(`${JSON.stringify(record)}\n`);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #append(text: string): Promise<void> {
    try {
      await this.#file.appendFile(text);
      await this.#file.datasync();
    } catch (cause) {
      throw new VfleetError('file.unreadable', `journal ${this.id}: ${messageOf(cause)}`, { cause });
    }
  }
}

/**
 * Reads one journal. A last line without its newline was being written when the power went: what it announces has not
 * begun, so it is ignored. Any other line that is no record is `journal.corrupt`.
 */
export async function readJournal(stateFolder: string, id: number): Promise<Journal> {
  const path = journalPath(stateFolder, id);
  const text = await readFile(path, 'utf8');
  const lines = text.split('\n');
  const records = lines.slice(0, -1).flatMap((line, index) => parseRecord(line, index, lines.length, path));
  const [begin, ...rest] = records;
  if (begin?.record !== 'begin')
    throw new VfleetError('journal.corrupt', `${path}: the first line is no beginning`);
  const stepsStarted = new Set<number>();
  const stepsDone = new Set<number>();
  let undoing = false;
  let end: JournalEnd | undefined;
  for (const record of rest) {
    switch (record.record) {
      case 'begin':
        throw new VfleetError('journal.corrupt', `${path}: it begins twice`);
      case 'step':
        stepsStarted.add(record.index);
        break;
      case 'done':
        stepsDone.add(record.index);
        break;
      case 'undoing':
        undoing = true;
        break;
      case 'committed':
      case 'undone':
      case 'lost-to-reboot':
        end = record.record;
        break;
    }
  }
  return { begin, stepsStarted, stepsDone, undoing, end };
}

function parseRecord(line: string, index: number, lineCount: number, path: string): JournalRecord[] {
  try {
    return [JournalRecord.parse(JSON.parse(line))];
  } catch (cause) {
    // A torn line that `resume` closed: it is followed only by records of the undoing.
    const torn = index > 0 && !line.endsWith('}');
    if (torn || (line === '' && index === lineCount - 2)) return [];
    throw new VfleetError('journal.corrupt', `${path}, line ${index + 1} is no record`, { cause });
  }
}

/** Whether the newest journal ends with the record of an end. Quick: a journal of many VFs is long, and its end short. */
export function hasLastJournalEnded(stateFolder: string): boolean {
  const id = listJournals(stateFolder).at(-1);
  if (id === undefined) return false;
  const file = openSync(journalPath(stateFolder, id), 'r');
  try {
    const tail = Buffer.alloc(longestEndBytes);
    const from = Math.max(0, fstatSync(file).size - tail.length);
    const text = tail.toString('utf8', 0, readSync(file, tail, 0, tail.length, from));
    const [line = '', rest] = text.split('\n').slice(-2);
    return rest === '' && isEnd(line);
  } finally {
    closeSync(file);
  }
}

function isEnd(line: string): boolean {
  try {
    const { record } = JournalRecord.parse(JSON.parse(line));
    return record === 'committed' || record === 'undone' || record === 'lost-to-reboot';
  } catch {
    return false;
  }
}

/** The newest journal that is looked for, by default the newest of all; undefined when there is none. */
export async function readLastJournal(
  stateFolder: string,
  isLookedFor: (journal: Journal) => boolean = () => true,
): Promise<Journal | undefined> {
  for (const id of listJournals(stateFolder).reverse()) {
    const journal = await readJournal(stateFolder, id);
    if (isLookedFor(journal)) return journal;
  }
  return undefined;
}
