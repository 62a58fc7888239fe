// Owns the section `settings`: all VFs of a PF in the kernel, against the least that a C program can send.

import { measureFirst } from './first.ts';
import { openFloor } from './floor.ts';
import { vfCount } from './netdevsim.ts';
import type { BenchPf } from './netdevsim.ts';
import { rowOf } from './result.ts';
import type { Row } from './result.ts';
import { alternate } from './sample.ts';
import { nextGeneration } from './values.ts';
import { openWork } from './work.ts';

const maxTimesFloor = 1.5;

export async function measureSettings(pf: BenchPf, stateFolder: string): Promise<readonly Row[]> {
  const floor = openFloor(pf.ifName);
  const work = openWork(pf, stateFolder);
  try {
    const { theirs, waiting, ours } = await alternate(
      {
        theirs: async () => floor.ask(`set ${vfCount} ${nextGeneration()}`),
        waiting: async () => floor.ask(`wait-set ${vfCount} ${nextGeneration()}`),
        ours: async () => work.kernelPhase(),
      },
      { rounds: 41, warmUpRounds: 300 },
    );
    const shared = {
      section: 'settings',
      where: 'lab',
      what: `kernel phase of apply, ${vfCount} VFs`,
      unit: 'ms',
      ours,
    } as const;
    const first = measureFirst('kernelPhase', pf, stateFolder);
    return [
      rowOf({ ...shared, first, comparedWith: 'C, one RTM_SETLINK', compared: theirs, bound: maxTimesFloor }),
      rowOf({ ...shared, comparedWith: 'C, the same while it goes on', compared: waiting }),
    ];
  } finally {
    work.close();
    floor.close();
  }
}
