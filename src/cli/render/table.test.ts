import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutName, printable, renderTable, wrapText } from './table.ts';
import type { Column } from './table.ts';
import { columnsOf } from './text-width.ts';

interface Row {
  readonly name: string;
  readonly size: number;
  readonly note: string;
}

const columns: readonly Column<Row>[] = [
  { title: 'NAME', cell: (row) => row.name, sacrifice: 0 },
  { title: 'SIZE', cell: (row) => `${row.size}`, align: 'right', sacrifice: 1 },
  { title: 'NOTE', cell: (row) => row.note, sacrifice: 2 },
];
const options = { indent: '  ', style: (text: string) => text };

describe('a table', () => {
  it('is as wide as needed without a width, and leaves empty columns out', () => {
    const rows = [
      { name: 'a', size: 7, note: '' },
      { name: 'bbb', size: 12, note: '' },
    ];
    expect(renderTable(rows, columns, { ...options, widthColumns: undefined })).toEqual({
      lines: ['  NAME  SIZE', '  a        7', '  bbb     12'],
      hidden: [],
    });
  });

  it('gives up the less important columns first, and says which', () => {
    const rows = [{ name: 'a', size: 7, note: 'some words' }];
    expect(renderTable(rows, columns, { ...options, widthColumns: 15 }).hidden).toEqual(['NOTE']);
    expect(renderTable(rows, columns, { ...options, widthColumns: 7 }).hidden).toEqual(['SIZE', 'NOTE']);
  });

  it('cuts names only as far as that saves a column', () => {
    const rows = [{ name: 'web-frontend-production', size: 7, note: 'words' }];
    const shorter: readonly Column<Row>[] = [
      { title: 'NAME', cell: ({ name }, room) => cutName(name, room), sacrifice: 0 },
      { title: 'SIZE', cell: ({ size }) => `${size}`, sacrifice: 1 },
      { title: 'NOTE', cell: ({ note }) => note.repeat(10), sacrifice: 2 },
    ];
    const at = (widthColumns: number): readonly string[] => {
      const { lines, hidden } = renderTable(rows, shorter, { ...options, widthColumns });
      return [...hidden, lines[1]?.trim() ?? ''];
    };
    expect(at(78)).toEqual([`web-frontend-prod…  7     ${'words'.repeat(10)}`]);
    expect(at(60)).toEqual(['NOTE', 'web-frontend-p…  7']);
    expect(at(21)).toEqual(['NOTE', 'web-fronten…  7']);
    expect(at(19)).toEqual(['SIZE', 'NOTE', 'web-fronten…']);
  });

  it('lets no control character through to the terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const { lines } = renderTable([{ name, size: 1, note: 'x' }], columns, {
          ...options,
          widthColumns: undefined,
        });
        // oxlint-disable-next-line no-control-regex -- this is what must not be there
        expect(lines.join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
    );
    expect(printable('a\u001b[31mb\n')).toBe('a?[31mb?');
  });

  it('fits the width whenever its first column does', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ name: fc.stringMatching(/^[a-z]{1,8}$/), size: fc.nat(), note: fc.string() }), {
          minLength: 1,
        }),
        fc.integer({ min: 10, max: 60 }),
        (rows, widthColumns) => {
          const { lines } = renderTable(rows, columns, { ...options, widthColumns });
          for (const line of lines) expect(line.length).toBeLessThanOrEqual(widthColumns);
        },
      ),
    );
  });
});

describe('wrapped text', () => {
  it('keeps every word and the width', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{1,10}$/), { minLength: 1 }),
        fc.integer({ min: 20, max: 80 }),
        (words, width) => {
          const lines = wrapText(words.join(' '), '  note: ', width);
          for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
          expect(
            lines
              .join(' ')
              .replace('  note: ', '')
              .split(/ +/)
              .filter((word) => word !== ''),
          ).toEqual(words);
        },
      ),
    );
  });

  it('breaks words that no line has room for, and no others', () => {
    expect(wrapText(`see ${'/very/long'.repeat(4)} or web-1`, '  - ', 30)).toEqual([
      '  - see',
      '    /very/long/very/long/very/',
      '    long/very/long or web-1',
    ]);
    expect(wrapText('x'.repeat(100), '', undefined)).toEqual(['x'.repeat(100)]);
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', '/', '漢', 'é'), minLength: 1, maxLength: 200 })),
        fc.integer({ min: 20, max: 80 }),
        (words, width) => {
          const lines = wrapText(words.join(' '), '  note: ', width);
          for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(width);
          expect(lines.join('').replaceAll(' ', '')).toBe(`note:${words.join('')}`);
        },
      ),
    );
  });

  it('leaves words as they are where a line has hardly any room', () => {
    expect(wrapText('a shared one', ' '.repeat(18), 20)).toEqual([
      `${' '.repeat(18)}a`,
      `${' '.repeat(18)}shared`,
      `${' '.repeat(18)}one`,
    ]);
  });
});
