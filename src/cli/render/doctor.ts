// Owns the screen of `vfleet doctor`: findings by group, the worst first, each with what was read, why and what to do.

import { findingKinds } from '../../doctor/finding-kinds/table.ts';
import { findingGroups, severities } from '../../doctor/run-doctor.ts';
import type { DoctorReport, Finding, FindingGroup, Severity, Verdict } from '../../model/finding.ts';
import type { Style, Terminal } from '../context.ts';
import { printable, wrapText } from './table.ts';

export interface DoctorScreenOptions {
  /** Each finding that is good on its own, and the facts behind all. */
  readonly verbose: boolean;
}

export const groupTitles: Readonly<Record<FindingGroup, string>> = {
  host: 'Server',
  iommu: 'IOMMU',
  nic: 'Cards',
  pcie: 'PCIe',
  network: 'Network',
  validated: 'Validated hardware',
};

const styles: Readonly<Record<Severity, Style>> = {
  blocker: 'red',
  warning: 'yellow',
  unknown: 'yellow',
  advice: 'bold',
  ok: 'green',
};
/** Columns of the longest severity. */
const markWidth = 7;
const indent = ' '.repeat(markWidth + 4);

export const verdictTexts: Readonly<Record<Verdict, string>> = {
  usable: 'SR-IOV can be used',
  partly: 'SR-IOV can be used with some of the cards',
  blocked: 'SR-IOV cannot be used',
  undecided: 'not enough was read to tell whether SR-IOV can be used',
};

/** Lines that show a report. */
export function renderDoctor(
  report: DoctorReport,
  terminal: Terminal,
  options: DoctorScreenOptions,
): string[] {
  const { host, takenAt, findings } = report;
  const head = `${terminal.style('bold', printable(host.name))}  kernel ${printable(host.kernelRelease)}, read ${printable(takenAt)}`;
  const groups = orderGroups(findings).flatMap((group) => [
    '',
    terminal.style('bold', groupTitles[group]),
    ...renderGroup(
      findings.filter((finding) => finding.group === group),
      terminal,
      options,
    ),
  ]);
  const style = report.verdict === 'usable' ? 'green' : report.verdict === 'blocked' ? 'red' : 'yellow';
  const verdict = wrapText(
    `${verdictTexts[report.verdict]}: ${countsText(report)}.`,
    '',
    terminal.widthColumns,
  );
  const lines = [head, ...groups, '', ...verdict.map((line) => terminal.style(style, line))];
  return terminal.isUtf8 ? lines : lines.map(asciiOf);
}

const plainSigns: Readonly<Record<string, string>> = { '’': "'", '“': '"', '”': '"', µ: 'u', '×': 'x' };

/** The same in ASCII, for terminals whose locale has no more; each sign takes one column as before. */
function asciiOf(line: string): string {
  return line.replace(/[\u0080-\uffff]/g, (sign) => plainSigns[sign] ?? '?');
}

/** Groups that have findings; the one with the worst comes first. */
export function orderGroups(findings: readonly Finding[]): FindingGroup[] {
  const worst = (group: FindingGroup): number =>
    Math.min(
      ...findings
        .filter((finding) => finding.group === group)
        .map(({ severity }) => severities.indexOf(severity)),
    );
  return findingGroups
    .filter((group) => findings.some((finding) => finding.group === group))
    .sort((a, b) => worst(a) - worst(b));
}

/** `1 blocker, 2 warnings, 5 pieces of advice`. */
export function countsText({ counts }: DoctorReport): string {
  const plural = (number: number, one: string, many: string): string[] =>
    number === 0 ? [] : [`${number} ${number === 1 ? one : many}`];
  const texts = [
    ...plural(counts.blocker, 'blocker', 'blockers'),
    ...plural(counts.warning, 'warning', 'warnings'),
    ...plural(counts.unknown, 'unknown', 'unknown'),
    ...plural(counts.advice, 'piece of advice', 'pieces of advice'),
    ...plural(counts.ok, 'check good', 'checks good'),
  ];
  return texts.length === 0 ? 'nothing was found' : texts.join(', ');
}

/** Findings of one kind, with every subject they are about. */
export interface FindingSet {
  readonly id: string;
  readonly first: Finding;
  readonly findings: readonly Finding[];
}

/** Findings of one kind together, in the order of the first of each. */
export function collectKinds(findings: readonly Finding[]): FindingSet[] {
  const sets = new Map<string, Finding[]>();
  for (const finding of findings) {
    const list = sets.get(finding.id) ?? [];
    list.push(finding);
    sets.set(finding.id, list);
  }
  return [...sets].flatMap(([id, list]) => {
    const [first] = list;
    return first === undefined ? [] : [{ id, first, findings: list }];
  });
}

/** The title of a kind; the id where a report of another version has kinds that this one does not know. */
export function titleOf(id: string): string {
  return Object.hasOwn(findingKinds, id) ? findingKinds[id as keyof typeof findingKinds].title : id;
}

function renderGroup(
  findings: readonly Finding[],
  terminal: Terminal,
  options: DoctorScreenOptions,
): string[] {
  const sets = collectKinds(findings);
  const shown = options.verbose ? sets : sets.filter(({ first }) => first.severity !== 'ok');
  const lines = shown.flatMap((set) => renderSet(set, terminal, options));
  const good = sets.filter(({ first }) => first.severity === 'ok');
  return options.verbose || good.length === 0 ? lines : [...lines, renderGood(good, terminal)];
}

function renderSet(
  { id, first, findings }: FindingSet,
  terminal: Terminal,
  options: DoctorScreenOptions,
): string[] {
  const { widthColumns } = terminal;
  const mark = first.severity.toUpperCase().padEnd(markWidth);
  const [title = '', ...rest] = wrapText(`${titleOf(id)} (${id})`, indent, widthColumns);
  const lines = [
    `  ${terminal.style(styles[first.severity], mark)}  ${terminal.style('bold', title.slice(indent.length))}`,
    ...rest.map((line) => terminal.style('bold', line)),
  ];
  const isSame = findings.every(({ todo }) => todo === first.todo);
  const why = first.severity === 'ok' ? [] : labelled('why: ', first.why, terminal);
  if (!isSame) lines.push(...why);
  for (const { subject, summary, todo, evidence } of findings) {
    lines.push(...wrapText(`${subject}: ${summary}`, indent, widthColumns));
    if (options.verbose)
      for (const { fact, value } of evidence) {
        const text = `${fact} = ${value === undefined ? '(absent)' : value === '' ? '(empty)' : value}`;
        lines.push(...wrapText(text, `${indent}  `, widthColumns).map((line) => terminal.style('dim', line)));
      }
    if (!isSame && todo !== undefined) lines.push(...labelled('do:  ', todo, terminal));
  }
  if (isSame) lines.push(...why);
  if (isSame && first.todo !== undefined) lines.push(...labelled('do:  ', first.todo, terminal));
  return lines;
}

/** A text behind its label, its further lines below itself. */
function labelled(label: string, text: string, terminal: Terminal): string[] {
  const first = `${indent}${label}`;
  return wrapText(text, first, terminal.widthColumns).map((line, index) =>
    index === 0 ? `${indent}${terminal.style('dim', label)}${line.slice(first.length)}` : line,
  );
}

/** One line for all that is good in a group, with as many titles as fit. */
function renderGood(good: readonly FindingSet[], terminal: Terminal): string {
  const mark = `  ${'OK'.padEnd(markWidth)}  `;
  const titles = good.map(({ id }) => titleOf(id));
  const width = terminal.widthColumns ?? Infinity;
  let text = '';
  for (const [index, title] of titles.entries()) {
    const more = titles.length - index - 1;
    const longer = `${text}${index === 0 ? '' : '; '}${title}`;
    const end = more === 0 ? '' : `; ${more} more`;
    if (index > 0 && mark.length + longer.length + end.length > width) {
      text = `${text}; ${more + 1} more`;
      break;
    }
    text = longer;
  }
  const fitting = text.length > width - mark.length ? `${good.length} good` : text;
  return `${terminal.style('green', mark)}${fitting}`;
}
