// Owns the rearranging of hosts that are filled already, so that fewer VFs are on another NUMA node than their machine.
// Moves machines within a host only: which machines a host holds stays as it is.

import { type Filling, fillingOf, FillingMaker } from './filling.ts';
import { buildBlock } from './host-block.ts';
import { type LinearSolver, type Row, solveOnce } from './linear-program.ts';
import type { HostProblem, PackingProblem } from './packing-problem.ts';
import type { WholePacking } from './rounding.ts';
import { decodeSeats } from './seat-decoding.ts';
import type { VmDemand } from './vm-demand.ts';

/** Beyond these the exact search is left out: columns of one host, and fillings that are searched. */
const maxColumns = 200;
const maxSearched = 20;
const maxNodes = 20;

/** The same machines on the same hosts, with at most as much traffic between NUMA nodes. */
export function bringNear(
  solver: LinearSolver,
  problem: PackingProblem,
  packing: WholePacking,
): WholePacking {
  const { vms } = problem;
  const makers = problem.hosts.map((host, index) => new FillingMaker(index, host, vms));
  // Machines with most to keep together first.
  const order = vms
    .map((_, vmClass) => vmClass)
    .sort(
      (a, b) =>
        (vms[b]?.nicCount ?? 0) - (vms[a]?.nicCount ?? 0) || (vms[b]?.vcpus ?? 0) - (vms[a]?.vcpus ?? 0),
    );
  let searched = 0;
  const filled = packing.filled.map(({ filling, hosts }) => {
    if (remoteMbpsOf(filling) === 0) return { filling, hosts };
    const host = problem.hosts[filling.hostClass];
    const tried = makers[filling.hostClass]?.make(filling.counts, order, filling.counts);
    let best = filling;
    if (tried?.seats.length === filling.seats.length && remoteMbpsOf(tried) < remoteMbpsOf(best))
      best = tried;
    if (host !== undefined && remoteMbpsOf(best) > 0 && searched < maxSearched) {
      searched += 1;
      best = allNear(solver, host, vms, best) ?? best;
    }
    return { filling: best, hosts };
  });
  return { ...packing, filled };
}

function remoteMbpsOf({ seats }: Filling): number {
  return seats.reduce((sum, { remoteMbps }) => sum + remoteMbps, 0);
}

/** The filling with every VF near its machine; undefined when there is none, or it would take too long to find. */
function allNear(
  solver: LinearSolver,
  host: HostProblem,
  vms: readonly VmDemand[],
  filling: Filling,
): Filling | undefined {
  const fittings = host.fittings.map((fitting, at) => ((filling.counts[at] ?? 0) > 0 ? fitting : undefined));
  const block = buildBlock({ ...host, fittings, isStrict: true }, vms);
  if (block.columns.length > maxColumns) return undefined;
  const counts: Row[] = Array.from(filling.counts, (count) => ({ lower: count, upper: count }));
  const firstCount = block.rows.length;
  const columns = block.columns.map((column, at) => {
    const meaning = block.meanings[at];
    const entries =
      meaning?.counts === 'machines'
        ? [...column.entries, [firstCount + meaning.vmClass, 1] as const]
        : column.entries;
    return { ...column, isInteger: true, entries };
  });
  const { values } = solveOnce(solver, { rows: [...block.rows, ...counts], columns }, { maxNodes });
  if (values === undefined) return undefined;
  return fillingOf(filling.hostClass, decodeSeats(block, vms, values), vms.length);
}
