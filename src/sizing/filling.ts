// Owns a filling, one way to fill a host, and the quick making of good ones.
// Greedy: the search for the best ones is filling-search.ts's.

import { HostFill } from './host-fill.ts';
import type { HostProblem } from './packing-problem.ts';
import type { VmDemand } from './vm-demand.ts';
import type { Seat } from './result.ts';

export interface Filling {
  /** Index of the class of hosts. */
  readonly hostClass: number;
  /** Machines by class. */
  readonly counts: Int32Array;
  readonly seats: readonly Seat[];
}

/** A filling with these seats. */
export function fillingOf(hostClass: number, seats: readonly Seat[], vmClasses: number): Filling {
  const counts = new Int32Array(vmClasses);
  for (const { vmClass } of seats) counts[vmClass] = (counts[vmClass] ?? 0) + 1;
  return { hostClass, counts, seats };
}

/** What a filling is worth at these prices of machines. */
export function worthOf(counts: ArrayLike<number>, prices: ArrayLike<number>): number {
  let worth = 0;
  for (let vmClass = 0; vmClass < counts.length; vmClass += 1) {
    worth += (counts[vmClass] ?? 0) * (prices[vmClass] ?? 0);
  }
  return worth;
}

/** Makes fillings of one class of hosts; keeps its host between calls. */
export class FillingMaker {
  private readonly hostClass: number;
  private readonly vms: readonly VmDemand[];
  private readonly fill: HostFill;

  constructor(hostClass: number, problem: HostProblem, vms: readonly VmDemand[]) {
    this.hostClass = hostClass;
    this.vms = vms;
    this.fill = new HostFill(problem, vms);
  }

  /**
   * A filling as it is, but with at most `limits` of each class, and with as many more machines as then fit, class by
   * class in `order`. Where there are too many of a class, those that cross NUMA nodes go first.
   */
  extend(filling: Filling, order: readonly number[], limits: ArrayLike<number>): Filling {
    this.fill.clear();
    const counts = new Int32Array(this.vms.length);
    const seats = filling.seats
      .toSorted((a, b) => a.remoteMbps - b.remoteMbps)
      .filter(({ vmClass }) => {
        const count = counts[vmClass] ?? 0;
        if (count >= (limits[vmClass] ?? 0)) return false;
        counts[vmClass] = count + 1;
        return true;
      });
    for (const seat of seats) this.fill.take(seat);
    return this.addTo(seats, counts, order, limits);
  }

  /**
   * Places first `wanted` machines of each class, as far as they find room, then as many more as fit, class by class in
   * `order`, never more than `limits` of a class.
   */
  make(wanted: ArrayLike<number> | undefined, order: readonly number[], limits: ArrayLike<number>): Filling {
    this.fill.clear();
    const seats: Seat[] = [];
    const counts = new Int32Array(this.vms.length);
    if (wanted !== undefined) {
      this.addTo(
        seats,
        counts,
        order,
        this.vms.map((_, vmClass) => Math.min(wanted[vmClass] ?? 0, limits[vmClass] ?? 0)),
      );
    }
    return this.addTo(seats, counts, order, limits);
  }

  private addTo(
    seats: Seat[],
    counts: Int32Array,
    order: readonly number[],
    limits: ArrayLike<number>,
  ): Filling {
    for (const vmClass of order) {
      while ((counts[vmClass] ?? 0) < (limits[vmClass] ?? 0)) {
        const seat = this.fill.place(vmClass);
        if (seat === undefined) break;
        seats.push(seat);
        counts[vmClass] = (counts[vmClass] ?? 0) + 1;
      }
    }
    return { hostClass: this.hostClass, counts, seats };
  }
}
