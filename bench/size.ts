// Owns the section `size`: a fleet of 10,000 hosts of three classes packed with 200,000 machines of two NICs each.
// HiGHS's highs.wasm must lie beside the bundle.

import { seededVms, threeClasses } from '../src/sizing/cases/fleet.ts';
import { loadSolver } from '../src/sizing/highs-solver.ts';
import { packWorkload } from '../src/sizing/pack.ts';
import { completePolicy } from '../src/model/workload.ts';
import { rowOf } from './result.ts';
import type { Row } from './result.ts';
import { figureOf } from './sample.ts';
import type { Figure } from './sample.ts';

const vmCount = 200_000;
const vmClassCount = 40;
const hostCounts = [2500, 4000, 3500] as const;
/** The seeded cases: usual machines and ones with twice the bandwidth. */
const seededCases = [
  { seed: 1, haste: 1 },
  { seed: 2, haste: 1 },
  { seed: 3, haste: 2 },
] as const;

interface SizingMeasure {
  readonly seed: number;
  /** Bandwidth of the NICs as a multiple of the usual. */
  readonly haste: number;
  readonly seconds: number;
  /** Highest resident memory of the process so far. */
  readonly peakMb: number;
  readonly outcome: string;
  readonly usedHosts: number;
  readonly boundHosts: number;
  /** `usedHosts / boundHosts - 1`; 1 when not all machines were placed. */
  readonly gap: number;
}

/** Packs every seeded case once, with loading the solver and with the figures on one machine or card more. */
async function measureSizing(): Promise<readonly SizingMeasure[]> {
  const measures: SizingMeasure[] = [];
  for (const { seed, haste } of seededCases) {
    const start = performance.now();
    const solver = await loadSolver();
    const result = packWorkload(solver, {
      vms: seededVms(seed, vmClassCount, vmCount, haste),
      hosts: threeClasses(hostCounts),
      policy: completePolicy(undefined),
      withMarginal: true,
    });
    measures.push({
      seed,
      haste,
      seconds: (performance.now() - start) / 1000,
      peakMb: process.resourceUsage().maxRSS / 1024,
      outcome: result.outcome,
      usedHosts: result.usedHosts,
      boundHosts: result.boundHosts,
      gap: result.gap ?? 1,
    });
  }
  return measures;
}

const maxSeconds = 20;
const maxPeakMb = 2000;
const maxGapPercent = 3;

/** Rows of time, memory and gap for every seeded case. */
export async function measureSizes(): Promise<readonly Row[]> {
  const measures = await measureSizing();
  const shared = { section: 'size', where: 'this machine' } as const;
  return measures.flatMap(({ seed, haste, seconds, peakMb, gap, usedHosts, boundHosts }) => {
    const what = `200,000 machines on 10,000 hosts, seed ${seed}${haste === 1 ? '' : `, bandwidth x ${haste}`}`;
    const one = (value: number): Figure => figureOf([value]);
    return [
      rowOf({ ...shared, what: `${what}: time`, unit: 's', ours: one(seconds), bound: maxSeconds }),
      rowOf({ ...shared, what: `${what}: memory`, unit: 'MB', ours: one(peakMb), bound: maxPeakMb }),
      rowOf({
        ...shared,
        what: `${what}: ${usedHosts} hosts, bound ${boundHosts}: gap`,
        unit: '%',
        ours: one(100 * gap),
        bound: maxGapPercent,
      }),
    ];
  });
}
