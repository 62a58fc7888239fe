// Owns the wait until a plain QEMU's lease has lost its owner: for the process to open its VF, and then for its end.
// Gives nothing back; who waits does that. The rule itself is in qemu-owner.ts.

import { setTimeout as delay } from 'node:timers/promises';
import { VfleetError } from '../base/errors.ts';
import { waitForProcessEnd } from '../kernel/process-end.ts';
import { isSameProcess, readProcessInstance } from '../kernel/proc/process-identity.ts';
import type { Lease, ProcessIdentity } from '../model/lease.ts';
import type { AssigningHost } from './assigning-host.ts';
import { isOwnerGone, readQemuOwnerFacts, readVfioUsersOf } from './qemu-owner.ts';

/** Pause between two looks for the process that opens the VF: all open files of the host are read for it. */
const openPollMs = 250;
/** Pause between two looks whether the lease still stands; one small file is read. */
const leasePollMs = 1_000;
/** Pause between two looks whether the VF is still open while its process runs: it may have been unplugged past us. */
const usePollMs = 30_000;

export type HoldEnd =
  /** The VF is to be given back. */
  | 'owner-gone'
  /** Somebody else ended the lease. */
  | 'lease-gone'
  /** `isTakenOver` said that another one waits. */
  | 'taken-over'
  | 'aborted';

export interface HoldOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether somebody else has begun to look after the lease; asked now and then. */
  readonly isTakenOver?: () => Promise<boolean>;
}

/** Waits until the lease of a plain QEMU needs no holder any more, and says why. Lasts as long as the VM does. */
export async function waitForQemuOwner(
  host: Pick<AssigningHost, 'session' | 'leases' | 'report'>,
  lease: Lease,
  options: HoldOptions = {},
): Promise<HoldEnd> {
  const { session, report } = host;
  const { owner } = lease;
  if (owner.kind !== 'qemu')
    throw new VfleetError('internal.bug', 'the end of a VM of libvirt is its hypervisor’s to say');
  let user: ProcessIdentity | undefined;
  for (;;) {
    const ended = await lookForEnd(host, lease, options);
    if (ended !== undefined) return ended;
    const facts = await readQemuOwnerFacts(session, lease);
    const wasUsed = user !== undefined;
    // The process that had opened the VF has ended, so it need not be waited for as long as for its start.
    if (wasUsed && !facts.isOpen && owner.process === undefined) return 'owner-gone';
    if (isOwnerGone(owner, facts)) return 'owner-gone';
    const named = owner.process !== undefined && isSameProcess(owner.process, facts.process);
    const next = named ? owner.process : await findUser(host, lease);
    if (next === undefined) {
      await pause(openPollMs, options.signal);
      continue;
    }
    if (!isSameProcess(next, user)) report(`waiting for the end of process ${next.pid}`);
    user = next;
    const startByMs = Date.parse(owner.startBy ?? '');
    const lookAtMs = facts.nowMs <= startByMs ? startByMs : Infinity;
    const end = await waitForEnd(host, lease, next, lookAtMs, options);
    if (end !== undefined) return end;
  }
}

/** The process that has the VF open now. */
async function findUser(
  { session }: Pick<AssigningHost, 'session'>,
  lease: Lease,
): Promise<ProcessIdentity | undefined> {
  const { users } = await readVfioUsersOf(session, lease);
  for (const { pid } of users) {
    const found = pid === undefined ? undefined : readProcessInstance(session.files, pid);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Waits for the end of a process, or for another reason to wait no more. Undefined: it has ended, or it is time to look. */
async function waitForEnd(
  host: Pick<AssigningHost, 'session' | 'leases'>,
  lease: Lease,
  process: ProcessIdentity,
  /** When it is time to look, by the host's clock, if not earlier. */
  lookAtMs: number,
  options: HoldOptions,
): Promise<HoldEnd | undefined> {
  const { clock } = host.session.kernel;
  const stop = new AbortController();
  const ended = waitForProcessEnd(host.session.files, process, { signal: stop.signal });
  let hasEnded = false;
  const done = ended.then(() => {
    hasEnded = true;
    return undefined;
  });
  try {
    for (let waitedMs = 0; ; waitedMs += leasePollMs) {
      await Promise.race([done, pause(leasePollMs, options.signal)]);
      if (hasEnded || waitedMs >= usePollMs || clock.nowMs() > lookAtMs) return undefined;
      const reason = await lookForEnd(host, lease, options);
      if (reason !== undefined) return reason;
    }
  } finally {
    stop.abort();
    await ended;
  }
}

async function lookForEnd(
  { leases }: Pick<AssigningHost, 'leases'>,
  { key, generation }: Lease,
  { signal, isTakenOver }: HoldOptions,
): Promise<HoldEnd | undefined> {
  if (signal?.aborted === true) return 'aborted';
  if ((await leases.read(key))?.generation !== generation) return 'lease-gone';
  return (await isTakenOver?.()) === true ? 'taken-over' : undefined;
}

/** Ends early, and in silence, when the signal is aborted. */
async function pause(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(durationMs, undefined, signal === undefined ? {} : { signal });
  } catch {
    // The caller looks at the signal itself.
  }
}
