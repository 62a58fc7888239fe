// Owns the part of the screen of `vfleet size` that shows a class of hosts: a bar for each resource, VFs for each PF.
// Every line fits the width that it is given.

import { countText, fullShare, percentText, scarceShare, useText } from '../../report/amounts.ts';
import { pfUses, type PfUse, resourceParts } from '../../report/resource-parts.ts';
import { hostCountText } from '../../report/sizing-words.ts';
import type { HostModel } from '../../sizing/host-model.ts';
import type { HostClassUse, ResourceUse } from '../../sizing/result.ts';
import type { Terminal } from '../context.ts';
import { renderBar } from './bar.ts';
import { type Column, printable, renderTable, wrapText } from './table.ts';

/** A bar that is longer than this tells nothing more. */
const maxBarColumns = 100;
const minBarColumns = 8;
const indent = '    ';
/** ` 100 %`. */
const shareColumns = 6;

/** Bars of a class of hosts by part, and the VFs of each PF. */
export function renderHost(host: HostModel, use: HostClassUse, terminal: Terminal, width: number): string[] {
  const title = `${host.name}: ${countText(use.usedHosts, 'host')} used of ${hostCountText(host)}`;
  const lines = wrapText(title, '', width).map((line) => terminal.style('bold', line));
  const parts = resourceParts(host, use);
  const rows = parts.flatMap(({ resources }) => resources);
  const shown = (text: string): string => shownText(text, terminal);
  const amountColumns = Math.max(0, ...rows.map((row) => useText(row.use).length));
  const labelColumns = Math.min(
    Math.max(0, ...rows.map(({ label }) => label.length)),
    Math.max(12, width - amountColumns - minBarColumns - shareColumns - indent.length - 6),
  );
  const barColumns = Math.max(
    minBarColumns,
    Math.min(maxBarColumns, width - indent.length - labelColumns - amountColumns - shareColumns - 6),
  );
  for (const part of parts) {
    lines.push(...wrapText(part.title, '  ', width));
    for (const { label, use: of } of part.resources) {
      const name = fitted(shown(label), labelColumns, terminal);
      const line = `${indent}${name}  ${renderUse(of, barColumns, terminal)}  ${shown(useText(of))}`;
      lines.push(line.trimEnd());
    }
  }
  const { lines: table, hidden } = renderTable(pfUses(host, use), pfColumns, {
    widthColumns: width,
    indent: '    ',
    style: (text) => terminal.style('dim', text),
  });
  lines.push('  VFs of each PF', ...table);
  if (hidden.length > 0)
    lines.push(terminal.style('dim', `    not shown for want of width: ${hidden.join(', ')}`));
  return lines;
}

const pfColumns: readonly Column<PfUse>[] = [
  { title: 'PF', cell: ({ address }) => address, sacrifice: 0 },
  { title: 'PORT', cell: ({ name }) => name, sacrifice: 2 },
  { title: 'NETWORKS', cell: ({ networks }) => networks, sacrifice: 3 },
  {
    title: 'USED',
    cell: ({ least, most }) => (least === most ? `${most}` : `${least}-${most}`),
    align: 'right',
    sacrifice: 0,
  },
  { title: 'SPARE', cell: ({ spare }) => `${spare}`, align: 'right', sacrifice: 0 },
  { title: 'OF', cell: ({ total }) => `${total}`, align: 'right', sacrifice: 0 },
  { title: 'CARD', cell: ({ card }) => card, sacrifice: 4 },
];

function renderUse({ capacity, mean, most }: ResourceUse, barColumns: number, terminal: Terminal): string {
  if (capacity === undefined || capacity <= 0) return ' '.repeat(barColumns + shareColumns + 1);
  const share = mean / capacity;
  const bar = renderBar({ mean: share, most: most / capacity }, barColumns, terminal.isUtf8);
  const style = share >= fullShare ? 'red' : share >= scarceShare ? 'yellow' : 'green';
  return `${terminal.style(style, bar)} ${percentText(share).padStart(shareColumns)}`;
}

/** Text in so many columns, shortened or filled up. */
function fitted(text: string, columns: number, terminal: Terminal): string {
  if (text.length <= columns) return text.padEnd(columns);
  const mark = terminal.isUtf8 ? '…' : '~';
  return text.slice(0, columns - 1) + mark;
}

/** Safe for the terminal; without UTF-8 also without letters beyond ASCII. */
function shownText(text: string, terminal: Terminal): string {
  const safe = printable(text);
  return terminal.isUtf8 ? safe : safe.replace(/[^\u0020-\u007e]/g, '?');
}
