// The part of the benchmark that runs in the lab: measures every section there and prints its rows as JSON.
//   node bench/.build/in-lab.js VFLEET       VFLEET is the built program; SECTION... after it limits the sections

import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { measureApply } from './apply.ts';
import { answerFirst } from './first.ts';
import { runTool } from './floor.ts';
import { measureMemory, memoryPfs } from './memory.ts';
import { addPf, removePf } from './netdevsim.ts';
import { measureReading } from './read.ts';
import { note } from './result.ts';
import type { Row } from './result.ts';
import { measureSettings } from './set.ts';
import { measureStart } from './start.ts';

const diskMb = 256;

/** A file system with a journal of its own, so that a sync costs what it costs. The lab has no disk: it is in memory. */
function mountDisk(): string {
  const [image, folder] = ['/run/bench.img', '/run/bench-disk'];
  writeFileSync(image, '');
  truncateSync(image, diskMb * 1024 * 1024);
  runTool('modprobe', 'loop');
  runTool('modprobe', 'ext4');
  runTool('mkfs.ext4', '-q', image);
  mkdirSync(folder);
  runTool('mount', '-o', 'loop', image, folder);
  return folder;
}

async function measure(vfleetFile: string, sections: readonly string[]): Promise<Row[]> {
  const vfleet = [process.execPath, vfleetFile];
  const disk = mountDisk();
  const stateFolder = join(disk, 'state');
  mkdirSync(stateFolder);
  const isWanted = (section: Row['section']): boolean => sections.length === 0 || sections.includes(section);
  const rows: Row[] = [];

  if (isWanted('start')) {
    note('start: vfleet show with two PFs and no VFs');
    removePf(1);
    const emptyFile = join(disk, 'empty.cjs');
    writeFileSync(emptyFile, '');
    const host = '2 PFs (igb) without VFs';
    rows.push(...(await measureStart({ where: 'lab', host, vfleet, emptyFile, rounds: 7 })));
  }
  const pf = addPf(1);
  if (isWanted('settings')) {
    note('settings: the kernel phase against the floor');
    rows.push(...(await measureSettings(pf, stateFolder)));
  }
  if (isWanted('reading')) {
    note('reading: the host against the floor');
    rows.push(...(await measureReading(pf, stateFolder)));
  }
  if (isWanted('apply')) {
    note('apply: the whole against ip');
    rows.push(...(await measureApply(pf, stateFolder, vfleet)));
  }
  if (isWanted('memory')) {
    note(`memory: ${memoryPfs} PFs with 256 VFs each`);
    for (let number = 2; number <= memoryPfs; number++) addPf(number);
    const options = { where: 'lab', host: 'local', driver: 'netdevsim', vfleet, stateFolder } as const;
    rows.push(...measureMemory(options));
  }
  return rows;
}

const [command = '', ...rest] = process.argv.slice(2);
if (command === 'first') await answerFirst(rest[0] ?? '');
else console.log(JSON.stringify(await measure(command, rest)));
