// Owns the exact answer to whether one machine fits an empty host.
// Says only whether; why not is infeasible.ts's.

import { HostFill } from './host-fill.ts';
import { buildBlock } from './host-block.ts';
import { type LinearSolver, solveOnce } from './linear-program.ts';
import type { HostProblem } from './packing-problem.ts';
import type { VmDemand } from './vm-demand.ts';

export function fitsAlone(
  solver: LinearSolver,
  problem: HostProblem,
  vms: readonly VmDemand[],
  vmClass: number,
): boolean {
  if (problem.fittings[vmClass] === undefined) return false;
  // Nearly always the first try answers; only where PFs are scarce has it to be searched.
  if (new HostFill(problem, vms).place(vmClass) !== undefined) return true;
  const fittings = problem.fittings.map((fitting, at) => (at === vmClass ? fitting : undefined));
  const block = buildBlock({ ...problem, fittings }, vms);
  const oneMachine = block.rows.length;
  const columns = block.columns.map((column, at) => ({
    ...column,
    isInteger: true,
    entries:
      block.meanings[at]?.counts === 'machines'
        ? [...column.entries, [oneMachine, 1] as const]
        : column.entries,
  }));
  return solveOnce(solver, { rows: [...block.rows, { lower: 1 }], columns }).values !== undefined;
}
