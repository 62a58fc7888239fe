// Owns the screen of `--explain`: every VF, the best first, and why it would be taken or not.

import type { CandidateVerdict } from '../../model/attachment.ts';
import { listText } from '../../placement/number-list.ts';
import type { Terminal } from '../context.ts';
import { printable, wrapText } from './table.ts';

/** VFs of one PF of which the same is to be said. */
interface Line {
  readonly pf: string;
  readonly indexes: number[];
  readonly ranks: number[];
  readonly text: string;
}

/** Longest name of VFs that keeps the reasons beside it; a longer one has lines of its own. */
const maxNameColumns = 32;
/** Indent of the reasons below such a name. */
const hangingColumns = 4;

/**
 * A line per VF: place in the order, VF, reasons; those that differ in nothing but their number stand together. The best
 * one always stands alone.
 */
export function renderChoice(verdicts: readonly CandidateVerdict[], terminal: Terminal): string[] {
  const { widthColumns } = terminal;
  const lines = foldVerdicts(verdicts).map(({ pf, indexes, ranks, text }) => ({
    place: ranks.length === 0 ? '-' : listText(ranks),
    name: `VF ${listText(indexes).replaceAll(',', ', ')} of ${pf}`,
    text,
  }));
  const placeWidth = Math.max(0, ...lines.map(({ place }) => place.length));
  const short = lines.filter(({ name }) => name.length <= maxNameColumns);
  const nameWidth = Math.max(0, ...short.map(({ name }) => name.length));
  const rows = lines.flatMap(({ place, name, text }) => {
    const margin = `${place.padStart(placeWidth)}  `;
    const wrapped =
      name.length <= maxNameColumns
        ? wrapText(text, `${margin}${printable(name).padEnd(nameWidth)}  `, widthColumns)
        : [
            ...wrapText(name, margin, widthColumns),
            ...wrapText(text, ' '.repeat(margin.length + hangingColumns), widthColumns),
          ];
    if (place === '1') return wrapped.map((line) => terminal.style('green', line));
    return place === '-' ? wrapped.map((line) => terminal.style('dim', line)) : wrapped;
  });
  return [...rows, ...(rows.length === 0 ? [] : ['']), ...wrapText(summary(verdicts), '', widthColumns)];
}

/** `5 of 7 VFs can be taken; the first is the best.` */
function summary(verdicts: readonly CandidateVerdict[]): string {
  const { length } = verdicts;
  if (length === 0) return 'No pool has a VF.';
  const takeable = verdicts.filter(({ rank }) => rank !== undefined).length;
  const amount = `${takeable === 0 ? 'None' : takeable} of ${length} ${length === 1 ? 'VF' : 'VFs'} can be taken`;
  return takeable > 1 ? `${amount}; the first is the best.` : `${amount}.`;
}

function foldVerdicts(verdicts: readonly CandidateVerdict[]): readonly Line[] {
  const lines: Line[] = [];
  const excluded = new Map<string, Line>();
  for (const verdict of verdicts) {
    const { key, rank } = verdict;
    const text = textOf(verdict);
    const known = rank === undefined ? excluded.get(JSON.stringify([key.pf, text])) : lines.at(-1);
    const fits =
      known !== undefined &&
      known.pf === key.pf &&
      known.text === text &&
      (rank === undefined || (rank > 2 && known.ranks.length > 0));
    if (fits) {
      known.indexes.push(key.vf);
      if (rank !== undefined) known.ranks.push(rank);
      continue;
    }
    const line: Line = {
      pf: key.pf,
      indexes: [key.vf],
      ranks: rank === undefined ? [] : [rank],
      text,
    };
    lines.push(line);
    if (rank === undefined) excluded.set(JSON.stringify([key.pf, text]), line);
  }
  return lines;
}

function textOf({ rank, excluded, scores, risks }: CandidateVerdict): string {
  if (rank === undefined) return excluded.map(({ text }) => text).join('; ') || 'cannot be taken';
  const total = scores.reduce((sum, { points }) => sum + points, 0);
  // What is not known counts 0, and is said.
  const reasons = scores.map(({ points, text }) =>
    points === 0 ? text : `${text} (${points > 0 ? '+' : '-'}${Math.abs(points)})`,
  );
  const accepted = risks.length === 0 ? [] : [`accepted: ${risks.join(', ')}`];
  return [`${total} points`, ...accepted, ...reasons].join('; ');
}
