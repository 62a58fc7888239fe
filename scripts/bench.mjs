// `npm run bench`: runs the benchmark in the lab and prints a table; `-- --json` prints the rows as JSON alone on stdout.
// Words after it limit the sections: settings, reading, apply, start, memory.

import { mkdirSync } from 'node:fs';
import { rolldown } from 'rolldown';
import { run, runLines, setUp, vfleet } from './setup.mjs';

const asJson = process.argv.includes('--json');
const sections = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const folder = 'bench/.build';

setUp();
mkdirSync(folder, { recursive: true });
if (run('cc', ['-O2', '-Wall', '-pthread', '-o', `${folder}/floor`, 'bench/floor.c']) !== 0) process.exit(1);
const build = await rolldown({ input: 'bench/in-lab.ts', external: ['koffi'], platform: 'node' });
await build.write({ dir: folder, format: 'esm' });
await build.close();

let text = '';
const status = await runLines(
  process.execPath,
  [
    vfleet,
    'lab',
    'run',
    '--nic',
    'igb:2',
    '--netdevsim',
    '256',
    '--',
    process.execPath,
    `${folder}/in-lab.js`,
    vfleet,
    ...sections,
  ],
  (line) => {
    text += `${line}\n`;
  },
);
if (status !== 0) process.exit(status);
const rows = JSON.parse(text);
if (asJson) console.log(JSON.stringify(rows, null, 2));
else {
  for (const { section, what, unit, ours, comparedWith, compared, ratio, bound, holds } of rows) {
    const against =
      compared === undefined ? '' : ` against ${compared.median.toFixed(2)} ${unit} (${comparedWith})`;
    const judged = ratio === undefined ? '' : `, ratio ${ratio.toFixed(2)}`;
    const verdict = holds === undefined ? '' : `, bound ${bound}: ${holds ? 'holds' : 'DOES NOT HOLD'}`;
    console.log(
      `${section.padEnd(9)} ${what}: ${ours.median.toFixed(2)} ${unit}${against}${judged}${verdict}`,
    );
  }
}
