// Owns the section `reading`: one PF with all its VFs, against the least that a C program needs for it.

import { join } from 'node:path';
import { measureFirst } from './first.ts';
import { openFloor, openReplay } from './floor.ts';
import type { Floor } from './floor.ts';
import { vfCount } from './netdevsim.ts';
import type { BenchPf } from './netdevsim.ts';
import { recordReading } from './recording.ts';
import { rowOf } from './result.ts';
import type { Row } from './result.ts';
import { alternate } from './sample.ts';
import { openWork } from './work.ts';
import type { Work } from './work.ts';

const maxTimesFloor = 3;

interface Contest {
  readonly what: string;
  readonly name: keyof Work;
  readonly floor: string;
  readonly bound?: number;
  /** Reads more than the link: the same reads in C are compared as well. */
  readonly detail?: 'settings' | 'full';
}

const bound = maxTimesFloor;
const contests: readonly Contest[] = [
  { what: 'host with statistics and details', name: 'readFull', floor: 'read', bound, detail: 'full' },
  { what: 'host, settings only', name: 'readSettings', floor: 'read-settings', bound, detail: 'settings' },
  { what: 'link alone, with statistics', name: 'readLinkFull', floor: 'read' },
  { what: 'link alone, settings only', name: 'readLinkSettings', floor: 'read-settings' },
];

export async function measureReading(pf: BenchPf, stateFolder: string): Promise<readonly Row[]> {
  const floor = openFloor(pf.ifName);
  const work = openWork(pf, stateFolder);
  const rows: Row[] = [];
  try {
    for (const contest of contests) {
      const replay = await openReplayOf(contest, pf, stateFolder);
      const { theirs, waiting, same, ours } = await alternate(
        {
          theirs: async () => floor.ask(`${contest.floor} ${vfCount}`),
          waiting: async () => floor.ask(`wait-${contest.floor} ${vfCount}`),
          same: async () => replay?.ask('') ?? 0,
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
      if (replay === undefined) continue;
      rows.push(rowOf({ ...shared, comparedWith: 'C, the very same files and requests', compared: same }));
      replay.close();
    }
    return rows;
  } finally {
    work.close();
    floor.close();
  }
}

async function openReplayOf(
  { name, detail }: Contest,
  pf: BenchPf,
  folder: string,
): Promise<Floor | undefined> {
  if (detail === undefined) return undefined;
  const file = join(folder, `${name}.replay`);
  await recordReading(pf.address, detail, file);
  return openReplay(file);
}
