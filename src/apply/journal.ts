// Owns the journal on disk: one file of JSON lines per apply. What a line announces happens only once it is synced.
// Decides nothing about the host.

import {
  appendFileSync,
  closeSync,
  fdatasync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  unlinkSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
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

const syncData = promisify(fdatasync);

function journalFolder(stateFolder: string): string {
  return join(stateFolder, 'journal');
}

function journalPath(stateFolder: string, id: number): string {
  return join(journalFolder(stateFolder), `${String(id).padStart(8, '0')}.jsonl`);
}

/** Numbers of the journals, oldest first. */
function listJournals(stateFolder: string): number[] {
  return readdirSync(openStateFolder(journalFolder(stateFolder)))
    .flatMap((name) => fileNamePattern.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** Appends to one journal. */
export class JournalWriter {
  readonly id: number;
  readonly #file: number;

  private constructor(id: number, file: number) {
    this.id = id;
    this.#file = file;
  }

  /**
   * Starts a journal under the next number and announces the plan's first step, which is on the disk with it. The file
   * appears with both or not at all.
   */
  static begin(
    stateFolder: string,
    begin: Omit<JournalBegin, 'record' | 'journalVersion' | 'id' | 'pid'>,
  ): JournalWriter {
    const numbers = listJournals(stateFolder);
    const id = (numbers.at(-1) ?? 0) + 1;
    const path = journalPath(stateFolder, id);
    const record: JournalBegin = { record: 'begin', journalVersion, id, pid: process.pid, ...begin };
    writeFileAtomically(path, lineOf(record) + lineOf({ record: 'step', index: 0 }));
    for (const old of numbers.slice(0, -keptJournals)) unlinkSync(journalPath(stateFolder, old));
    return new JournalWriter(id, openSync(path, 'a'));
  }

  /** Goes on with a journal that was cut off; a torn last line is closed with a newline and stays ignored. */
  static resume(stateFolder: string, id: number): JournalWriter {
    const file = openSync(journalPath(stateFolder, id), 'a+');
    const writer = new JournalWriter(id, file);
    const { size } = fstatSync(file);
    const last = Buffer.alloc(1);
    if (size > 0) readSync(file, last, 0, 1, size - 1);
    if (last[0] !== 0x0a) writer.#append('\n');
    return writer;
  }

  /** Writes a record; it is on the disk when the call comes back, with all that were written before. */
  async write(record: Exclude<JournalRecord, JournalBegin>): Promise<void> {
    this.writeUnsynced(record);
    try {
      await syncData(this.#file);
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  /**
   * Writes a record that announces nothing: it outlives this process, and reaches the disk with the next one that is
   * synced.
   */
  writeUnsynced(record: Exclude<JournalRecord, JournalBegin>): void {
    this.#append(lineOf(record));
  }

  close(): void {
    closeSync(this.#file);
  }

  #append(text: string): void {
    try {
      // Until all of it is written: one call may write less, when the disk is nearly full.
      appendFileSync(this.#file, text);
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  #failure(cause: unknown): VfleetError {
    return new VfleetError('file.unreadable', `journal ${this.id}: ${messageOf(cause)}`, { cause });
  }
}

function lineOf(record: JournalRecord): string {
  return `${JSON.stringify(record)}\n`;
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
