// Owns the section `start`: `vfleet show` on a host without VFs against a Node program that does nothing.

import { runProgram } from './floor.ts';
import { rowOf } from './result.ts';
import type { Row } from './result.ts';
import { alternate } from './sample.ts';

const maxTimesEmpty = 3;

export async function measureStart(options: {
  readonly where: Row['where'];
  readonly host: string;
  readonly vfleet: readonly string[];
  readonly emptyFile: string;
  readonly rounds: number;
}): Promise<readonly Row[]> {
  const { where, host, vfleet, emptyFile, rounds } = options;
  const { ours, empty } = await alternate(
    {
      empty: async () => runProgram([process.execPath, emptyFile]).ms,
      ours: async () => runProgram([...vfleet, 'show']).ms,
    },
    { rounds, warmUpRounds: 1 },
  );
  return [
    rowOf({
      section: 'start',
      where,
      what: `vfleet show, ${host}`,
      unit: 'ms',
      ours,
      comparedWith: 'empty Node program',
      compared: empty,
      bound: maxTimesEmpty,
    }),
  ];
}
