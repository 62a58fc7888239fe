// Owns the way from counted machines and VFs (host-block.ts) back to single machines with their PFs.
// Changes no count; among equal VFs those near to a machine are given to it first.

import type { HostBlock } from './host-block.ts';
import { isNear, seatOf } from './host-fill.ts';
import type { PfChoice, Spot } from './packing-problem.ts';
import type { NicGroup, VmDemand } from './vm-demand.ts';
import type { Seat } from './result.ts';

/** A machine that has its spot, and gets its PFs. */
interface Draft {
  readonly spot: Spot;
  readonly pfs: (readonly PfChoice[])[];
}

/** The machines of a whole solution of a block's program, by class. */
export function decodeSeats(
  block: HostBlock,
  vms: readonly VmDemand[],
  values: Float64Array,
): readonly Seat[] {
  const seats: Seat[] = [];
  for (const [vmClass, vm] of vms.entries()) {
    const fitting = block.problem.fittings[vmClass];
    if (fitting === undefined) continue;
    const spotSets: (number | undefined)[] = block.problem.isStrict
      ? fitting.spots.map((_, spot) => spot)
      : [undefined];
    for (const spotSet of spotSets) {
      const drafts = machinesOf(block, vmClass, spotSet, values, fitting.spots);
      if (drafts.length === 0) continue;
      for (const [at, group] of vm.groups.entries()) {
        const vfs = vfsOf(block, vmClass, at, spotSet, values);
        giveOut(drafts, group, group.redundancy === 'none' ? vfs.map((vf) => [vf]) : pairsOf(vfs, group));
      }
      seats.push(...drafts.map(({ spot, pfs }) => seatOf(vmClass, vm, spot, pfs)));
    }
  }
  return seats;
}

function machinesOf(
  block: HostBlock,
  vmClass: number,
  spotSet: number | undefined,
  values: Float64Array,
  spots: readonly Spot[],
): Draft[] {
  const drafts: Draft[] = [];
  for (const [column, meaning] of block.meanings.entries()) {
    if (meaning.counts !== 'machines' || meaning.vmClass !== vmClass) continue;
    if (spotSet !== undefined && meaning.spot !== spotSet) continue;
    const spot = spots[meaning.spot];
    if (spot === undefined) continue;
    const count = Math.round(values[column] ?? 0);
    for (let machine = 0; machine < count; machine += 1) drafts.push({ spot, pfs: [] });
  }
  return drafts;
}

function vfsOf(
  block: HostBlock,
  vmClass: number,
  group: number,
  spotSet: number | undefined,
  values: Float64Array,
): PfChoice[] {
  const vfs: PfChoice[] = [];
  for (const [column, meaning] of block.meanings.entries()) {
    if (meaning.counts !== 'vfs' || meaning.vmClass !== vmClass || meaning.group !== group) continue;
    if (meaning.spot !== spotSet) continue;
    const count = Math.round(values[column] ?? 0);
    for (let vf = 0; vf < count; vf += 1) vfs.push(meaning.choice);
  }
  return vfs;
}

/** Pairs each VF with the one half of the list further on, when they are sorted by what must differ. */
function pairsOf(vfs: readonly PfChoice[], group: NicGroup): readonly (readonly PfChoice[])[] {
  const place = ({ card, port }: PfChoice): number => (group.redundancy === 'cards' ? card : port);
  const sorted = vfs.toSorted((a, b) => place(a) - place(b) || a.pf - b.pf);
  const half = sorted.length / 2;
  return sorted.slice(0, half).map((vf, at) => [vf, sorted[half + at] ?? vf]);
}

/** Gives every machine as many of the units as it has NICs in the group: near ones first, then what is left. */
function giveOut(drafts: readonly Draft[], group: NicGroup, units: readonly (readonly PfChoice[])[]): void {
  const left = [...units];
  const wanting = drafts.flatMap((draft) => group.nics.map((nic) => ({ draft, nic })));
  for (let near = group.vfsPerNic; near >= 0; near -= 1) {
    for (const { draft, nic } of wanting) {
      if (draft.pfs[nic] !== undefined) continue;
      const at = left.findIndex((unit) => unit.filter((vf) => isNear(vf, draft.spot)).length >= near);
      const unit = left[at];
      if (unit === undefined) continue;
      draft.pfs[nic] = unit;
      left.splice(at, 1);
    }
  }
}
