// Owns the way from fillings used in fractions to whole hosts that hold every machine exactly once.
// Takes some fillings whole, searches again for what is left, and so on; the last few machines are placed greedily.

import { type Filling, FillingMaker, worthOf } from './filling.ts';
import type { FillingSearch } from './filling-search.ts';
import type { PackingProblem } from './packing-problem.ts';

/** Hosts that are filled alike. */
export interface FilledHosts {
  readonly filling: Filling;
  readonly hosts: number;
}

export interface WholePacking {
  readonly filled: readonly FilledHosts[];
  readonly usedHosts: number;
  /** Machines by class that found no place. */
  readonly unplaced: Int32Array;
}

/** Rounds of the quick search for fillings that suit what is left. */
const roundsPerStep = 3;
/** A filling that is used by more than this share of a host is taken whole together with others. */
const nearlyWhole = 0.75;
/** When so few hosts are left to fill, the fractions say little, and filling greedily does as well. */
const lastHosts = 1.5;

/** Machines that give their place to others in turn; each may leave one more without place elsewhere. */
const maxRepairs = 100;
/** Kinds of filled hosts that are looked at for a machine without place. */
const maxRepairTries = 200;

/** Whole hosts for all machines. Changes the search's demands and limits. */
export function roundSearch(search: FillingSearch, problem: PackingProblem): WholePacking {
  const rounding = new Rounding(search, problem);
  rounding.takeWhole();
  rounding.fillGreedily();
  for (let repairs = 0; repairs < maxRepairs && rounding.makeRoom(); repairs += 1) rounding.fillGreedily();
  const { filled, need } = rounding;
  return { filled, usedHosts: filled.reduce((all, { hosts }) => all + hosts, 0), unplaced: need };
}

class Rounding {
  filled: FilledHosts[] = [];
  /** Machines by class that have no place yet. */
  readonly need: Int32Array;
  private readonly free: number[];
  private readonly search: FillingSearch;
  private readonly problem: PackingProblem;
  private readonly makers: readonly FillingMaker[];
  /** Classes by what a machine costs, the hardest to place first. */
  private order: readonly number[] = [];

  constructor(search: FillingSearch, problem: PackingProblem) {
    this.search = search;
    this.problem = problem;
    this.need = Int32Array.from(problem.vms, ({ count }) => count);
    this.free = problem.hosts.map(({ count }) => count);
    this.makers = problem.hosts.map((host, index) => new FillingMaker(index, host, problem.vms));
    this.sortClasses();
  }

  takeWhole(): void {
    const { master } = this.search;
    while (this.need.some((count) => count > 0) && master.objective > lastHosts) {
      const { times } = master;
      let taken = 0;
      for (const [at, count] of times.entries()) taken += this.take(at, Math.floor(count + 1e-6));
      if (taken === 0) {
        const order = [...times.keys()]
          .filter((at) => (times[at] ?? 0) > 1e-6)
          .sort((a, b) => (times[b] ?? 0) - (times[a] ?? 0) || a - b);
        for (const at of order) {
          if (taken > 0 && (times[at] ?? 0) < nearlyWhole) break;
          taken += this.take(at, 1);
        }
      }
      if (taken === 0) return;
      this.search.searchRest(this.need, this.free, roundsPerStep);
      this.sortClasses();
    }
  }

  /** Fills host after host with what is worth most of what is left. */
  fillGreedily(): void {
    const { prices } = this.search.master;
    // What has no price is still to be placed.
    const worths = prices.map((price) => price + 1e-6);
    while (this.need.some((count) => count > 0)) {
      let best: Filling | undefined;
      for (const [hostClass, maker] of this.makers.entries()) {
        if ((this.free[hostClass] ?? 0) <= 0) continue;
        const filling = maker.make(undefined, this.order, this.need);
        if (filling.seats.length === 0) continue;
        if (best === undefined || worthOf(filling.counts, worths) > worthOf(best.counts, worths))
          best = filling;
      }
      if (best === undefined) return;
      let hosts = this.free[best.hostClass] ?? 0;
      for (const [vmClass, count] of best.counts.entries()) {
        if (count > 0) hosts = Math.min(hosts, Math.floor((this.need[vmClass] ?? 0) / count));
      }
      this.place(best, hosts);
    }
  }

  /**
   * Gives a machine without place that of others, which fit on hosts that are still empty; false when there is none, or
   * no such place. The hosts that it fits may be full of machines that would fit others as well.
   */
  makeRoom(): boolean {
    const vmClass = this.need.findIndex((count) => count > 0);
    if (vmClass < 0) return false;
    const wanted = this.need.map((_, at) => (at === vmClass ? 1 : 0));
    const { prices } = this.search.master;
    let best: { readonly at: number; readonly filling: Filling; readonly worth: number } | undefined;
    for (const [at, { filling }] of this.filled.slice(0, maxRepairTries).entries()) {
      const limits = filling.counts.map((count, each) => count + (wanted[each] ?? 0));
      const changed = this.makers[filling.hostClass]?.make(wanted, this.order, limits);
      if (changed === undefined || (changed.counts[vmClass] ?? 0) <= (filling.counts[vmClass] ?? 0)) continue;
      const displaced = filling.counts.map((count, each) => Math.max(0, count - (changed.counts[each] ?? 0)));
      if (!displaced.every((count, each) => count === 0 || this.fitsEmptyHost(each))) continue;
      const worth = worthOf(displaced, prices);
      if (best === undefined || worth < best.worth) best = { at, filling: changed, worth };
    }
    if (best === undefined) return false;
    const { at, filling: changed } = best;
    const before = this.filled[at];
    if (before === undefined) return false;
    this.filled = this.filled
      .map((entry, each) => (each === at ? { ...entry, hosts: entry.hosts - 1 } : entry))
      .filter(({ hosts }) => hosts > 0);
    for (const [each, count] of before.filling.counts.entries())
      this.need[each] = (this.need[each] ?? 0) + count;
    this.free[changed.hostClass] = (this.free[changed.hostClass] ?? 0) + 1;
    this.place(changed, 1);
    return true;
  }

  private fitsEmptyHost(vmClass: number): boolean {
    return this.problem.hosts.some(
      (host, hostClass) => (this.free[hostClass] ?? 0) > 0 && host.fittings[vmClass] !== undefined,
    );
  }

  /** Takes a filling for so many hosts, without machines that are too many and with others in their place. */
  private take(at: number, wanted: number): number {
    const filling = this.search.master.fillings[at];
    const maker = this.makers[filling?.hostClass ?? -1];
    if (filling === undefined || maker === undefined) return 0;
    const hosts = Math.min(wanted, this.free[filling.hostClass] ?? 0);
    if (hosts <= 0) return 0;
    const limits = this.need.map((count) => Math.floor(count / hosts));
    const own = maker.extend(filling, this.order, limits);
    if (own.seats.length === 0) return 0;
    this.place(own, hosts);
    return hosts;
  }

  private place(filling: Filling, hosts: number): void {
    for (const [vmClass, count] of filling.counts.entries()) {
      this.need[vmClass] = (this.need[vmClass] ?? 0) - hosts * count;
    }
    this.free[filling.hostClass] = (this.free[filling.hostClass] ?? 0) - hosts;
    this.filled.push({ filling, hosts });
  }

  private sortClasses(): void {
    const { prices } = this.search.master;
    this.order = [...prices.keys()].sort((a, b) => (prices[b] ?? 0) - (prices[a] ?? 0) || a - b);
  }
}
