// Owns the screen of a plan: what changes, what is disrupted, what else there is to know.

import type { Change, Plan } from '../../model/plan.ts';
import type { Terminal } from '../context.ts';
import { printable, wrapText } from './table.ts';

interface Group {
  readonly first: number | undefined;
  last: number | undefined;
  readonly change: Change;
}

/** Lines that show a plan. Neighbouring VFs with the same change share a line. */
export function renderPlan(plan: Plan, terminal: Terminal): string[] {
  if (plan.changes.length === 0 && plan.disruptions.length === 0)
    return ['No changes: the host is as the spec says.', ...renderNotes(plan, terminal)];
  const lines: string[] = [];
  for (const pf of new Set(plan.changes.map((change) => change.pf))) {
    lines.push(terminal.style('bold', printable(pf)));
    const groups = groupChanges(plan.changes.filter((change) => change.pf === pf));
    const subjectWidth = Math.max(...groups.map((group) => subjectOf(group).length));
    const attributeWidth = Math.max(...groups.map(({ change }) => change.attribute.length));
    for (const group of groups) {
      const { attribute, before, after } = group.change;
      const from = terminal.style('dim', valueText(before));
      const to = terminal.style('green', valueText(after));
      lines.push(
        `  ${subjectOf(group).padEnd(subjectWidth)}  ${attribute.padEnd(attributeWidth)}  ${from} → ${to}`,
      );
    }
  }
  lines.push('', ...renderDisruptions(plan, terminal), ...renderNotes(plan, terminal));
  const changes = `${plan.changes.length} change${plan.changes.length === 1 ? '' : 's'}`;
  const steps = `${plan.steps.length} step${plan.steps.length === 1 ? '' : 's'}`;
  lines.push(
    plan.disruptions.length === 0
      ? `${changes} in ${steps}; no VF in use is disrupted.`
      : terminal.style('red', `${changes} in ${steps}; disrupts ${plan.disruptions.length} VFs.`),
  );
  return lines;
}

function renderDisruptions(plan: Plan, terminal: Terminal): string[] {
  return plan.disruptions.map(({ pf, vf, holders, leasedTo, why }) => {
    const users = holders.map(
      ({ kind, name, pid }) => `${kind} ${name}${pid === undefined ? '' : ` (pid ${pid})`}`,
    );
    const whose = leasedTo === undefined ? `used by ${users.join(', ')}` : `leased to VM ${leasedTo}`;
    return terminal.style(
      'red',
      `  disrupts VF ${vf} of ${printable(pf)}, ${printable(whose)}: ${printable(why)}`,
    );
  });
}

function renderNotes(plan: Plan, terminal: Terminal): string[] {
  return plan.notes.flatMap((note) =>
    wrapText(note, '  note: ', terminal.widthColumns).map((line) => terminal.style('yellow', line)),
  );
}

function groupChanges(changes: readonly Change[]): Group[] {
  const groups: Group[] = [];
  const open = new Map<string, Group>();
  for (const change of changes) {
    const key = JSON.stringify([change.attribute, change.before, change.after]);
    const group = open.get(key);
    if (change.vf !== undefined && group?.last === change.vf - 1) {
      group.last = change.vf;
      continue;
    }
    const fresh: Group = { first: change.vf, last: change.vf, change };
    groups.push(fresh);
    open.set(key, fresh);
  }
  return groups;
}

function subjectOf({ first, last }: Group): string {
  if (first === undefined) return 'PF';
  return first === last ? `VF ${first}` : `VF ${first}-${last}`;
}

function valueText(value: string | number | boolean | undefined): string {
  if (value === undefined) return '(not set)';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return printable(String(value));
}
