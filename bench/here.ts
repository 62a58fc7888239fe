// The part of the benchmark that runs on the machine itself: what needs no kernel with VFs.
//   node bench/.build/here.js VFLEET       VFLEET is the built program; SECTION... after it limits the sections

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureAttach } from './attach.ts';
import { answerFirstChoice, measureChoices } from './choose.ts';
import { measureDoctor } from './doctor.ts';
import { note } from './result.ts';
import type { Row } from './result.ts';
import { measureSizes } from './size.ts';
import { measureStart } from './start.ts';

async function measureStartHere(vfleetFile: string): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'vfleet-bench-'));
  const emptyFile = join(folder, 'empty.cjs');
  writeFileSync(emptyFile, '');
  const host = 'this machine';
  const vfleet = [process.execPath, vfleetFile];
  const rows = await measureStart({ where: host, host, vfleet, emptyFile, rounds: 21 });
  rmSync(folder, { recursive: true });
  return rows;
}

async function measure(vfleetFile: string, sections: readonly string[]): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const isWanted = (section: Row['section']): boolean => sections.length === 0 || sections.includes(section);
  if (isWanted('start')) {
    note('start: vfleet show on this machine');
    rows.push(...(await measureStartHere(vfleetFile)));
  }
  if (isWanted('doctor')) {
    note('doctor: a host with 1024 VFs');
    rows.push(...(await measureDoctor()));
  }
  if (isWanted('choose')) {
    note('choose: 2048 VFs');
    rows.push(...(await measureChoices()));
  }
  if (isWanted('attach')) {
    note('attach: a VF for a VM of a simulated host');
    rows.push(...(await measureAttach()));
  }
  if (isWanted('size')) {
    note('size: 10,000 hosts and 200,000 machines, three times');
    rows.push(...(await measureSizes()));
  }
  return rows;
}

const [command = '', ...rest] = process.argv.slice(2);
if (command === 'first-choice') await answerFirstChoice(rest[0] ?? '');
else console.log(JSON.stringify(await measure(command, rest)));
