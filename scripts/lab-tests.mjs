// Runs inside the lab: the tests that need its kernel, or those of `--project=NAME`. Hands the counts out as one marked line.

import { spawnSync } from 'node:child_process';
import { readCounts, resultMark } from './test-counts.mjs';

const args = process.argv.slice(2);
const hasProject = args.some((arg) => arg.startsWith('--project='));
const report = '/tmp/vfleet-lab.json';
const { status } = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    ...(hasProject ? [] : ['--project=lab']),
    '--reporter=verbose',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...args,
  ],
  { stdio: 'inherit', env: { ...process.env, NO_COLOR: '1' } },
);
const counts = readCounts(report);
if (counts !== undefined) console.log(`${resultMark}${JSON.stringify(counts)}`);
process.exit(status ?? 1);
