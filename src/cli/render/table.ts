// Owns tables for terminals: columns that fit the width, the less important ones left out first.
// Knows nothing of what the cells mean.

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly align?: 'right';
  /** Columns of a higher number go first when the terminal is narrow; 0 always stays. */
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

/**
 * Text from the kernel, a file or a hypervisor, safe for a terminal: no control characters, so no escape sequences; no
 * format characters either, which can turn a line around; nothing that breaks one.
 */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
}

/** Foreign names can be of any length: the part of one that leaves the others room. A width of undefined has room. */
export function shortName(name: string, widthColumns: number | undefined): string {
  const room = Math.max(shortestName, Math.floor((widthColumns ?? Infinity) / 4));
  return name.length > room ? `${name.slice(0, room - 1)}…` : name;
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
  let shown = columns
    .map((column) => ({ column, cells: rows.map((row) => printable(column.cell(row))) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''))
    .map(({ column, cells }) => ({
      column,
      cells,
      width: Math.max(column.title.length, ...cells.map((cell) => cell.length)),
    }));
  const hidden: string[] = [];
  const widthOf = (): number =>
    shown.reduce((sum, { width }) => sum + width + gap.length, options.indent.length - gap.length);
  while (options.widthColumns !== undefined && widthOf() > options.widthColumns) {
    const victim = shown.reduce((worst, each) =>
      each.column.sacrifice >= worst.column.sacrifice ? each : worst,
    );
    if (victim.column.sacrifice === 0) break;
    hidden.push(victim.column.title);
    shown = shown.filter((each) => each !== victim);
  }
  const line = (cells: readonly string[]): string =>
    (
      options.indent +
      cells
        .map((cell, index) => {
          const { width = 0, column } = shown[index] ?? {};
          return column?.align === 'right' ? cell.padStart(width) : cell.padEnd(width);
        })
        .join(gap)
    ).trimEnd();
  const header = options.style(line(shown.map(({ column }) => column.title)));
  const body = rows.map((_, index) => line(shown.map(({ cells }) => cells[index] ?? '')));
  return { lines: [header, ...body], hidden: hidden.reverse() };
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

/** Words of a text in lines that fit the width; the first line starts with `first`, the others with as many spaces. */
export function wrapText(text: string, first: string, widthColumns: number | undefined): string[] {
  const lines: string[] = [];
  let line = first;
  for (const word of printable(text).split(' ')) {
    const isStart = line.trim() === first.trim();
    if (widthColumns !== undefined && !isStart && line.length + 1 + word.length > widthColumns) {
      lines.push(line);
      line = ' '.repeat(first.length) + word;
    } else line += line === first ? word : ` ${word}`;
  }
  return [...lines, line];
}
