// Owns the search for the fillings that a good packing is made of (column generation), and the bound that follows.
// Decides how often each filling is used only in fractions; rounding.ts makes whole hosts of them.

import { wholeBound } from './bound.ts';
import { worthOf } from './filling.ts';
import { FillingMaster } from './filling-master.ts';
import { FillingPricing, type Priced } from './filling-pricing.ts';
import type { LinearSolver } from './linear-program.ts';
import type { PackingProblem } from './packing-problem.ts';

/** What a filling must be worth beyond its cost to be news. */
const worthTolerance = 1e-7;
/** Rounds of the quick search: it gains little after these. */
const maxQuickRounds = 120;
/** The quick search ends when it is so near to the bound, as a share; exact rounds only help small inputs further. */
const quickGap = 0.002;
const maxExactRounds = 40;
/** Exact rounds are for inputs whose hosts have at most so many columns in all. */
const maxExactSize = 300;
const exactNodes = 200;
/** Exact rounds end when they can gain no more than this share. */
const exactGap = 0.005;

/**
 * Searches fillings until no better ones are found; then `master` holds them, and how often each is used.
 *
 * Why `bound` is one, for any prices y of machines that are not negative: let P be at least the worth of every filling of
 * a class of hosts. A packing that uses N hosts of the class places machines worth at most N·P there, so all machines
 * are worth at most the sum of N·P over the classes. Where there are at most n hosts, N·P is at most N + n·max(0, P-1);
 * where there is no limit, prices are first scaled so that P is at most 1. So the number of hosts is at least the worth
 * of all machines less the sum of n·max(0, P-1) (Lagrangian bound of the cutting-stock program).
 */
export class FillingSearch {
  readonly master: FillingMaster;
  readonly pricings: readonly FillingPricing[];
  /** Proven: no packing of all machines has fewer hosts. Not rounded. */
  bound = 0;
  private readonly problem: PackingProblem;

  constructor(solver: LinearSolver, problem: PackingProblem) {
    this.problem = problem;
    this.master = new FillingMaster(solver, problem);
    this.pricings = problem.hosts.map((host, index) => new FillingPricing(index, host, problem.vms, solver));
  }

  /** `known`: a bound that is proven already. */
  run(known: number): void {
    this.bound = known;
    this.priceAlone();
    this.master.solve();
    this.runQuickly(maxQuickRounds);
    const size = this.pricings.reduce((sum, pricing) => sum + pricing.size, 0);
    if (size > maxExactSize) return;
    for (let round = 0; round < maxExactRounds && !this.isNear(exactGap); round += 1) {
      if (!this.round((pricing) => pricing.priceExactly(this.master.prices, exactNodes))) return;
    }
  }

  /** A number of quick rounds, until they bring no news or the bound is near. */
  runQuickly(maxRounds: number): void {
    for (let round = 0; round < maxRounds && !this.isNear(quickGap); round += 1) {
      if (!this.round((pricing) => pricing.priceQuickly(this.master.prices))) return;
    }
  }

  /** Packs what is left on the hosts that are left, with fillings that hold no more than that. Proves nothing further. */
  searchRest(need: Int32Array, free: readonly number[], maxRounds: number): void {
    this.master.setRest(need, free);
    for (const pricing of this.pricings) pricing.setLimits(need);
    this.master.solve();
    for (let round = 0; round < maxRounds; round += 1) {
      const priced = this.pricings.map((pricing, hostClass) =>
        (free[hostClass] ?? 0) > 0
          ? pricing.priceQuickly(this.master.prices)
          : { fillings: [], mostWorth: 0 },
      );
      if (!this.addNews(priced)) return;
    }
  }

  close(): void {
    this.master.close();
    for (const pricing of this.pricings) pricing.close();
  }

  /** Every class of machines alone: with these each has a place, if it has one at all. */
  private priceAlone(): void {
    for (let vmClass = 0; vmClass < this.problem.vms.length; vmClass += 1) {
      const prices = new Float64Array(this.problem.vms.length);
      prices[vmClass] = 1;
      for (const pricing of this.pricings) this.master.add(pricing.priceQuickly(prices).fillings);
    }
  }

  /** One round of pricing; whether it found fillings that are worth more than they cost. */
  private round(price: (pricing: FillingPricing) => Priced): boolean {
    const { prices } = this.master;
    const priced = this.pricings.map(price);
    this.bound = Math.max(
      this.bound,
      this.boundBy(
        prices,
        priced.map(({ mostWorth }) => mostWorth),
      ),
    );
    return this.addNews(priced);
  }

  /** Takes in the fillings that are worth more than they cost; whether there were any. */
  private addNews(priced: readonly Priced[]): boolean {
    const { prices, hostPrices } = this.master;
    const news = priced.flatMap(({ fillings }, hostClass) => {
      const cost = 1 - (hostPrices[hostClass] ?? 0) + worthTolerance;
      return fillings.filter(({ counts }) => worthOf(counts, prices) > cost);
    });
    if (this.master.add(news) === 0) return false;
    this.master.solve();
    return true;
  }

  /** The bound at these prices, when no filling of a class is worth more than `mostWorth`. */
  private boundBy(prices: Float64Array, mostWorth: readonly number[]): number {
    const { hosts, vms } = this.problem;
    const scale = hosts.reduce(
      (most, { count }, at) => (count === Infinity ? Math.max(most, mostWorth[at] ?? Infinity) : most),
      1,
    );
    let worth = 0;
    for (const [vmClass, { count }] of vms.entries()) worth += (count * (prices[vmClass] ?? 0)) / scale;
    for (const [at, { count }] of hosts.entries()) {
      if (count !== Infinity) worth -= count * Math.max(0, (mostWorth[at] ?? Infinity) / scale - 1);
    }
    return Number.isFinite(worth) ? worth : 0;
  }

  /** Whether the fractional packing is within a share of the bound, or rounds up to the same number of hosts. */
  private isNear(share: number): boolean {
    const { objective } = this.master;
    return wholeBound(objective) <= wholeBound(this.bound) || objective <= this.bound * (1 + share);
  }
}
