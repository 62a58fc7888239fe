// Owns the screen of `vfleet vms`: virtual machines with their network interfaces, and what stands behind each.

import type { Lease } from '../../model/lease.ts';
import type { Vm, VmNic } from '../../model/vm.ts';
import { isActive } from '../../model/vm.ts';
import type { Terminal } from '../context.ts';
import { cutName, hiddenNote, renderTable, wrapText } from './table.ts';
import type { Column } from './table.ts';

/** What a VF is to the list of VMs. */
export interface VfOfVm {
  readonly pf: string;
  readonly vf: number;
  readonly numaNode?: number;
}

/** A network interface of a VM, with the VF and the lease behind it. */
export interface NicView extends VmNic {
  /** Only in the stored definition: it comes with the next start. */
  readonly storedOnly: boolean;
  readonly vfOnHost?: VfOfVm;
  /** Network of the lease; absent for interfaces that vfleet did not give. */
  readonly leasedNetwork?: string;
  readonly hold?: 'live' | 'stored';
}

/** A VM as `vfleet vms` shows it. */
export interface VmView extends Omit<Vm, 'nics' | 'storedNics'> {
  readonly nics: readonly NicView[];
}

/** `web-2` before `web-10`. */
const byName = new Intl.Collator('en', { numeric: true });

/** Puts VMs, leases and the host's VFs together, by name; `vfs` by PCI address. */
export function viewVms(
  vms: readonly Vm[],
  leases: readonly Lease[],
  vfs: ReadonlyMap<string, VfOfVm>,
): VmView[] {
  const ordered = vms.toSorted((a, b) => byName.compare(a.name, b.name));
  return ordered.map(({ nics, storedNics, ...vm }) => {
    const own = leases.filter(({ owner }) => owner.kind === 'libvirt' && owner.uuid === vm.uuid);
    const stored = storedNics.filter((nic) => !nics.some((live) => isSameNic(live, nic)));
    return {
      ...vm,
      nics: [
        ...nics.map((nic) => viewNic(nic, false, own, vfs)),
        ...stored.map((nic) => viewNic(nic, isActive(vm), own, vfs)),
      ],
    };
  });
}

function viewNic(
  nic: VmNic,
  storedOnly: boolean,
  leases: readonly Lease[],
  vfs: ReadonlyMap<string, VfOfVm>,
): NicView {
  const { hostAddress } = nic;
  const vfOnHost = hostAddress === undefined ? undefined : vfs.get(hostAddress);
  const lease = hostAddress === undefined ? undefined : leases.find(({ address }) => address === hostAddress);
  return {
    ...nic,
    storedOnly,
    ...(vfOnHost === undefined ? {} : { vfOnHost }),
    ...(lease === undefined ? {} : { leasedNetwork: lease.network }),
    ...(lease?.owner.kind === 'libvirt' ? { hold: lease.owner.hold } : {}),
  };
}

/** Whether a stored interface is the one that the VM runs with. */
function isSameNic(live: VmNic, stored: VmNic): boolean {
  if (live.hostAddress !== undefined || stored.hostAddress !== undefined)
    return live.hostAddress === stored.hostAddress;
  return live.mac !== undefined && live.mac === stored.mac;
}

interface Row {
  readonly vm: VmView;
  readonly nic: NicView | undefined;
}

const columns: readonly Column<Row>[] = [
  { title: 'VM', cell: ({ vm }, room) => cutName(vm.name, room), sacrifice: 0 },
  { title: 'STATE', cell: ({ vm }) => vm.state, sacrifice: 2 },
  { title: 'NIC', cell: ({ nic }) => describeKind(nic), sacrifice: 0 },
  { title: 'MAC', cell: ({ nic }) => nic?.mac ?? '', sacrifice: 1 },
  { title: 'NETWORK', cell: ({ nic }, room) => cutName(networkOf(nic), room), sacrifice: 0 },
  { title: 'VF', cell: ({ nic }) => vfOf(nic), sacrifice: 0 },
  { title: 'VF NODE', cell: ({ nic }) => text(nic?.vfOnHost?.numaNode), align: 'right', sacrifice: 4 },
  { title: 'VM NODES', cell: ({ vm }) => vm.placement.memoryNodes?.join(' ') ?? '', sacrifice: 5 },
  { title: 'HELD', cell: ({ nic }) => nic?.hold ?? '', sacrifice: 3 },
  { title: 'IN GUEST', cell: ({ nic }) => nic?.guestAddress ?? '', sacrifice: 7 },
  { title: 'FAILOVER', cell: ({ nic }) => nic?.teaming?.role ?? '', sacrifice: 6 },
];

/** Lines that list VMs, one per interface; a VM without any has one line. */
export function renderVms(vms: readonly VmView[], label: string, terminal: Terminal): string[] {
  if (vms.length === 0) return [`No VM at ${label}.`];
  const { widthColumns } = terminal;
  const rows = vms.flatMap((vm): Row[] =>
    vm.nics.length === 0 ? [{ vm, nic: undefined }] : vm.nics.map((nic) => ({ vm, nic })),
  );
  const style = (line: string): string => terminal.style('dim', line);
  const { lines, hidden } = renderTable(rows, columns, { widthColumns, indent: '', style });
  const problems = vms.flatMap(({ problem }) =>
    problem === undefined ? [] : wrapText(problem, '! ', widthColumns),
  );
  return [
    ...lines,
    ...hiddenNote(hidden, '', widthColumns).map(style),
    ...problems.map((line) => terminal.style('yellow', line)),
  ];
}

function describeKind(nic: NicView | undefined): string {
  if (nic === undefined) return '';
  const kind = nic.hostAddress === undefined ? nic.kind : 'VF';
  return nic.storedOnly ? `${kind} (next start)` : kind;
}

function networkOf(nic: NicView | undefined): string {
  return nic?.leasedNetwork ?? nic?.bridge ?? nic?.network ?? '';
}

function vfOf(nic: NicView | undefined): string {
  if (nic?.hostAddress === undefined) return '';
  return nic.vfOnHost === undefined ? nic.hostAddress : `${nic.vfOnHost.pf} VF ${nic.vfOnHost.vf}`;
}

function text(value: number | undefined): string {
  return value === undefined ? '' : `${value}`;
}
