// Owns the measuring of a first call: a process of its own that has compiled and opened nothing before.

import { execFileSync } from 'node:child_process';
import { figureOf } from './sample.ts';
import type { Figure } from './sample.ts';
import type { BenchPf } from './netdevsim.ts';
import { nextGeneration, startGenerations } from './values.ts';
import { openWork } from './work.ts';
import type { Work } from './work.ts';

const rounds = 3;

/** Figures of the first call of some work, each round in a fresh process. */
export function measureFirst(name: keyof Work, pf: BenchPf, stateFolder: string): Figure {
  const [, script = ''] = process.argv;
  const values = Array.from({ length: rounds }, () => {
    const order: FirstOrder = { name, pf, stateFolder, generation: nextGeneration() };
    const output = execFileSync(process.execPath, [script, 'first', JSON.stringify(order)], {
      encoding: 'utf8',
    });
    return Number(output);
  });
  return figureOf(values);
}

interface FirstOrder {
  readonly name: keyof Work;
  readonly pf: BenchPf;
  readonly stateFolder: string;
  readonly generation: number;
}

/** What the fresh process does: the work once, and its milliseconds on standard output. */
export async function answerFirst(text: string): Promise<void> {
  const order = JSON.parse(text) as FirstOrder;
  startGenerations(order.generation - 1);
  const work = openWork(order.pf, order.stateFolder);
  console.log(await work[order.name]());
  work.close();
}
