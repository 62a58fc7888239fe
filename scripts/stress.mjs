// Many processes take and give back the same VFs while others are killed at random: no VF may ever have two owners, no
// lease may be lost, nothing may be left. `node scripts/stress.mjs [--what lease|attach] [--vfs 7] [--processes 64]
// [--seconds 60] [--rounds N] [--seed N]`: `lease` (the default) works on leases and locks alone, `attach` gives VFs of a
// simulated host to VMs. Ends when the time is over, or after so many rounds. The last line is a summary as JSON; the
// status is 0 when all went well.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
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
const isAttach = values.what === 'attach';
const worker = `${isAttach ? 'attach' : 'lease'}-worker`;
const [vfs, processes, seconds, rounds] = [values.vfs, values.processes, values.seconds, values.rounds].map(
  Number,
);
let seed = Number(values.seed) >>> 0;
/** A number under 1. */
function random() {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}
/** Attaching, a process that follows a killed one costs more than many changes, so they are killed less often. */
const killPauseMs = isAttach ? { least: 1000, more: 3000 } : { least: 20, more: 60 };
const lookPauseMs = 100;
const [hostPriority, workerPriority] = [-10, 0];

// Below node_modules, so that koffi is found from there.
mkdirSync('node_modules/.cache', { recursive: true });
const bundle = mkdtempSync('node_modules/.cache/stress-');
const memory = '/dev/shm';
// The disk would take most of the time of an attach, and more of it the more is written elsewhere on the machine.
const folder = mkdtempSync(join(isAttach && existsSync(memory) ? memory : tmpdir(), 'vfleet-stress-'));
const summary = {
  what: values.what,
  seed: values.seed,
  vfs,
  processes,
  seconds: 0,
  rounds: 0,
  taken: 0,
  released: 0,
  busy: 0,
  recovered: 0,
  late: 0,
  changes: 0,
  kills: 0,
  problems: [],
};
/** So many are enough to see what is wrong. */
const mostProblems = 50;
function problem(what) {
  if (summary.problems.length < mostProblems) summary.problems.push(what);
}
const running = new Set();
/** Whoever dies is followed by another. */
let isOn = true;
/** Of `attach`: the simulated host, which is in this process. */
let host;

function start(mode = 'work') {
  const child = spawn(
    process.execPath,
    [join(bundle, `${worker}.js`), folder, String(vfs), String(Math.floor(random() * 2 ** 31)), mode],
    { stdio: ['ignore', 'pipe', 'pipe', ...(isAttach ? ['pipe'] : [])] },
  );
  running.add(child);
  if (isAttach && child.pid !== undefined) setPriority(child.pid, workerPriority);
  child.lines = 0;
  child.served = host?.serve(child.stdio[3]);
  createInterface({ input: child.stdout }).on('line', (line) => {
    let said;
    try {
      said = JSON.parse(line);
    } catch {
      return; // It was killed in the middle of a line.
    }
    child.lines += 1;
    if (said.violation !== undefined) problem(said.violation);
    else for (const [name, count] of Object.entries(said)) summary[name] += count;
  });
  let errors = '';
  child.stderr.on('data', (bytes) => (errors += bytes));
  child.ended = new Promise((resolve) => {
    child.on('close', (status, signal) => {
      running.delete(child);
      if (signal === null && status !== 0) problem(`a process failed: ${errors.trim().slice(0, 500)}`);
      if (signal === 'SIGKILL') summary.kills += 1;
      if (isOn && mode === 'work') start();
      resolve();
    });
  });
  return child;
}

/** All wait for the host; as one among so many that want a processor it would keep them waiting. */
function preferHost() {
  try {
    setPriority(hostPriority);
  } catch {
    // Without the right to, it is slower and as good.
  }
}

function kill(child) {
  // What is on its way from a killed process is not to come when others have its locks already: a kernel works in the
  // process that calls it.
  child?.served?.end();
  child?.kill('SIGKILL');
}

try {
  const build = await rolldown({
    input: {
      [worker]: `test/stress/${worker}.ts`,
      ...(isAttach ? { 'attach-host': 'test/stress/attach-host.ts' } : {}),
    },
    external: ['koffi'],
    platform: 'node',
  });
  await build.write({ dir: bundle, format: 'esm' });
  await build.close();

  if (isAttach) {
    const { openAttachHost } = await import(resolve(bundle, 'attach-host.js'));
    host = await openAttachHost(folder, vfs, problem);
    preferHost();
  }
  for (let count = 0; count < processes; count++) start();
  // Until all are at work: on a busy machine that takes a while.
  while ([...running].some((child) => child.lines === 0)) await sleep(50);
  const startMs = Date.now();
  const endMs = startMs + seconds * 1000;
  let nextKillMs = 0;
  while (Date.now() < endMs) {
    if (rounds > 0 && summary.rounds >= rounds) break;
    if (Date.now() >= nextKillMs) {
      const victims = [...running].filter((child) => child.lines > 0);
      if (nextKillMs > 0) kill(victims[Math.floor(random() * victims.length)]);
      nextKillMs = Date.now() + killPauseMs.least + random() * killPauseMs.more;
    }
    await host?.look();
    await sleep(Math.max(0, isAttach ? lookPauseMs : nextKillMs - Date.now()));
  }
  isOn = false;
  const last = [...running];
  for (const child of last) {
    if (random() < 0.5) kill(child);
    else child.kill('SIGTERM');
  }
  await Promise.all(last.map((child) => child.ended));
  if (isAttach) {
    const found = await host.end().catch((error) => problem(`the end failed: ${String(error)}`));
    summary.recovered += found?.recovered ?? 0;
  }
  if (!isAttach) await start('recover').ended;
  summary.seconds = Math.round((Date.now() - startMs) / 1000);
} finally {
  isOn = false;
  const left = [...running];
  for (const child of left) kill(child);
  await Promise.all(left.map((child) => child.ended));
  rmSync(bundle, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
}
console.log(JSON.stringify(summary));
process.exit(summary.problems.length === 0 ? 0 : 1);
