// `npm run bench`: runs the benchmark in the lab and prints a table; `-- --json` prints the rows as JSON alone on stdout.
// Words after it limit the sections: settings, reading, apply, start, memory (in the lab), start, doctor, choose, attach, size (here).

import { copyFileSync, mkdirSync } from 'node:fs';
import { rolldown } from 'rolldown';
import { run, runLines, setUp, vfleet } from './setup.mjs';

const asJson = process.argv.includes('--json');
const sections = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const folder = 'bench/.build';

setUp();
mkdirSync(folder, { recursive: true });
if (run('cc', ['-O2', '-Wall', '-pthread', '-o', `${folder}/floor`, 'bench/floor.c']) !== 0) process.exit(1);
copyFileSync('dist/cli/highs.wasm', `${folder}/highs.wasm`);
for (const input of ['bench/in-lab.ts', 'bench/here.ts']) {
  const build = await rolldown({ input, external: ['koffi'], platform: 'node' });
  await build.write({ dir: folder, format: 'esm' });
  await build.close();
}

/** The rows that a part of the benchmark prints as JSON. */
async function rowsOf(args) {
  let text = '';
  const status = await runLines(process.execPath, args, (line) => {
    text += `${line}\n`;
  });
  if (status !== 0) process.exit(status);
  return JSON.parse(text);
}

const rows = [];
const isWanted = (...names) => sections.length === 0 || names.some((name) => sections.includes(name));
if (isWanted('start', 'doctor', 'choose', 'attach', 'size'))
  rows.push(...(await rowsOf([`${folder}/here.js`, vfleet, ...sections])));
if (isWanted('settings', 'reading', 'apply', 'start', 'memory')) {
  const machine = ['--nic', 'igb:2', '--netdevsim', '256'];
  const program = [process.execPath, `${folder}/in-lab.js`, vfleet, ...sections];
  rows.push(...(await rowsOf([vfleet, 'lab', 'run', ...machine, '--', ...program])));
}

/** `4.22 (first 512)`: once warm, and the first call of a process. */
function figure({ ours, first }) {
  return first === undefined
    ? ours.median.toFixed(2)
    : `${ours.median.toFixed(2)} (first ${first.median.toFixed(0)})`;
}

if (asJson) console.log(JSON.stringify(rows, null, 2));
else {
  const table = rows.map((row) => [
    row.section,
    row.what,
    `${figure(row)} ${row.unit}`,
    row.compared === undefined ? '' : `${row.compared.median.toFixed(2)} ${row.unit}, ${row.comparedWith}`,
    row.ratio === undefined ? '' : row.ratio.toFixed(row.ratio < 0.1 ? 4 : 2),
    row.bound === undefined ? '' : `${row.bound} ${row.holds ? 'holds' : 'DOES NOT HOLD'}`,
  ]);
  const head = ['section', 'what', 'vfleet', 'against', 'ratio', 'bound'];
  const widths = head.map((_, column) => Math.max(...[head, ...table].map((line) => line[column].length)));
  for (const line of [head, ...table])
    console.log(
      line
        .map((text, column) => text.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    );
}
