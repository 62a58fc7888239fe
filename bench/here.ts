// The part of the benchmark that runs on the machine itself: how long a command takes that finds nothing to do.
//   node bench/.build/here.js VFLEET       VFLEET is the built program

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { note } from './result.ts';
import { measureStart } from './start.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfleet-bench-'));
const emptyFile = join(folder, 'empty.cjs');
writeFileSync(emptyFile, '');
note('start: vfleet show on this machine');
const vfleet = [process.execPath, process.argv[2] ?? ''];
const rows = await measureStart({
  where: 'this machine',
  host: 'this machine',
  vfleet,
  emptyFile,
  rounds: 21,
});
rmSync(folder, { recursive: true });
console.log(JSON.stringify(rows));
