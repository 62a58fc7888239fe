// Owns the program that says how often each known filling is best used, in fractions.
// Finds no fillings; the prices it gives tell which would help.

import type { Filling } from './filling.ts';
import type { Column, LinearSolver, OpenProgram } from './linear-program.ts';
import type { PackingProblem } from './packing-problem.ts';

/** Hosts that a machine without place counts as: more than placing it can ever cost. */
const unplacedCost = 1000;

export class FillingMaster {
  readonly fillings: Filling[] = [];
  /** Hosts at the last solution, with machines without place counted heavily. */
  objective = Infinity;
  /** By class of machines: hosts that one more costs. */
  prices: Float64Array;
  /** By class of hosts, at most 0: what one more host of it would save. */
  hostPrices: Float64Array;
  private readonly vmClasses: number;
  private readonly program: OpenProgram;
  private readonly known = new Set<string>();
  private values: Float64Array = new Float64Array(0);

  constructor(solver: LinearSolver, problem: PackingProblem) {
    this.vmClasses = problem.vms.length;
    this.prices = new Float64Array(problem.vms.length);
    this.hostPrices = new Float64Array(problem.hosts.length);
    this.program = solver.open({
      rows: [
        ...problem.vms.map(({ count }) => ({ lower: count })),
        ...problem.hosts.map(({ count }) => (count === Infinity ? {} : { upper: count })),
      ],
      columns: problem.vms.map((_, vmClass) => ({ cost: unplacedCost, entries: [[vmClass, 1] as const] })),
    });
  }

  /** Takes fillings in that are not known yet; how many these were. */
  add(fillings: readonly Filling[]): number {
    const columns: Column[] = [];
    for (const filling of fillings) {
      const key = `${filling.hostClass}:${filling.counts.join(',')}`;
      if (filling.seats.length === 0 || this.known.has(key)) continue;
      this.known.add(key);
      this.fillings.push(filling);
      const entries: (readonly [number, number])[] = [];
      for (const [vmClass, count] of filling.counts.entries()) if (count > 0) entries.push([vmClass, count]);
      entries.push([this.vmClasses + filling.hostClass, 1]);
      columns.push({ cost: 1, entries });
    }
    this.program.addColumns(columns);
    return columns.length;
  }

  /** From now on packs `need` machines of each class on `free` hosts of each class. */
  setRest(need: Int32Array, free: readonly number[]): void {
    for (const [vmClass, count] of need.entries())
      this.program.setRow(vmClass, { lower: Math.max(0, count) });
    for (const [hostClass, count] of free.entries()) {
      if (count !== Infinity) this.program.setRow(this.vmClasses + hostClass, { upper: count });
    }
  }

  solve(): void {
    const { values, rowDuals, objective } = this.program.solve();
    if (values === undefined || rowDuals === undefined) return;
    this.values = values;
    this.objective = objective;
    this.prices = rowDuals.slice(0, this.vmClasses).map((price) => Math.max(0, price));
    this.hostPrices = rowDuals.slice(this.vmClasses).map((price) => Math.min(0, price));
  }

  /** How often each filling is used, in fractions. */
  get times(): Float64Array {
    const times = new Float64Array(this.fillings.length);
    times.set(this.values.slice(this.vmClasses, this.vmClasses + times.length));
    return times;
  }

  close(): void {
    this.program.close();
  }
}
