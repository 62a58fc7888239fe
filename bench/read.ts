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
      const { theirs, waiting, ours } = await alternate(
        {
          theirs: async () => floor.ask(`${contest.floor} ${vfCount}`),
          waiting: async () => floor.ask(`wait-${contest.floor} ${vfCount}`),
          ours: async () => work[contest.name](),
        },
        { rounds: 41, warmUpRounds: 300 },
      );
      const shared = {
        section: 'reading',
        where: 'lab',
        what: `${contest.what}, ${vfCount} VFs`,
        unit: 'ms',
        ours,
      } as const;
      const first = measureFirst(contest.name, pf, stateFolder);
      const plain = `C, one RTM_GETLINK${contest.floor === 'read' ? '' : ' without statistics'}`;
      const bound = contest.bound === undefined ? {} : { bound: contest.bound };
      rows.push(
        rowOf({ ...shared, first, comparedWith: plain, compared: theirs, ...bound }),
        rowOf({ ...shared, comparedWith: `${plain}, while it goes on`, compared: waiting }),
      );
    }
    return rows;
  } finally {
    work.close();
    floor.close();
  }
}
