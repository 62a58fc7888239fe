// Owns the lower bound on the number of hosts that follows from resources alone.
// Places nothing; the sharper bound from whole fillings is the column search's (columns.ts).

import { buildBlock, type HostBlock } from './host-block.ts';
import { type Column, type LinearSolver, type Row, solveOnce } from './linear-program.ts';
import type { HostProblem, PackingProblem } from './packing-problem.ts';

/** The solver keeps rows and prices to about 1e-7; what a bound says beyond this share is not relied on. */
const solverTolerance = 1e-6;

export interface RelaxedBound {
  /** `false`: not even the relaxation has a solution, so the machines do not fit at all. */
  readonly isFeasible: boolean;
  /** Hosts, not rounded; 0 when infeasible. */
  readonly hosts: number;
  /** By class of machines: hosts that one machine more costs. */
  readonly vmPrices: readonly number[];
  /** By class of hosts: how many the relaxation uses. */
  readonly hostCounts: readonly number[];
}

/**
 * A number of hosts that no packing can do without, and what the relaxation says besides.
 *
 * Why it is a bound: take any packing. Count, over all hosts of a class, its machines by spot and its VFs by PF. Each
 * host keeps within its capacities and within the rules on pairs (host-block.ts), all of which are linear; so the sums
 * keep within the same rules with the limits multiplied by the number of hosts used. The sums and that number are then
 * a solution of the program below, whose least number of hosts is no larger than theirs. That counts may be fractions
 * there only lowers it further.
 */
export function relaxedBoundOf(solver: LinearSolver, problem: PackingProblem): RelaxedBound {
  const rows: Row[] = problem.vms.map(({ count }) => ({ lower: count }));
  const columns: Column[] = [];
  const hostColumns: number[] = [];
  for (const host of problem.hosts) addHosts(rows, columns, hostColumns, host, problem);
  const solution = solveOnce(solver, { rows, columns });
  if (solution.status !== 'optimal') {
    return {
      isFeasible: false,
      hosts: 0,
      vmPrices: problem.vms.map(() => 0),
      hostCounts: problem.hosts.map(() => 0),
    };
  }
  return {
    isFeasible: true,
    hosts: solution.objective,
    vmPrices: problem.vms.map((_, vmClass) => Math.max(0, solution.rowDuals?.[vmClass] ?? 0)),
    hostCounts: hostColumns.map((column) => solution.values?.[column] ?? 0),
  };
}

function addHosts(
  rows: Row[],
  columns: Column[],
  hostColumns: number[],
  host: HostProblem,
  problem: PackingProblem,
): void {
  const block = buildBlock(host, problem.vms);
  const firstRow = rows.length;
  // Every limit counts in hosts, not in MB or Mb/s: numbers of one size are what the solver is good at.
  const growing = new Map(block.capacityRows.map(({ row, capacity }) => [row, Math.max(1, capacity)]));
  rows.push(...block.rows.map((row, at): Row => (growing.has(at) ? { upper: 0 } : row)));
  columns.push(...block.columns.map((column, at) => aggregated(block, column, at, firstRow, growing)));
  hostColumns.push(columns.length);
  columns.push({
    cost: 1,
    ...(host.count === Infinity ? {} : { upper: host.count }),
    entries: block.capacityRows.map(({ row, capacity }) => [firstRow + row, capacity > 0 ? -1 : 0] as const),
  });
}

/** The block's column among those of all hosts: in its rows there, and in the row of its class when it counts machines. */
function aggregated(
  block: HostBlock,
  column: Column,
  at: number,
  firstRow: number,
  units: ReadonlyMap<number, number>,
): Column {
  const meaning = block.meanings[at];
  const moved = column.entries.map(
    ([row, value]) => [firstRow + row, value / (units.get(row) ?? 1)] as const,
  );
  return {
    cost: 0,
    entries: meaning?.counts === 'machines' ? [[meaning.vmClass, 1] as const, ...moved] : moved,
  };
}

/** The whole number of hosts that a fractional bound proves; what lies within the solver's tolerance is given away. */
export function wholeBound(hosts: number): number {
  return Math.max(0, Math.ceil(hosts - solverTolerance * Math.max(1, hosts)));
}
