// Owns the exact packing of inputs that need few hosts, where one host more or less is a large share.
// Every host is modelled by itself; larger inputs are left as the search has them.

import { wholeBound } from './bound.ts';
import { type Filling, fillingOf } from './filling.ts';
import { buildBlock, type HostBlock } from './host-block.ts';
import { type Column, type LinearSolver, type Row, solveOnce } from './linear-program.ts';
import type { PackingProblem } from './packing-problem.ts';
import type { WholePacking } from './rounding.ts';
import { decodeSeats } from './seat-decoding.ts';

/** Columns of all single hosts together, beyond which the search in whole numbers takes too long. */
const maxColumns = 600;
const maxNodes = 500;

export interface BoundedPacking {
  readonly packing: WholePacking;
  readonly boundHosts: number;
}

/** A host that may be used or not, and where its columns begin. */
interface SingleHost {
  readonly hostClass: number;
  readonly block: HostBlock;
  readonly firstColumn: number;
}

/** The same packing, or a better one, and the same bound, or a higher one; exact unless the search ends early. */
export function packFewHosts(
  solver: LinearSolver,
  problem: PackingProblem,
  packing: WholePacking,
  boundHosts: number,
): BoundedPacking {
  const isWhole = packing.unplaced.every((count) => count === 0);
  if (isWhole && packing.usedHosts <= boundHosts) return { packing, boundHosts };
  const mostHosts = isWhole ? packing.usedHosts : mostHostsOf(problem);
  const blocks = problem.hosts.map((host) => buildBlock(host, problem.vms, true));
  const columnCount = blocks.reduce(
    (sum, block) => sum + (block.columns.length + 1) * Math.min(mostHosts, block.problem.count),
    0,
  );
  if (columnCount > maxColumns) return { packing, boundHosts };

  const { rows, columns, singles } = programOf(problem, blocks, mostHosts);
  const solution = solveOnce(solver, { rows, columns }, { maxNodes });
  // No solution: it is impossible to place all, which the caller has to say.
  if (solution.status === 'infeasible') return { packing, boundHosts: Infinity };
  const proven = Math.max(boundHosts, wholeBound(solution.bound));
  if (solution.values === undefined) return { packing, boundHosts: proven };
  const fillings = singles.flatMap((single) => decode(single, problem, solution.values));
  const found: WholePacking = {
    filled: merge(fillings),
    usedHosts: fillings.length,
    unplaced: new Int32Array(problem.vms.length),
  };
  const isBetter = !isWhole || found.usedHosts < packing.usedHosts;
  return { packing: isBetter ? found : packing, boundHosts: proven };
}

/** No packing uses more hosts: there are no more, or every one holds a single machine. */
export function mostHostsOf(problem: PackingProblem): number {
  const hosts = problem.hosts.reduce((sum, { count }) => sum + count, 0);
  return Math.min(
    hosts,
    problem.vms.reduce((sum, { count }) => sum + count, 0),
  );
}

function programOf(problem: PackingProblem, blocks: readonly HostBlock[], mostHosts: number) {
  // Exactly as many machines as there are: a packing holds each once.
  const rows: Row[] = problem.vms.map(({ count }) => ({ lower: count, upper: count }));
  const columns: Column[] = [];
  const singles: SingleHost[] = [];
  for (const [hostClass, block] of blocks.entries()) {
    let before: number | undefined;
    for (let host = 0; host < Math.min(mostHosts, block.problem.count); host += 1) {
      singles.push({ hostClass, block, firstColumn: columns.length });
      before = addHost(rows, columns, block, before);
    }
  }
  return { rows, columns, singles };
}

/** Adds one host, used only when the one before it is: hosts that are alike need not be told apart. Returns its column. */
function addHost(rows: Row[], columns: Column[], block: HostBlock, before: number | undefined): number {
  const firstRow = rows.length;
  const growing = new Map(block.capacityRows.map(({ row, capacity }) => [row, capacity]));
  rows.push(...block.rows.map((row, at): Row => (growing.has(at) ? { upper: 0 } : row)));
  for (const [at, column] of block.columns.entries()) {
    const meaning = block.meanings[at];
    const entries = column.entries.map(([row, value]) => [firstRow + row, value] as const);
    if (meaning?.counts === 'machines') entries.push([meaning.vmClass, 1] as const);
    columns.push({ cost: 0, isInteger: true, entries });
  }
  const entries = [...growing].map(([row, capacity]) => [firstRow + row, -capacity] as const);
  if (before !== undefined) {
    const order = rows.push({ upper: 0 }) - 1;
    entries.push([order, 1]);
    const earlier = columns[before];
    if (earlier !== undefined) columns[before] = { ...earlier, entries: [...earlier.entries, [order, -1]] };
  }
  columns.push({ cost: 1, upper: 1, isInteger: true, entries });
  return columns.length - 1;
}

function decode(single: SingleHost, problem: PackingProblem, values: Float64Array | undefined): Filling[] {
  const { block, firstColumn, hostClass } = single;
  const own = (values ?? new Float64Array(0)).slice(firstColumn, firstColumn + block.columns.length);
  const seats = decodeSeats(block, problem.vms, own);
  return seats.length === 0 ? [] : [fillingOf(hostClass, seats, problem.vms.length)];
}

/** Hosts that are filled alike, together. */
function merge(fillings: readonly Filling[]): WholePacking['filled'] {
  const alike = new Map<string, { filling: Filling; hosts: number }>();
  for (const filling of fillings) {
    const key = `${filling.hostClass} ${JSON.stringify(filling.seats)}`;
    const known = alike.get(key);
    if (known === undefined) alike.set(key, { filling, hosts: 1 });
    else known.hosts += 1;
  }
  return [...alike.values()];
}
