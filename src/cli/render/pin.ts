// Owns the screen of `vfleet pin`: where a VM is, where it is to be, and why.

import { listText } from '../../placement/number-list.ts';
import type { PinChange, PinningPlan, ScopePlan } from '../../placement/pinning-plan.ts';
import type { Terminal } from '../context.ts';
import { cutName, nameInSentence, printable, renderTable, wrapText } from './table.ts';
import type { Column } from './table.ts';

interface Row {
  readonly scope: string;
  readonly what: string;
  readonly before: string;
  readonly after: string;
}

const columns: readonly Column<Row>[] = [
  { title: 'OF', cell: ({ scope }) => scope, sacrifice: 0 },
  { title: 'WHAT', cell: ({ what }) => what, sacrifice: 0 },
  { title: 'BEFORE', cell: ({ before }) => before, sacrifice: 1 },
  { title: '', cell: () => '->', sacrifice: 1 },
  { title: 'AFTER', cell: ({ after }) => after, sacrifice: 0 },
];

/** Longest list of CPUs in a cell; a longer one is cut, and whole in --json. */
const maxListColumns = 30;

/** How many changes a plan has, of the running VM and of its stored definition. */
export function changeCountOf({ live, stored }: PinningPlan): number {
  return (live?.changes.length ?? 0) + (stored?.changes.length ?? 0);
}

/** Lines that say what a plan changes, why, and what it does not change. */
export function renderPinning(plan: PinningPlan, terminal: Terminal): string[] {
  const { widthColumns } = terminal;
  const style = (text: string): string => terminal.style('dim', text);
  const name = printable(cutName(plan.vm, nameInSentence));
  const rows = [...rowsOf('running VM', plan.live), ...rowsOf('stored', plan.stored)];
  const title =
    rows.length === 0
      ? `${name} is well placed on NUMA node ${plan.node}.`
      : `${name} on NUMA node ${plan.node}`;
  const wrap = (text: string): string[] => wrapText(text, '  - ', widthColumns);
  return [
    terminal.style('bold', title),
    ...plan.reasons.flatMap(wrap),
    ...(rows.length === 0
      ? []
      : ['', ...renderTable(rows, columns, { widthColumns, indent: '  ', style }).lines]),
    ...(plan.notes.length === 0 || rows.length === 0 ? [] : ['']),
    ...plan.notes.flatMap((note) =>
      wrapText(note, '  ! ', widthColumns).map((line) => terminal.style('yellow', line)),
    ),
  ];
}

function rowsOf(scope: string, plan: ScopePlan | undefined): readonly Row[] {
  return (plan?.changes ?? []).map((change) => ({ scope, ...cellsOf(change) }));
}

function cellsOf(change: PinChange): Omit<Row, 'scope'> {
  if (change.what === 'vcpus' || change.what === 'ioThreads') {
    const { before, after } = change;
    const [name, numbers] =
      change.what === 'vcpus' ? ['vCPU', change.vcpus] : ['I/O thread', change.ioThreads];
    const what = `${name}${numbers.length === 1 ? '' : 's'} ${listText(numbers)}`;
    return { what, before: pinsText(before), after: pinsText(after) };
  }
  const [what, any, kind] =
    change.what === 'emulator' ? ['emulator', 'any CPU', 'CPU'] : ['memory', 'any node', 'node'];
  const text = (numbers: readonly number[]): string =>
    cut(`${kind}${numbers.length === 1 ? '' : 's'} ${listText(numbers)}`);
  return { what, before: change.before === undefined ? any : text(change.before), after: text(change.after) };
}

/** `CPUs 8 24 9 25`: a set for each thread in their order; one set stands for all when it is the same. */
function pinsText(pins: readonly (readonly number[] | undefined)[]): string {
  const sets = pins.map((pin) => (pin === undefined ? 'any CPU' : listText(pin)));
  const [first = ''] = sets;
  const isOne = sets.every((set) => set === first);
  if (isOne && first === 'any CPU') return first;
  const isSingle = isOne && pins.length > 0 && pins[0]?.length === 1;
  return cut(`${isSingle ? 'CPU' : 'CPUs'} ${isOne ? first : sets.join(' ')}`);
}

function cut(text: string): string {
  return text.length > maxListColumns ? `${text.slice(0, maxListColumns - 1)}…` : text;
}
