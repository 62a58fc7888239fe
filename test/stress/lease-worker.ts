// Owns one of many processes that take VFs and give them back as fast as they can, and watch that nobody else has theirs.
// Bundled and started by scripts/stress.mjs; a line of JSON on standard output says what it saw.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasEnded, parseProcessStat } from '../../src/kernel/proc/process-identity.ts';
import { removeAbandoned } from '../../src/lease/abandoned.ts';
import { leaseFolder, openFileLeases } from '../../src/lease/file-leases.ts';
import { listEveryLease } from '../../src/lease/lease-store.ts';
import { listNames } from '../../src/lease/record-file.ts';
import { vfFileName } from '../../src/lease/vf-file-name.ts';
import { lockVf } from '../../src/lease/vf-lock.ts';
import type { Lease, VfKey } from '../../src/model/lease.ts';
import { randomFrom } from './random.ts';

const [folder = '', vfCountText = '7', seedText = '1', mode = 'work'] = process.argv.slice(2);
const vfCount = Number(vfCountText);
const leases = openFileLeases(folder);
const marks = join(folder, 'marks');
mkdirSync(marks, { recursive: true });

const random = randomFrom(Number(seedText));

const counts = { rounds: 0, taken: 0, released: 0, busy: 0, recovered: 0, late: 0 };
function say(): void {
  process.stdout.write(`${JSON.stringify(counts)}\n`);
  for (const name of Object.keys(counts) as (keyof typeof counts)[]) counts[name] = 0;
}
function violation(what: string, key: VfKey): void {
  process.stdout.write(
    `${JSON.stringify({ violation: `${what}: VF ${key.vf} of ${key.pf}, process ${process.pid}` })}\n`,
  );
}

const statOf = (pid: number): ReturnType<typeof parseProcessStat> => {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
};
const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
const startTicks = statOf(process.pid)?.startTicks ?? 0;
const markOf = (key: VfKey): string => join(marks, vfFileName(key));
const keyAt = (at: number): VfKey => ({ pf: at % 2 === 0 ? '0000:01:00.0' : 'netdevsim/netdevsim1', vf: at });

function readMark(key: VfKey): string | undefined {
  try {
    return readFileSync(markOf(key), 'utf8');
  } catch {
    return undefined;
  }
}

function isAlive({ owner }: Lease): boolean {
  if (owner.kind !== 'qemu' || owner.process === undefined) return true;
  const stat = statOf(owner.process.pid);
  return stat !== undefined && !hasEnded(stat) && stat.startTicks === owner.process.startTicks;
}

/** Takes back what a dead owner left. Under the VF's lock, as recovery does. */
async function recover(key: VfKey, lease: Lease): Promise<void> {
  const mark = readMark(key);
  if (mark !== undefined && mark !== lease.generation && mark !== '') violation('a mark of nobody', key);
  rmSync(markOf(key), { force: true });
  if (!(await leases.deleteIfGeneration(key, lease.generation)))
    violation('a lease went under recovery', key);
  counts.recovered += 1;
}

function newLease(key: VfKey): Lease {
  return {
    apiVersion: 'vfleet/v1',
    kind: 'Lease',
    key,
    generation: randomBytes(16).toString('hex'),
    owner: { kind: 'qemu', name: `vm "><${process.pid}`, process: { pid: process.pid, startTicks, bootId } },
    network: 'storage',
    settings: {},
    giveBack: { settings: {} },
    acceptedRisks: [],
    createdAt: new Date().toISOString(),
  };
}

/** Uses a VF that is ours, for a while, and looks who else does. */
async function use(key: VfKey, lease: Lease): Promise<void> {
  try {
    writeFileSync(markOf(key), lease.generation, { flag: 'wx' });
  } catch {
    violation('two owners at once', key);
    return;
  }
  for (let look = 0; look < 2; look++) {
    await sleep(random() * 4);
    if (readMark(key) !== lease.generation) violation('another mark over ours', key);
    if ((await leases.read(key))?.generation !== lease.generation) violation('another lease over ours', key);
  }
}

/** Waits for the lock: giving back must not be given up. */
async function release(key: VfKey, lease: Lease): Promise<void> {
  for (;;) {
    const lock = lockVf(folder, key, 'detach');
    if (!('release' in lock)) {
      await sleep(1);
      continue;
    }
    if (readMark(key) !== lease.generation) violation('another mark at the end', key);
    rmSync(markOf(key), { force: true });
    if (!(await leases.deleteIfGeneration(key, lease.generation))) violation('our lease was lost', key);
    counts.released += 1;
    lock.release();
    return;
  }
}

const former = new Map<number, string>();

async function round(): Promise<void> {
  const at = Math.floor(random() * vfCount);
  const key = keyAt(at);
  counts.rounds += 1;
  const old = former.get(at);
  if (old !== undefined && random() < 0.3) {
    counts.late += 1;
    if (await leases.deleteIfGeneration(key, old)) violation('a late release ended a lease', key);
  }
  // Now and then somebody takes the lease without the lock: the record alone decides, too.
  const lock = random() < 0.8 ? lockVf(folder, key, 'attach') : undefined;
  if (lock !== undefined && !('release' in lock)) {
    counts.busy += 1;
    await sleep(random() * 3);
    return;
  }
  let mine: Lease | undefined;
  try {
    const found = await leases.read(key);
    if (found !== undefined) {
      if (lock !== undefined && !isAlive(found)) await recover(key, found);
      return;
    }
    const lease = newLease(key);
    if (await leases.create(lease)) mine = lease;
  } finally {
    lock?.release();
  }
  if (mine === undefined) return;
  counts.taken += 1;
  await use(key, mine);
  await release(key, mine);
  former.set(at, mine.generation);
}

if (mode === 'recover') {
  for (const found of await listEveryLease(leases)) {
    const lock = lockVf(folder, found.key, 'recover');
    if (!('release' in lock)) {
      violation('a dead process has a lock', found.key);
      continue;
    }
    if (isAlive(found)) violation('a living owner at the end', found.key);
    await recover(found.key, found);
    lock.release();
  }
  removeAbandoned(folder);
  const left = listNames(leaseFolder(folder)).filter((name) => !name.endsWith('.lock'));
  for (const name of [...left, ...listNames(marks)])
    process.stdout.write(`${JSON.stringify({ violation: `left behind: ${name}` })}\n`);
} else if (mode === 'work') {
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  let saidAtMs = Date.now();
  while (!stop.signal.aborted) {
    await round();
    if (Date.now() - saidAtMs > 100) {
      say();
      saidAtMs = Date.now();
    }
  }
}
say();
