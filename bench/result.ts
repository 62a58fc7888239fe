// Owns what the benchmark says: rows of ours against what it is compared with, and whether a bound holds.

import type { Figure } from './sample.ts';

export interface Row {
  readonly section:
    | 'settings'
    | 'apply'
    | 'reading'
    | 'start'
    | 'memory'
    | 'doctor'
    | 'choose'
    | 'attach'
    | 'size';
  readonly where: 'lab' | 'this machine';
  readonly what: string;
  readonly unit: 'ms' | 's' | 'MB' | '%';
  readonly ours: Figure;
  /** The same in a process of its own that has done nothing else before, where that differs. */
  readonly first?: Figure;
  readonly comparedWith?: string;
  readonly compared?: Figure;
  /** Median of ours over median of the other. */
  readonly ratio?: number;
  /** Most that `ratio`, or `ours` where nothing is compared, may be; absent where the row is only for information. */
  readonly bound?: number;
  readonly holds?: boolean;
}

type RowFacts = Omit<Row, 'ratio' | 'holds'>;

/** Completes a row with ratio and judgement. */
export function rowOf(facts: RowFacts): Row {
  const { ours, compared, bound } = facts;
  const ratio = compared === undefined ? undefined : ours.median / compared.median;
  const judged = ratio ?? ours.max;
  return {
    ...facts,
    ...(ratio === undefined ? {} : { ratio }),
    ...(bound === undefined ? {} : { holds: judged <= bound }),
  };
}

/** Tells the one who waits what goes on. */
export function note(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}
