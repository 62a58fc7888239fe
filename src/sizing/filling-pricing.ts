// Owns the search for a filling of one class of hosts that is worth most at given prices of machines.
// Quick by rounding the relaxation, exact by whole numbers; both also say what no filling is worth more than.

import { type Filling, fillingOf, FillingMaker, worthOf } from './filling.ts';
import { buildBlock, type HostBlock } from './host-block.ts';
import type { LinearSolver, OpenProgram } from './linear-program.ts';
import type { HostProblem } from './packing-problem.ts';
import type { VmDemand } from './vm-demand.ts';
import { decodeSeats } from './seat-decoding.ts';

export interface Priced {
  readonly fillings: readonly Filling[];
  /** No filling of the class is worth more. */
  readonly mostWorth: number;
}

/** What is added to the prices of resources, so that a free one is still not wasted. */
const scarcity = [0.02, 0.3];

export class FillingPricing {
  private readonly hostClass: number;
  private readonly problem: HostProblem;
  private readonly vms: readonly VmDemand[];
  private readonly solver: LinearSolver;
  private readonly block: HostBlock;
  private limits: Int32Array;
  private readonly maker: FillingMaker;
  private relaxation: OpenProgram | undefined;
  private exact: OpenProgram | undefined;

  constructor(hostClass: number, problem: HostProblem, vms: readonly VmDemand[], solver: LinearSolver) {
    this.hostClass = hostClass;
    this.problem = problem;
    this.vms = vms;
    this.solver = solver;
    this.block = buildBlock(problem, vms, true);
    this.limits = Int32Array.from(vms, ({ count }) => count);
    this.maker = new FillingMaker(hostClass, problem, vms);
  }

  /** Columns of the program of one host: a measure of how long an exact search may take. */
  get size(): number {
    return this.block.columns.length;
  }

  /** From now on looks for fillings with no more machines of a class than `limits`. For the quick search only. */
  setLimits(limits: Int32Array): void {
    this.limits = Int32Array.from(limits);
    for (const [vmClass, row] of this.block.capRows.entries()) {
      if (row !== undefined) this.relaxation?.setRow(row, { upper: limits[vmClass] ?? 0 });
    }
  }

  /** Good fillings, and the relaxation's bound on what any is worth. */
  priceQuickly(prices: ArrayLike<number>): Priced {
    if (this.block.columns.length === 0) return { fillings: [], mostWorth: 0 };
    this.relaxation ??= this.solver.open(this.block);
    this.relaxation.setCosts(this.costsOf(prices));
    const { values, rowDuals, objective } = this.relaxation.solve();
    if (values === undefined) return { fillings: [], mostWorth: Infinity };
    const machines = new Float64Array(this.vms.length);
    for (const [column, meaning] of this.block.meanings.entries()) {
      if (meaning.counts !== 'machines') continue;
      machines[meaning.vmClass] = (machines[meaning.vmClass] ?? 0) + (values[column] ?? 0);
    }
    const whole = machines.map((count) => Math.floor(count + 1e-6));
    const nearest = machines.map((count) => Math.round(count));
    const orders = scarcity.map((share) => this.orderBy(prices, rowDuals, share));
    const fillings = orders.flatMap((order) => [
      this.maker.make(whole, order, this.limits),
      this.maker.make(nearest, order, this.limits),
      this.maker.make(undefined, order, this.limits),
    ]);
    return { fillings, mostWorth: -objective };
  }

  /** The filling that is worth most, unless the search ends at `maxNodes` before it is found. */
  priceExactly(prices: ArrayLike<number>, maxNodes: number): Priced {
    if (this.block.columns.length === 0) return { fillings: [], mostWorth: 0 };
    this.exact ??= this.solver.open(
      {
        rows: this.block.rows,
        columns: this.block.columns.map((column) => ({ ...column, isInteger: true })),
      },
      { maxNodes, relativeGap: 1e-9 },
    );
    this.exact.setCosts(this.costsOf(prices));
    const { values, bound } = this.exact.solve();
    if (values === undefined) return { fillings: [], mostWorth: -bound };
    const seats = decodeSeats(this.block, this.vms, values);
    return { fillings: [fillingOf(this.hostClass, seats, this.vms.length)], mostWorth: -bound };
  }

  close(): void {
    this.relaxation?.close();
    this.exact?.close();
  }

  private costsOf(prices: ArrayLike<number>): Float64Array {
    return Float64Array.from(this.block.meanings, (meaning) =>
      meaning.counts === 'machines' ? -(prices[meaning.vmClass] ?? 0) : 0,
    );
  }

  /** Classes by price over what they take at the relaxation's prices of resources, the best first. */
  private orderBy(
    prices: ArrayLike<number>,
    rowDuals: Float64Array | undefined,
    share: number,
  ): readonly number[] {
    const resourcePrices = new Float64Array(this.problem.resources.length);
    const mean = worthOf(prices, prices) > 0 ? share / Math.max(1, this.block.capacityRows.length) : 1;
    for (const { row, resource, capacity } of this.block.capacityRows) {
      if (capacity <= 0) continue;
      resourcePrices[resource] = Math.max(0, -(rowDuals?.[row] ?? 0)) + mean / capacity;
    }
    const ratios = this.vms.map((vm, vmClass) => {
      const fitting = this.problem.fittings[vmClass];
      if (fitting === undefined) return 0;
      const spot = Math.min(...fitting.spots.map(({ uses }) => costOf(uses, resourcePrices)));
      const vfs = vm.groups.reduce((sum, group, at) => {
        const cheapest = Math.min(
          ...(fitting.choices[at] ?? []).map(({ uses }) => costOf(uses, resourcePrices)),
        );
        return sum + cheapest * group.vfsPerNic * group.nics.length;
      }, 0);
      return (prices[vmClass] ?? 0) / Math.max(spot + vfs, Number.MIN_VALUE);
    });
    return this.vms
      .map((_, vmClass) => vmClass)
      .filter((vmClass) => this.problem.fittings[vmClass] !== undefined)
      .sort((a, b) => (ratios[b] ?? 0) - (ratios[a] ?? 0) || a - b);
  }
}

function costOf(uses: readonly (readonly [number, number])[], prices: Float64Array): number {
  let cost = 0;
  for (const [resource, amount] of uses) cost += amount * (prices[resource] ?? 0);
  return cost;
}
