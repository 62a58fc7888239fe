// Owns the words in which the packing states a linear or integer program, and what it wants of a solver.
// Solves nothing: highs-solver.ts does.

/** Sparse column: rows and coefficients, no row twice. */
export type Entries = readonly (readonly [row: number, value: number])[];

export interface Column {
  readonly cost: number;
  /** Absent: unlimited. */
  readonly upper?: number;
  readonly isInteger?: boolean;
  readonly entries: Entries;
}

export interface Row {
  /** Absent: no limit on this side. */
  readonly lower?: number;
  readonly upper?: number;
}

/** A program to be minimised. Columns are never negative. */
export interface LinearProgram {
  readonly rows: readonly Row[];
  readonly columns: readonly Column[];
}

export interface Solution {
  /** `limit`: stopped at the node limit; `values` are then the best found, undefined when there is none. */
  readonly status: 'optimal' | 'infeasible' | 'unbounded' | 'limit';
  readonly objective: number;
  /** No solution is better: equal to the objective, but for integer programs that stopped early. */
  readonly bound: number;
  readonly values: Float64Array | undefined;
  /** Price of each row, for programs without integers: what one more of its limit adds to the objective. */
  readonly rowDuals: Float64Array | undefined;
}

/** A program that is kept open, so that solving it again after a change is quick. */
export interface OpenProgram {
  solve(): Solution;
  /** New costs for all columns, in order. */
  setCosts(costs: Float64Array): void;
  addColumns(columns: readonly Column[]): void;
  setRow(row: number, limits: Row): void;
  close(): void;
}

export interface SolverLimits {
  /** Nodes of the search of an integer program; bounds its time without a clock, so that the result is repeatable. */
  readonly maxNodes?: number;
  /** Stop when the result is proven to be within this share of the best. */
  readonly relativeGap?: number;
}

export interface LinearSolver {
  open(program: LinearProgram, limits?: SolverLimits): OpenProgram;
}

/** Opens, solves and closes. */
export function solveOnce(solver: LinearSolver, program: LinearProgram, limits?: SolverLimits): Solution {
  const open = solver.open(program, limits);
  try {
    return open.solve();
  } finally {
    open.close();
  }
}
