// Owns the screen of `vfleet show`: PFs with their facts, and a table of VFs under each.

import type { Lease, VfKey } from '../../model/lease.ts';
import type { Pf } from '../../model/pf.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { Vf, VfHolder } from '../../model/vf.ts';
import type { LeaseList } from '../assigning.ts';
import type { Terminal } from '../context.ts';
import { describeOwner } from './leases.ts';
import { cutName, hiddenNote, isTight, printable, renderTable } from './table.ts';
import type { Column } from './table.ts';

interface Row extends Vf {
  readonly lease: Lease | undefined;
  readonly marks: readonly string[];
}

const columns: readonly Column<Row>[] = [
  { title: 'VF', cell: (vf) => `${vf.index}`, align: 'right', sacrifice: 0 },
  { title: 'ADDRESS', cell: (vf) => vf.address ?? '', sacrifice: 0 },
  { title: 'RID', cell: (vf) => requesterId(vf.requesterId), sacrifice: 9 },
  { title: 'GROUP', cell: (vf) => vf.iommuGroup?.toString() ?? '', align: 'right', sacrifice: 6 },
  { title: 'NUMA', cell: (vf) => vf.numaNode?.toString() ?? '', align: 'right', sacrifice: 10 },
  { title: 'DRIVER', cell: (vf) => vf.driver ?? '', sacrifice: 3 },
  { title: 'NETDEV', cell: (vf) => vf.netdev ?? '', sacrifice: 7 },
  { title: 'MAC', cell: (vf) => vf.settings.mac ?? '', sacrifice: 1 },
  { title: 'VLAN', cell: vlan, sacrifice: 2 },
  { title: 'RATE Mb/s', cell: rate, sacrifice: 5 },
  { title: 'SPOOFCHK', cell: (vf) => onOff(vf.settings.spoofCheck), sacrifice: 4 },
  { title: 'TRUST', cell: (vf) => onOff(vf.settings.trust), sacrifice: 4 },
  { title: 'LINK', cell: (vf) => vf.settings.linkState ?? '', sacrifice: 8 },
  { title: 'USED BY', cell: describeUse, sacrifice: 0 },
];

/** Lines that show a host, and whose its VFs are. */
export function renderSnapshot(
  snapshot: Snapshot,
  terminal: Terminal,
  ownership: LeaseList = { leases: [], quarantined: [], corrupt: [] },
): string[] {
  const { host, pfs } = snapshot;
  const lines = [
    `${terminal.style('bold', printable(host.name))}  kernel ${printable(host.kernelRelease)}, ${count(host.iommuGroupCount, 'IOMMU group')}, ${count(host.numaNodes.length, 'NUMA node')}`,
  ];
  if (pfs.length === 0) lines.push('', 'No SR-IOV capable network device was found.');
  for (const pf of pfs) lines.push('', ...renderPf(pf, ownership, terminal));
  // One reason can stand behind many facts.
  const unread = snapshot.unread.map(({ what, why }) => `not read: ${printable(what)}: ${printable(why)}`);
  for (const line of new Set(unread)) lines.push('', terminal.style('yellow', line));
  return lines;
}

function renderPf(pf: Pf, ownership: LeaseList, terminal: Terminal): string[] {
  const [uplink] = pf.netdevs;
  const id = pf.vendorId === undefined || pf.deviceId === undefined ? [] : [`${pf.vendorId}:${pf.deviceId}`];
  const title = [pf.address, ...pf.netdevs.map((netdev) => netdev.name)].map(printable).join(' ');
  const facts = [
    ...id,
    ...(pf.driver === undefined ? ['no driver'] : [`driver ${pf.driver}`]),
    ...(pf.firmware === undefined ? [] : [`firmware ${pf.firmware}`]),
    ...(pf.numaNode === undefined ? [] : [`NUMA node ${pf.numaNode}`]),
    ...(pf.iommuGroup === undefined ? [] : [`IOMMU group ${pf.iommuGroup}`]),
    ...pcie(pf),
    ...(pf.temperatureCelsius === undefined ? [] : [`${pf.temperatureCelsius} °C`]),
  ];
  const link =
    uplink === undefined
      ? ['no interface']
      : [
          uplink.up ? 'up' : 'down',
          ...(uplink.carrier === undefined ? [] : [uplink.carrier ? 'link' : 'no link']),
          ...(uplink.speedMbps === undefined || uplink.carrier === false ? [] : [`${uplink.speedMbps} Mb/s`]),
          `MTU ${uplink.mtu}`,
          ...(uplink.mac === undefined ? [] : [uplink.mac]),
        ];
  const eswitch = pf.devlink?.eswitchMode;
  const lines = [
    `${terminal.style('bold', title)}  ${pf.sriov.numVfs} of ${pf.sriov.totalVfs} VFs${eswitch === undefined ? '' : `, ${eswitch}`}`,
    ...wrap([...facts, ...link].map(printable), terminal.widthColumns),
  ];
  if (pf.vfs.length === 0) return lines;
  const { lines: table, hidden } = renderTable(rowsOf(pf, ownership), columns, {
    widthColumns: terminal.widthColumns,
    indent: '  ',
    style: (text) => terminal.style('dim', text),
  });
  lines.push(...table);
  lines.push(...hiddenNote(hidden, '  ', terminal.widthColumns).map((line) => terminal.style('dim', line)));
  for (const vf of pf.vfs) {
    if (vf.requesterIdConflict === undefined) continue;
    lines.push(terminal.style('yellow', `  VF ${vf.index}: ${printable(vf.requesterIdConflict)}`));
  }
  return lines;
}

function rowsOf(pf: Pf, { leases, quarantined, corrupt }: LeaseList): Row[] {
  const ownOf = <Item extends { readonly key: VfKey }>(items: readonly Item[]): ReadonlyMap<number, Item> =>
    new Map(items.filter(({ key }) => key.pf === pf.address).map((each) => [each.key.vf, each]));
  const [own, closed, unclear] = [ownOf(leases), ownOf(quarantined), ownOf(corrupt)];
  return pf.vfs.map((vf) => ({
    ...vf,
    lease: own.get(vf.index),
    marks: [
      ...(closed.has(vf.index) ? ['in quarantine'] : []),
      ...(unclear.has(vf.index) ? ['corrupt lease'] : []),
    ],
  }));
}

/** Facts joined with commas, broken at the width. */
function wrap(facts: readonly string[], widthColumns: number | undefined): string[] {
  const lines: string[] = [];
  let line = ' ';
  for (const [index, fact] of facts.entries()) {
    const piece = ` ${fact}${index === facts.length - 1 ? '' : ','}`;
    if (widthColumns !== undefined && line.length + piece.length > widthColumns && line.trim() !== '') {
      lines.push(line);
      line = ' ';
    }
    line += piece;
  }
  return [...lines, line];
}

function pcie(pf: Pf): string[] {
  const { currentSpeedGTps, currentWidth, maxSpeedGTps, maxWidth } = pf.pcieLink ?? {};
  if (currentSpeedGTps === undefined || currentWidth === undefined) return [];
  const best =
    (maxSpeedGTps ?? currentSpeedGTps) > currentSpeedGTps || (maxWidth ?? currentWidth) > currentWidth
      ? ` of ${maxSpeedGTps} GT/s x${maxWidth}`
      : '';
  return [`PCIe ${currentSpeedGTps} GT/s x${currentWidth}${best}`];
}

function requesterId(value: number | undefined): string {
  if (value === undefined) return '';
  const digits = (part: number): string => part.toString(16).padStart(2, '0');
  return `${digits(value >> 8)}:${digits((value >> 3) & 0x1f)}.${value & 7}`;
}

function vlan(vf: Vf): string {
  const { vlan: tag, qos, vlanProtocol } = vf.settings;
  if (tag === undefined || tag === 0 || tag === 4095) return '';
  const priority = qos === undefined || qos === 0 ? '' : ` qos ${qos}`;
  return `${tag}${priority}${vlanProtocol === '802.1ad' ? ' ad' : ''}`;
}

function rate(vf: Vf): string {
  const { minTxRateMbps: min = 0, maxTxRateMbps: max = 0 } = vf.settings;
  if (min === 0) return max === 0 ? '' : `≤${max}`;
  return max === 0 ? `≥${min}` : `${min}-${max}`;
}

function onOff(value: boolean | undefined): string {
  if (value === undefined) return '';
  return value ? 'on' : 'off';
}

function count(value: number, noun: string): string {
  return `${value} ${noun}${value === 1 ? '' : 's'}`;
}

/**
 * Who has a VF, and to whom it is leased: `VM web-1 (4242) on storage`, or `leased to web-1 (storage)`; after its marks.
 */
function describeUse({ holders, lease, marks }: Row, roomColumns: number): string {
  const isOwner = ({ kind, name }: VfHolder): boolean => kind === 'vm' && name === lease?.owner.name;
  const network = cutName(lease?.network ?? '', roomColumns);
  const users = holders.map((holder) => {
    const text = describeHolder(holder, roomColumns);
    return isOwner(holder) ? `${text} on ${network}` : text;
  });
  const hasOwner = lease === undefined || holders.some(isOwner);
  const leased = hasOwner
    ? []
    : [`leased to ${cutName(describeOwner(lease.owner), roomColumns)} (${network})`];
  return [...marks, ...users, ...leased].join(', ');
}

/** A holder in few words, for the table: `VM web-1`, `netns blue`, `qemu (12)`. */
function describeHolder({ kind, name: fullName, pid }: VfHolder, roomColumns: number): string {
  const name = cutName(fullName, roomColumns);
  const process = pid === undefined ? '' : ` (${pid})`;
  switch (kind) {
    case 'vm':
      // A VM is found by its name; where there is no room for both, that is what counts.
      return `VM ${name}${isTight(roomColumns) ? '' : process}`;
    case 'netns':
      return `netns ${name}`;
    case 'netdev':
      return `host ${name}`;
    case 'vfio':
      return `${name}${process}`;
  }
}
