// Owns the screen of `vfleet leases`: whose each VF is, and which VFs nobody may have.

import type { CorruptLease, Lease, LeaseOwner, VfKey } from '../../model/lease.ts';
import type { LeaseList } from '../assigning.ts';
import type { Terminal } from '../context.ts';
import { cutName, hiddenNote, renderTable, wrapText } from './table.ts';
import type { Column } from './table.ts';

const columns: readonly Column<Lease>[] = [
  { title: 'PF', cell: ({ key }) => key.pf, sacrifice: 0 },
  { title: 'VF', cell: ({ key }) => `${key.vf}`, align: 'right', sacrifice: 0 },
  { title: 'ADDRESS', cell: ({ address }) => address ?? '', sacrifice: 6 },
  { title: 'OWNER', cell: ({ owner }, room) => cutName(describeOwner(owner), room), sacrifice: 0 },
  { title: 'NETWORK', cell: ({ network }, room) => cutName(network, room), sacrifice: 0 },
  { title: 'MAC', cell: ({ settings }) => settings.mac ?? '', sacrifice: 1 },
  { title: 'HELD', cell: ({ owner }) => holdOf(owner), sacrifice: 3 },
  { title: 'STANDBY', cell: ({ standby }) => standby?.bridge ?? '', sacrifice: 5 },
  { title: 'RISKS', cell: ({ acceptedRisks }) => acceptedRisks.join(' '), sacrifice: 2 },
  { title: 'SINCE (UTC)', cell: ({ createdAt }) => toMinute(createdAt), sacrifice: 4 },
];

/** Lines that list leases, and below them the VFs in quarantine and the records that cannot be understood, with the reason. */
export function renderLeases({ leases, quarantined, corrupt }: LeaseList, terminal: Terminal): string[] {
  const { widthColumns } = terminal;
  const lines: string[] = [];
  if (leases.length === 0) lines.push(corrupt.length === 0 ? 'No VF is leased.' : 'No lease can be shown.');
  else {
    const style = (text: string): string => terminal.style('dim', text);
    const { lines: table, hidden } = renderTable(leases, columns, { widthColumns, indent: '', style });
    lines.push(...table);
    lines.push(...hiddenNote(hidden, '', widthColumns).map(style));
  }
  for (const { key, since, why } of quarantined) {
    const text = `${nameVf(key)} is in quarantine since ${toMinute(since)} UTC: ${why}`;
    lines.push('', ...wrapText(text, '', widthColumns).map((line) => terminal.style('red', line)));
  }
  if (quarantined.length > 0) {
    const hint = 'Nobody gets a VF in quarantine. Mend the cause, then run `vfleet recover`.';
    lines.push(...wrapText(hint, '', widthColumns));
  }
  if (corrupt.length > 0) lines.push('', ...renderCorrupt(corrupt, terminal));
  return lines;
}

/** Lines that name the records of leases that cannot be understood, and say what to do. */
export function renderCorrupt(corrupt: readonly CorruptLease[], terminal: Terminal): string[] {
  if (corrupt.length === 0) return [];
  const { widthColumns } = terminal;
  const lines = corrupt
    .flatMap(({ key, why }) => wrapText(`${nameVf(key)}: ${why}`, '', widthColumns))
    .map((line) => terminal.style('red', line));
  const hint =
    'Nobody gets a VF whose lease cannot be understood. See who has it; then remove the file, and run `vfleet recover`.';
  return [...lines, ...wrapText(hint, '', widthColumns)];
}

/** A VF in a sentence. */
export function nameVf({ pf, vf }: VfKey): string {
  return `VF ${vf} of ${pf}`;
}

/** Whose a VF is, in few words: `web-1`, `qemu vm1 (4242)`. */
export function describeOwner(owner: LeaseOwner): string {
  if (owner.kind === 'libvirt') return owner.name;
  return `qemu ${owner.name}${owner.process === undefined ? '' : ` (${owner.process.pid})`}`;
}

function holdOf(owner: LeaseOwner): string {
  return owner.kind === 'libvirt' ? owner.hold : 'process';
}

/** `2026-11-22 23:36` of an RFC 3339 time in UTC. */
function toMinute(time: string): string {
  return time.slice(0, 16).replace('T', ' ');
}
