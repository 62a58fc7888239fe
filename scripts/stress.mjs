// Many processes take and give back the same VFs while others are killed at random: no VF may ever have two owners, no
// lease may be lost, nothing may be left. `node scripts/stress.mjs [--what lease|attach] [--vfs 7] [--processes 64]
// [--seconds 60] [--rounds N] [--seed N]`: `lease` (the default) works on leases and locks alone, `attach` gives VFs of a
// simulated host to VMs. Ends when the time is over, or after so many rounds. The last line is a summary as JSON; the
// status is 0 when all went well.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { rolldown } from 'rolldown';

const { values } = parseArgs({
  options: {
    what: { type: 'string', default: 'lease' },
    vfs: { type: 'string', default: '7' },
    processes: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '0' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const worker = `${values.what === 'attach' ? 'attach' : 'lease'}-worker`;
const [vfs, processes, seconds, rounds] = [values.vfs, values.processes, values.seconds, values.rounds].map(
  Number,
);
let seed = Number(values.seed) >>> 0;
/** A number under 1. */
function random() {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}

// Below node_modules, so that koffi is found from there.
mkdirSync('node_modules/.cache', { recursive: true });
const bundle = mkdtempSync('node_modules/.cache/stress-');
const folder = mkdtempSync(join(tmpdir(), 'vfleet-stress-'));
const summary = {
  what: values.what,
  seed: values.seed,
  vfs,
  processes,
  rounds: 0,
  taken: 0,
  busy: 0,
  recovered: 0,
  late: 0,
  kills: 0,
  problems: [],
};
const running = new Set();
/** Whoever dies is followed by another. */
let isOn = true;

function start(mode = 'work') {
  const child = spawn(
    process.execPath,
    [join(bundle, `${worker}.js`), folder, String(vfs), String(Math.floor(random() * 2 ** 31)), mode],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  running.add(child);
  child.lines = 0;
  createInterface({ input: child.stdout }).on('line', (line) => {
    let said;
    try {
      said = JSON.parse(line);
    } catch {
      return; // It was killed in the middle of a line.
    }
    child.lines += 1;
    if (said.violation !== undefined) summary.problems.push(said.violation);
    else for (const name of ['rounds', 'taken', 'busy', 'recovered', 'late']) summary[name] += said[name];
  });
  let errors = '';
  child.stderr.on('data', (bytes) => (errors += bytes));
  child.ended = new Promise((resolve) => {
    child.on('close', (status, signal) => {
      running.delete(child);
      if (signal === null && status !== 0)
        summary.problems.push(`a process failed: ${errors.trim().slice(0, 500)}`);
      if (signal === 'SIGKILL') summary.kills += 1;
      if (isOn && mode === 'work') start();
      resolve();
    });
  });
  return child;
}

try {
  const build = await rolldown({
    input: { [worker]: `test/stress/${worker}.ts` },
    external: ['koffi'],
    platform: 'node',
  });
  await build.write({ dir: bundle, format: 'esm' });
  await build.close();

  await start('prepare').ended;
  for (let count = 0; count < processes; count++) start();
  // Until all are at work: on a busy machine that takes a while.
  while ([...running].some((child) => child.lines === 0)) await sleep(50);
  const endMs = Date.now() + seconds * 1000;
  while (Date.now() < endMs) {
    if (rounds > 0 && summary.rounds >= rounds) break;
    await sleep(20 + random() * 60);
    // A process that has a simulated kernel in it chooses itself when it dies: a kernel ends no call in the middle.
    if (values.what === 'attach') continue;
    const victims = [...running].filter((child) => child.lines > 0);
    victims[Math.floor(random() * victims.length)]?.kill('SIGKILL');
  }
  isOn = false;
  const last = [...running];
  for (const child of last) child.kill(values.what === 'lease' && random() < 0.5 ? 'SIGKILL' : 'SIGTERM');
  await Promise.all(last.map((child) => child.ended));
  await start('recover').ended;
} finally {
  isOn = false;
  const left = [...running];
  for (const child of left) child.kill('SIGKILL');
  await Promise.all(left.map((child) => child.ended));
  rmSync(bundle, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
}
console.log(JSON.stringify(summary));
process.exit(summary.problems.length === 0 ? 0 : 1);
