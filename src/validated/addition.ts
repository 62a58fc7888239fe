// Owns the adding of the present host to a validated hardware list: where in the text new entries go, and how they are
// written. What is in the file already stays as it is, comments and blank lines included.
// Reads and writes no file.

import { isAlias, isMap, isScalar, isSeq, parseDocument, type YAMLSeq } from 'yaml';
import { VfleetError } from '../base/errors.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { ValidatedEntry } from '../model/validated-list.ts';
import { parseYamlDocument } from '../spec/yaml-document.ts';
import { compareWithEntry } from './comparison.ts';
import { parseValidatedList } from './parsed-list.ts';
import { type OmittedFact, presentEntryOf } from './present-entry.ts';

export interface AddedEntry {
  /** The PF that it was made from. */
  readonly address: string;
  /** Its number in the file, from 1. */
  readonly number: number;
  /** What it should say and does not. */
  readonly omitted: readonly OmittedFact[];
}

export interface Addition {
  /** The whole new text; the old one when nothing was added. */
  readonly text: string;
  readonly added: readonly AddedEntry[];
  /** PFs that an entry covers already: one of the file, or one that was just added. */
  readonly covered: readonly string[];
  /** PFs that are no PCI devices, so that there is no card to name. */
  readonly skipped: readonly string[];
}

/**
 * The text of a list with an entry for each PF of the host that no entry covers. Adding the same host again changes
 * nothing. An empty text, or one of comments only, becomes a list.
 * Throws what {@link parseValidatedList} throws.
 */
export function addPresent(text: string, snapshot: Snapshot, fileName = 'the list'): Addition {
  const listText = withHeader(text);
  const before = parseValidatedList(listText, fileName).list.entries;
  const entries: ValidatedEntry[] = [];
  const added: AddedEntry[] = [];
  const covered: string[] = [];
  const skipped: string[] = [];
  for (const pf of snapshot.pfs) {
    const { address } = pf;
    const present = presentEntryOf(pf, snapshot);
    if (present === undefined) {
      skipped.push(address);
      continue;
    }
    const isCovered = [...before, ...entries].some((entry) => {
      const { differences, unknown } = compareWithEntry(entry, pf, snapshot);
      return differences.length === 0 && unknown.length === 0;
    });
    if (isCovered) {
      covered.push(address);
      continue;
    }
    entries.push(present.entry);
    added.push({ address, number: before.length + entries.length, omitted: present.omitted });
  }
  if (entries.length === 0) return { text, added, covered, skipped };
  return { text: insertEntries(listText, fileName, before, entries), added, covered, skipped };
}

/** A text without content gets what every list begins with. */
function withHeader(text: string): string {
  const hasContent = text.split('\n').some((line) => !/^\s*(#.*)?$/.test(line.replace(/^\uFEFF/, '')));
  if (hasContent) return text;
  const comments = text.trim() === '' ? '' : `${text.trimEnd()}\n`;
  return `${comments}apiVersion: vfleet/v1\nkind: ValidatedHardware\nentries: []\n`;
}

/** New text, after a check that reading it gives the old entries and then the new ones. */
function insertEntries(
  text: string,
  fileName: string,
  before: readonly ValidatedEntry[],
  entries: readonly ValidatedEntry[],
): string {
  const wanted = JSON.stringify([...before, ...entries]);
  for (const insert of [insertIntoText, insertIntoDocument]) {
    const result = insert(text, fileName, entries);
    if (result !== undefined && readEntries(result, fileName) === wanted) return result;
  }
  throw new VfleetError(
    'spec.invalid',
    `${fileName}: entries cannot be added; write entries as a plain list`,
  );
}

function readEntries(text: string, fileName: string): string | undefined {
  try {
    return JSON.stringify(parseValidatedList(text, fileName).list.entries);
  } catch {
    return undefined;
  }
}

/** Puts lines behind the last entry and touches nothing else; undefined where the list is not written in lines. */
function insertIntoText(
  text: string,
  fileName: string,
  entries: readonly ValidatedEntry[],
): string | undefined {
  const { contents } = parseYamlDocument(text, fileName);
  if (!isMap(contents) || contents.flow === true) return undefined;
  const list = contents.items.find(({ key }) => isScalar(key) && key.value === 'entries')?.value;
  if (!isSeq(list) || !list.range) return undefined;
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const [start, end] = list.range;
  if (list.flow === true) {
    if (!/^\[\s*\]$/.test(text.slice(start, end))) return undefined;
    const shortened = text.slice(0, start).trimEnd() + text.slice(end);
    return insertLines(shortened, endOfLine(shortened, start - 1), entries, { indent: '  ', eol });
  }
  const indent = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
  if (text[start] !== '-' || indent.trim() !== '') return undefined;
  return insertLines(text, endOfEntries(text, list, indent), entries, { indent, eol });
}

/** Offset behind the last entry, its comment on the same line, and comments on lines of their own that stand deeper. */
function endOfEntries(text: string, list: YAMLSeq, indent: string): number {
  const lastOffset = text.slice(0, endOfNode(list)).trimEnd().length;
  let end = endOfLine(text, lastOffset);
  for (;;) {
    const next = endOfLine(text, end + 1);
    const comment = /^([ \t]*)#/.exec(text.slice(end + 1, next));
    if (end >= text.length || comment === null || (comment[1]?.length ?? 0) <= indent.length) return end;
    end = next;
  }
}

/** Where the last value within a node ends. */
function endOfNode(node: unknown): number {
  if (isMap(node) && node.flow !== true) {
    const last = node.items.at(-1);
    return endOfNode(last?.value ?? last?.key);
  }
  if (isSeq(node) && node.flow !== true) return endOfNode(node.items.at(-1));
  return isMap(node) || isSeq(node) || isScalar(node) || isAlias(node) ? (node.range?.[1] ?? 0) : 0;
}

function endOfLine(text: string, offset: number): number {
  const newline = text.indexOf('\n', Math.max(offset, 0));
  return newline < 0 ? text.length : newline;
}

function insertLines(
  text: string,
  offset: number,
  entries: readonly ValidatedEntry[],
  { indent, eol }: { indent: string; eol: string },
): string {
  const lines = entries.flatMap((entry) => renderEntry(entry)).map((line) => `${indent}${line}`);
  const head = text.slice(0, offset).replace(/\r$/, '');
  const tail = text.slice(offset);
  return `${head}${eol}${lines.join(eol)}${tail === '' ? eol : eol + tail.slice(1)}`;
}

/** An entry in lines, a dash before the first. */
function renderEntry(entry: ValidatedEntry): string[] {
  return Object.entries(entry).map(([key, value], index) => {
    const text =
      typeof value === 'string'
        ? quote(value)
        : `{ ${Object.entries(value ?? {})
            .map(([name, part]) => `${name}: ${quote(String(part))}`)
            .join(', ')} }`;
    return `${index === 0 ? '- ' : '  '}${key}: ${text}`;
  });
}

/** Text in quotes, so that 6.10 stays 6.10; the double ones, which know escapes, where there is more than plain ASCII. */
function quote(text: string): string {
  return /^[\u0020-\u007e]*$/.test(text) ? `'${text.replaceAll("'", "''")}'` : JSON.stringify(text);
}

/** For lists in brackets: the YAML library writes the file anew, with its comments but in its own layout. */
function insertIntoDocument(text: string, _: string, entries: readonly ValidatedEntry[]): string | undefined {
  const document = parseDocument(text, { version: '1.2', schema: 'core', merge: false });
  if (document.errors.length > 0 || !isSeq(document.get('entries'))) return undefined;
  for (const entry of entries) document.addIn(['entries'], document.createNode(entry));
  return document.toString({ lineWidth: 0 });
}
