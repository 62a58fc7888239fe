// Owns the section `reading`: one PF with all its VFs, against the least that a C program needs for it.

import { measureFirst } from './first.ts';
import { openFloor } from './floor.ts';
import { vfCount } from './netdevsim.ts';
import type { BenchPf } from './netdevsim.ts';
import { rowOf } from './result.ts';
import type { Row } from './result.ts';
import { alternate } from './sample.ts';
import { openWork } from './work.ts';
import type { Work } from './work.ts';

const maxTimesFloor = 3;

const contests: readonly { what: string; name: keyof Work; floor: string; bound?: number }[] = [
  { what: 'host with statistics and details', name: 'readFull', floor: 'read', bound: maxTimesFloor },
  { what: 'host, settings only', name: 'readSettings', floor: 'read-settings', bound: maxTimesFloor },
  { what: 'link alone, with statistics', name: 'readLinkFull', floor: 'read' },
  { what: 'link alone, settings only', name: 'readLinkSettings', floor: 'read-settings' },
];

export async function measureReading(pf: BenchPf, stateFolder: string): Promise<readonly Row[]> {
  const floor = openFloor(pf.ifName);
  const work = openWork(pf, stateFolder);
  const rows: Row[] = [];
  try {
    for (const contest of contests) {
      const { theirs, ours } = await alternate(
        {
          theirs: async () => floor.ask(`${contest.floor} ${vfCount}`),
          ours: async () => work[contest.name](),
        },
        { rounds: 41, warmUpRounds: 300 },
      );
      rows.push(
        rowOf({
          section: 'reading',
          where: 'lab',
          what: `${contest.what}, ${vfCount} VFs`,
          unit: 'ms',
          ours,
          first: measureFirst(contest.name, pf, stateFolder),
          comparedWith: `C, one RTM_GETLINK${contest.floor === 'read' ? '' : ' without statistics'}`,
          compared: theirs,
          ...(contest.bound === undefined ? {} : { bound: contest.bound }),
        }),
      );
    }
    return rows;
  } finally {
    work.close();
    floor.close();
  }
}
