// Owns tables for terminals: columns that fit the width, the less important ones left out first.
// Knows nothing of what the cells mean.

import { beginningOf, columnsOf } from './text-width.ts';

export interface Column<Row> {
  readonly title: string;
  /** Text of a cell; the names of others in it are cut to `roomColumns` with {@link cutName}. */
  readonly cell: (row: Row, roomColumns: number) => string;
  readonly align?: 'right';
  /**
   * Columns of a higher number go first when the terminal is narrow; 0 always stays. Those up to {@link dearest} go only
   * when cutting names further does not save them.
   */
  readonly sacrifice: number;
}

export interface TableOptions {
  /** Terminal width in columns; undefined means as wide as needed (a file, a pipe). */
  readonly widthColumns: number | undefined;
  readonly indent: string;
  readonly style: (text: string) => string;
}

const gap = '  ';
/** Enough to tell most names apart. */
const shortestName = 12;
const dearest = 2;
/** Columns of a foreign name in a sentence, which goes on in the next line. */
export const nameInSentence = 60;

/**
 * Text from the kernel, a file or a hypervisor, safe for a terminal: no control characters, so no escape sequences; no
 * format characters either, which can turn a line around; nothing that breaks one.
 */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
}

/** A name in at most so many columns. */
export function cutName(name: string, roomColumns: number): string {
  return columnsOf(name) > roomColumns ? `${beginningOf(name, roomColumns - 1)}…` : name;
}

/** Whether names are cut as short as they ever are. */
export function isTight(roomColumns: number): boolean {
  return roomColumns <= shortestName;
}

/** Foreign names can be of any length: the room for one that leaves the others some. A width of undefined has room. */
function roomForName(widthColumns: number | undefined): number {
  return Math.max(shortestName, Math.floor((widthColumns ?? Infinity) / 4));
}

/**
 * Lines of a table and the titles of the columns that were left out. A column whose cells are all empty is left out
 * without a word.
 */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: TableOptions,
): { lines: string[]; hidden: string[] } {
  const roomiest = roomForName(options.widthColumns);
  let best = layOut(rows, columns, options, roomiest);
  for (let room = roomiest - 1; room >= shortestName && best.loss > 0; room -= 1) {
    const tighter = layOut(rows, columns, options, room);
    if (tighter.loss < best.loss) best = tighter;
  }
  return { lines: best.lines, hidden: best.hidden.map(({ title }) => title) };
}

/** A table with names cut to `roomColumns`, and how many columns that are dear it lost; lines that are too long count, too. */
function layOut<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: TableOptions,
  roomColumns: number,
): { lines: string[]; hidden: Column<Row>[]; loss: number } {
  let shown = columns
    .map((column) => ({ column, cells: rows.map((row) => printable(column.cell(row, roomColumns))) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''))
    .map(({ column, cells }) => ({
      column,
      cells,
      width: Math.max(column.title.length, ...cells.map(columnsOf)),
    }));
  const hidden: Column<Row>[] = [];
  const widthOf = (): number =>
    shown.reduce((sum, { width }) => sum + width + gap.length, options.indent.length - gap.length);
  while (options.widthColumns !== undefined && widthOf() > options.widthColumns) {
    const victim = shown.reduce((worst, each) =>
      each.column.sacrifice >= worst.column.sacrifice ? each : worst,
    );
    if (victim.column.sacrifice === 0) break;
    hidden.push(victim.column);
    shown = shown.filter((each) => each !== victim);
  }
  const line = (cells: readonly string[]): string =>
    (
      options.indent +
      cells
        .map((cell, index) => {
          const { width = 0, column } = shown[index] ?? {};
          const padding = ' '.repeat(Math.max(0, width - columnsOf(cell)));
          return column?.align === 'right' ? padding + cell : cell + padding;
        })
        .join(gap)
    ).trimEnd();
  const header = options.style(line(shown.map(({ column }) => column.title)));
  const body = rows.map((_, index) => line(shown.map(({ cells }) => cells[index] ?? '')));
  const excess = Math.max(0, widthOf() - (options.widthColumns ?? Infinity));
  const loss = excess + hidden.filter(({ sacrifice }) => sacrifice <= dearest).length;
  return { lines: [header, ...body], hidden: hidden.reverse(), loss };
}

/** Lines that say which columns had no room; none when all had. */
export function hiddenNote(
  hidden: readonly string[],
  indent: string,
  widthColumns: number | undefined,
): string[] {
  if (hidden.length === 0) return [];
  return wrapText(`(narrow terminal; not shown: ${hidden.join(', ')})`, indent, widthColumns);
}

/** A narrower room than this breaks no words: they run over its edge, and can still be read. */
const narrowestRoom = shortestName;

/**
 * Words of a text in lines that fit the width; the first line starts with `first`, the others with as many spaces. Words that
 * no line has room for, paths and names of others, are broken.
 */
export function wrapText(text: string, first: string, widthColumns: number | undefined): string[] {
  const lines: string[] = [];
  let line = first;
  const room =
    widthColumns === undefined ? Infinity : Math.max(narrowestRoom, widthColumns - columnsOf(first));
  for (const word of printable(text)
    .split(' ')
    .flatMap((each) => piecesOf(each, room))) {
    const isStart = line.trim() === first.trim();
    if (widthColumns !== undefined && !isStart && columnsOf(line) + 1 + columnsOf(word) > widthColumns) {
      lines.push(line);
      line = ' '.repeat(columnsOf(first)) + word;
    } else line += line === first ? word : ` ${word}`;
  }
  return [...lines, line];
}

/** A word in pieces of at most so many columns. */
function piecesOf(word: string, roomColumns: number): readonly string[] {
  const pieces: string[] = [];
  let rest = word;
  while (columnsOf(rest) > roomColumns) {
    const piece = beginningOf(rest, roomColumns);
    pieces.push(piece);
    rest = rest.slice(piece.length);
  }
  return [...pieces, rest];
}
