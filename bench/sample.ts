// Owns how figures are taken: contestants take turns in one run, and medians are compared.
// Knows nothing of what is measured.

/** Values of one contestant over all rounds, in its own unit. */
export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly rounds: number;
}

/** One contestant: does the work once and gives back the measured value. `round` counts from 0. */
export type Contestant = (round: number) => Promise<number>;

/** Median, least and most of some values. Throws RangeError when there are none. */
export function figureOf(values: readonly number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) throw new RangeError('a figure needs at least one value');
  const low = sorted[Math.floor((sorted.length - 1) / 2)] ?? min;
  const high = sorted[Math.ceil((sorted.length - 1) / 2)] ?? max;
  return { median: (low + high) / 2, min, max, rounds: sorted.length };
}

/** Lets the contestants take turns, A B A B, so that what else happens on the machine meets all of them. */
export async function alternate<Name extends string>(
  contestants: Readonly<Record<Name, Contestant>>,
  options: { readonly rounds: number; readonly warmUpRounds: number },
): Promise<Record<Name, Figure>> {
  const names = Object.keys(contestants) as Name[];
  const values = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < options.warmUpRounds + options.rounds; round++) {
    for (const name of names) {
      const value = await contestants[name](round);
      if (round >= options.warmUpRounds) values.get(name)?.push(value);
    }
  }
  const figures = names.map((name) => [name, figureOf(values.get(name) ?? [])]);
  return Object.fromEntries(figures) as Record<Name, Figure>;
}

/** Milliseconds that some work takes. */
export async function timeMs(work: () => unknown): Promise<number> {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e6;
}
