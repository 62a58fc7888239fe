// Owns the rows and columns that say what fits on one host, for the bound and for the search of good fillings.
// For whole numbers they are exact: every solution is a filling of a host (seat-decoding.ts), and every filling one.
//
// A column counts machines of a class on a spot, or VFs of a class's NICs on a PF. NICs are not told apart by machine:
// when n pairs have 2n VFs and no card more than n of them, sorting the VFs by card and pairing each with the one n
// places on gives n pairs on two cards each. So counting VFs per card is enough.

import type { Column, Row } from './linear-program.ts';
import type { Fitting, HostProblem, PfChoice } from './packing-problem.ts';
import type { VmDemand } from './vm-demand.ts';

/** What a column counts. */
export type Meaning =
  | { readonly counts: 'machines'; readonly vmClass: number; readonly spot: number }
  | {
      readonly counts: 'vfs';
      readonly vmClass: number;
      readonly group: number;
      readonly choice: PfChoice;
      /** Spot of the machines; undefined where the VFs may be on any node. */
      readonly spot: number | undefined;
    };

export interface HostBlock {
  readonly problem: HostProblem;
  /** Rows for one host; `capacityRows` are the ones whose limit grows with the number of hosts. */
  readonly rows: readonly Row[];
  /** Row and resource of every limit that can bind. */
  readonly capacityRows: readonly {
    readonly row: number;
    readonly resource: number;
    readonly capacity: number;
  }[];
  /** By class of machines, the row that keeps their number on the host within what there is; only when asked for. */
  readonly capRows: readonly (number | undefined)[];
  /** Costs are 0. */
  readonly columns: readonly Column[];
  readonly meanings: readonly Meaning[];
}

interface Draft {
  readonly rows: Row[];
  readonly columns: Column[];
  readonly meanings: Meaning[];
  /** Row of each resource, -1 for those without limit. */
  readonly resourceRows: readonly number[];
}

/** Rows and columns of one host. With `isCapped`, no class has more machines on it than there are. */
export function buildBlock(problem: HostProblem, vms: readonly VmDemand[], isCapped = false): HostBlock {
  const rows: Row[] = [];
  const capacityRows: { row: number; resource: number; capacity: number }[] = [];
  const resourceRows = problem.resources.map(({ capacity }, resource) => {
    if (capacity === Infinity) return -1;
    rows.push({ upper: capacity });
    capacityRows.push({ row: rows.length - 1, resource, capacity });
    return rows.length - 1;
  });
  const draft: Draft = { rows, columns: [], meanings: [], resourceRows };
  const capRows = vms.map((vm, vmClass) => {
    const fitting = problem.fittings[vmClass];
    if (fitting === undefined) return undefined;
    const cap = isCapped ? rows.push({ upper: vm.count }) - 1 : undefined;
    addClass(draft, problem, vmClass, vm, fitting, cap);
    return cap;
  });
  return { problem, rows, capacityRows, capRows, columns: draft.columns, meanings: draft.meanings };
}

/** Spots that share their VFs: each alone where VFs must be near, all together where they need not. */
function addClass(
  draft: Draft,
  problem: HostProblem,
  vmClass: number,
  vm: VmDemand,
  fitting: Fitting,
  cap: number | undefined,
): void {
  const spotEntries = fitting.spots.map(({ uses }) => limited(draft, uses));
  const sets = problem.isStrict
    ? fitting.spots.map((_, spot) => ({ spots: [spot], spot }))
    : [{ spots: fitting.spots.map((_, spot) => spot), spot: undefined }];
  for (const { spots, spot } of sets) {
    for (const [group, nicGroup] of vm.groups.entries()) {
      const near = (fitting.choices[group] ?? []).filter(
        (choice) =>
          spot === undefined ||
          choice.node === undefined ||
          fitting.spots[spot]?.nodes.includes(choice.node) === true,
      );
      const nics = nicGroup.nics.length;
      const balance = draft.rows.push({ lower: 0, upper: 0 }) - 1;
      for (const at of spots) spotEntries[at]?.push([balance, -nics * nicGroup.vfsPerNic]);
      const apart = new Map<number, number>();
      if (nicGroup.redundancy !== 'none') {
        for (const choice of near) {
          const place = nicGroup.redundancy === 'cards' ? choice.card : choice.port;
          if (apart.has(place)) continue;
          const row = draft.rows.push({ upper: 0 }) - 1;
          apart.set(place, row);
          for (const at of spots) spotEntries[at]?.push([row, -nics]);
        }
      }
      for (const choice of near) {
        const entries = limited(draft, choice.uses);
        entries.push([balance, 1]);
        const row = apart.get(nicGroup.redundancy === 'cards' ? choice.card : choice.port);
        if (row !== undefined) entries.push([row, 1]);
        draft.columns.push({ cost: 0, entries });
        draft.meanings.push({ counts: 'vfs', vmClass, group, choice, spot });
      }
    }
  }
  for (const [spot, entries] of spotEntries.entries()) {
    if (cap !== undefined) entries.push([cap, 1]);
    draft.columns.push({ cost: 0, entries });
    draft.meanings.push({ counts: 'machines', vmClass, spot });
  }
}

function limited(draft: Draft, uses: Fitting['spots'][number]['uses']): [number, number][] {
  return uses.flatMap(([resource, amount]): [number, number][] => {
    const row = draft.resourceRows[resource] ?? -1;
    return row < 0 ? [] : [[row, amount]];
  });
}
