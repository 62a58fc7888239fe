// Owns the way to HiGHS, the solver, in WebAssembly.
// Knows nothing of packing; loaded only when something is to be sized, because it takes a tenth of a second.

import type { Highs, Model } from 'highs';
import { VfleetError } from '../base/errors.ts';
import type {
  Column,
  Entries,
  LinearProgram,
  LinearSolver,
  OpenProgram,
  Row,
  Solution,
  SolverLimits,
} from './linear-program.ts';

/** Loads the solver; its WebAssembly lies beside the bundle (scripts/build.mjs) or in its package. */
export async function loadSolver(): Promise<LinearSolver> {
  const loaded = await import('highs');
  // Its types are those of the CommonJS form, its code here is the module: the loader is the default export itself.
  const load = loaded.default as unknown as typeof loaded.default.default;
  const highs = await load();
  return { open: (program, limits) => new HighsProgram(highs, program, limits) };
}

class HighsProgram implements OpenProgram {
  private readonly highs: Highs;
  private readonly model: Model;
  private readonly isInteger: boolean;
  private readonly rowCount: number;
  private columnCount: number;

  constructor(highs: Highs, program: LinearProgram, limits: SolverLimits = {}) {
    this.highs = highs;
    this.rowCount = program.rows.length;
    this.columnCount = program.columns.length;
    this.isInteger = program.columns.some((column) => column.isInteger === true);
    this.model = highs.createModel({
      numRows: program.rows.length,
      numCols: program.columns.length,
      rowLower: program.rows.map((row) => row.lower ?? -highs.infinity),
      rowUpper: program.rows.map((row) => row.upper ?? highs.infinity),
      ...this.columnsOf(program.columns),
      matrix: matrixOf(program.columns, program.rows.length),
      ...(this.isInteger
        ? { integrality: Int32Array.from(program.columns, (column) => (column.isInteger === true ? 1 : 0)) }
        : {}),
    });
    // It has one thread, and no limit of time is set: the same input gives the same answer on every machine.
    this.model.options.set({
      output_flag: false,
      random_seed: 0,
      mip_rel_gap: limits.relativeGap ?? 0,
      ...(limits.maxNodes === undefined ? {} : { mip_max_nodes: limits.maxNodes }),
    });
  }

  solve(): Solution {
    const known = this.highs.constants.modelStatus;
    let { modelStatus } = this.model.run();
    if (modelStatus === known.unknown || modelStatus === known.solveError) {
      // Rare, and a matter of rounding on the way: another way there is without presolve, from the beginning.
      this.model.clearSolver();
      this.model.options.set({ presolve: 'off' });
      ({ modelStatus } = this.model.run());
      this.model.options.set({ presolve: 'choose' });
    }
    if (modelStatus === known.infeasible) return unsolved('infeasible');
    if (modelStatus === known.unbounded || modelStatus === known.unboundedOrInfeasible) {
      return unsolved('unbounded');
    }
    const isOptimal = modelStatus === known.optimal || modelStatus === known.empty;
    if (!isOptimal && modelStatus !== known.solutionLimit && modelStatus !== known.interrupted) {
      throw new VfleetError('internal.bug', `the solver gave up with status ${modelStatus}`);
    }
    const objective = this.model.getObjectiveValue();
    const { colValue, rowDual } = this.model.getSolution();
    const bound = this.isInteger ? Number(this.model.info.get('mip_dual_bound')) : objective;
    return {
      status: isOptimal ? 'optimal' : 'limit',
      objective,
      bound,
      values: Number.isFinite(objective) ? colValue : undefined,
      rowDuals: this.isInteger ? undefined : rowDual,
    };
  }

  setCosts(costs: Float64Array): void {
    this.model.changeColsCost({ kind: 'range', from: 0, to: this.columnCount - 1 }, costs);
  }

  addColumns(columns: readonly Column[]): void {
    if (columns.length === 0) return;
    const { colCost: cost, colLower: lower, colUpper: upper } = this.columnsOf(columns);
    const { starts, indices, values, ...rest } = matrixOf(columns, this.rowCount);
    this.model.addCols({
      cost: Float64Array.from(cost),
      lower: Float64Array.from(lower),
      upper: Float64Array.from(upper),
      matrix: {
        ...rest,
        starts: Int32Array.from(starts),
        indices: Int32Array.from(indices),
        values: Float64Array.from(values),
      },
    });
    this.columnCount += columns.length;
  }

  setRow(row: number, limits: Row): void {
    const { infinity } = this.highs;
    this.model.changeRowBounds(row, limits.lower ?? -infinity, limits.upper ?? infinity);
  }

  close(): void {
    this.model.dispose();
  }

  private columnsOf(columns: readonly Column[]): Record<'colCost' | 'colLower' | 'colUpper', number[]> {
    return {
      colCost: columns.map((column) => column.cost),
      colLower: columns.map(() => 0),
      colUpper: columns.map((column) => column.upper ?? this.highs.infinity),
    };
  }
}

function unsolved(status: 'infeasible' | 'unbounded'): Solution {
  const objective = status === 'infeasible' ? Infinity : -Infinity;
  return { status, objective, bound: objective, values: undefined, rowDuals: undefined };
}

function matrixOf(columns: readonly { readonly entries: Entries }[], numRows: number) {
  const starts = [0];
  const indices: number[] = [];
  const values: number[] = [];
  for (const { entries } of columns) {
    for (const [row, value] of entries) {
      indices.push(row);
      values.push(value);
    }
    starts.push(indices.length);
  }
  return { format: 'csc' as const, numRows, numCols: columns.length, starts, indices, values };
}
