// Owns the section `apply`: the whole of it against `ip -batch` and a loop of `ip link set`.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { measureFirst } from './first.ts';
import { runProgram } from './floor.ts';
import { vfCount } from './netdevsim.ts';
import type { BenchPf } from './netdevsim.ts';
import { rowOf } from './result.ts';
import type { Row } from './result.ts';
import { alternate } from './sample.ts';
import type { Figure } from './sample.ts';
import { ipArguments, nextGeneration, specText } from './values.ts';
import { openWork } from './work.ts';

/** A loop over all VFs takes minutes in software emulation: so many are measured, and the time is scaled. */
const loopedVfs = 16;

export async function measureApply(
  pf: BenchPf,
  stateFolder: string,
  vfleet: readonly string[],
): Promise<readonly Row[]> {
  const work = openWork(pf, stateFolder);
  const ipLines = (count: number): string[] => {
    const generation = nextGeneration();
    return Array.from({ length: count }, (_, vf) => ipArguments(pf.ifName, vf, generation));
  };
  const inFolder = (name: string, text: string): string => {
    const file = join(stateFolder, name);
    writeFileSync(file, text);
    return file;
  };
  try {
    // By itself, because the rounds of the slow ones are few: compiled code is what the median is to show.
    for (let round = 0; round < 40; round++) await work.apply();
    const { ours, parsing, batch, loop, asProcess, empty } = await alternate(
      {
        ours: async () => work.apply(),
        parsing: async () => work.applyText(),
        batch: async () => runProgram(['ip', '-batch', inFolder('batch', ipLines(vfCount).join('\n'))]).ms,
        loop: async () => {
          const lines = ipLines(loopedVfs).map((line) => `ip ${line}\n`);
          return (runProgram(['sh', inFolder('loop.sh', lines.join(''))]).ms * vfCount) / loopedVfs;
        },
        asProcess: async () => {
          const spec = inFolder('bench.yaml', specText(pf.address, vfCount, nextGeneration()));
          return runProgram([...vfleet, 'apply', spec, '--yes', '--state', stateFolder]).ms;
        },
        empty: async () => runProgram([process.execPath, '-e', '0']).ms,
      },
      { rounds: 7, warmUpRounds: 1 },
    );
    const first = measureFirst('apply', pf, stateFolder);
    return rowsOf({ ours, parsing, batch, loop, asProcess, empty, first });
  } finally {
    work.close();
  }
}

type Contestant = 'ours' | 'parsing' | 'batch' | 'loop' | 'asProcess' | 'empty' | 'first';

function rowsOf(figures: Record<Contestant, Figure>): Row[] {
  const { ours, parsing, batch, loop, asProcess, empty, first } = figures;
  const shared = { section: 'apply', where: 'lab', unit: 'ms' } as const;
  const whole = `whole apply, ${vfCount} VFs`;
  const what = `${whole}, from a parsed spec`;
  const withParsing = `${whole}, with the parsing of the file`;
  const loopName = `loop of ip link set (${loopedVfs} VFs, scaled)`;
  const process = `${whole}, as a process with Node's start`;
  return [
    rowOf({ ...shared, what, ours, first, comparedWith: 'ip -batch', compared: batch, bound: 1 }),
    rowOf({ ...shared, what, ours, first, comparedWith: loopName, compared: loop, bound: 1 / 50 }),
    rowOf({ ...shared, what: withParsing, ours: parsing, comparedWith: 'ip -batch', compared: batch }),
    rowOf({ ...shared, what: withParsing, ours: parsing, comparedWith: loopName, compared: loop }),
    rowOf({ ...shared, what: process, ours: asProcess, comparedWith: 'ip -batch', compared: batch }),
    rowOf({ ...shared, what: process, ours: asProcess, comparedWith: loopName, compared: loop }),
    rowOf({ ...shared, what: process, ours: asProcess, comparedWith: 'empty Node program', compared: empty }),
  ];
}
