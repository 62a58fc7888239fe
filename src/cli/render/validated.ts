// Owns the screens of `vfleet validated`: where each PF stands on a list, and what was added to one.

import type { Addition } from '../../validated/addition.ts';
import type { Difference } from '../../validated/comparison.ts';
import type { EntryReference, PfValidation, Verdict } from '../../validated/match.ts';
import type { Style, Terminal } from '../context.ts';
import { printable, renderTable, wrapText } from './table.ts';
import type { Column } from './table.ts';

const noPf = 'No SR-IOV capable network device was found.';

const columns: readonly Column<Difference>[] = [
  { title: 'WHAT', cell: ({ key }) => key, sacrifice: 0 },
  { title: 'LIST', cell: ({ wanted }) => wanted, sacrifice: 0 },
  {
    title: 'HERE',
    cell: ({ found, why }) => found ?? `unknown${why === undefined ? '' : `: ${why}`}`,
    sacrifice: 0,
  },
];

const styles: Readonly<Record<Verdict, Style>> = {
  validated: 'green',
  differs: 'yellow',
  unknown: 'yellow',
  unlisted: 'red',
};

/** Lines that show where the PFs of a host stand. */
export function renderValidations(
  pfs: readonly PfValidation[],
  hostName: string,
  terminal: Terminal,
): string[] {
  const lines = [terminal.style('bold', printable(hostName))];
  if (pfs.length === 0) return [...lines, noPf];
  for (const pf of pfs) {
    const title = [pf.address, ...pf.netdevs].map(printable).join(' ');
    lines.push('', `${terminal.style('bold', title)}  ${terminal.style(styles[pf.verdict], headline(pf))}`);
    const rows = [...pf.differences, ...pf.unknown];
    if (rows.length === 0) continue;
    const { lines: table } = renderTable(rows, columns, {
      widthColumns: terminal.widthColumns,
      indent: '  ',
      style: (text) => terminal.style('dim', text),
    });
    lines.push(...table);
  }
  return lines;
}

function headline({ verdict, entry, differing, unknown }: PfValidation): string {
  switch (verdict) {
    case 'validated':
      return `validated by ${describeEntry(entry)}`;
    case 'differs': {
      const only = differing.length === 1 && unknown.length === 0 ? 'only ' : '';
      return `differs from ${describeEntry(entry)} in ${only}${differing.join(', ')}`;
    }
    case 'unknown':
      return `may be ${describeEntry(entry)}; not all of it could be read`;
    case 'unlisted':
      return entry === undefined
        ? 'not on the list, which is empty'
        : `not on the list; the nearest is ${describeEntry(entry)}`;
  }
}

function describeEntry(entry: EntryReference | undefined): string {
  if (entry === undefined) return 'no entry';
  const name = entry.name === undefined ? '' : ` (${printable(entry.name)})`;
  return `entry ${entry.number}${name}, line ${entry.line}`;
}

/** Lines that show what was added to a list. */
export function renderAddition(
  { added, covered, skipped }: Omit<Addition, 'text'>,
  { file, pfCount }: { file: string; pfCount: number },
  terminal: Terminal,
): string[] {
  if (pfCount === 0) return [noPf, `${printable(file)} is unchanged.`];
  const lines = added.flatMap(({ address, number, omitted }) => [
    `${printable(address)}: ${terminal.style('green', `added as entry ${number}`)}`,
    ...omitted.flatMap(({ key, why }) =>
      wrapText(
        `without ${key}${why === undefined ? '' : ` (${why})`}: any will do`,
        '  ',
        terminal.widthColumns,
      ),
    ),
  ]);
  lines.push(...covered.map((address) => `${printable(address)}: covered by an entry`));
  lines.push(...skipped.map((address) => `${printable(address)}: skipped, it is no PCI device`));
  if (added.length === 0) lines.push(`${printable(file)} is unchanged.`);
  return lines;
}
