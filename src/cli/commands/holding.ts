// Owns the course of holding a lease of a plain QEMU: wait for the owner's end, give back, again when that did not work.
// Both `vfleet hold` and `vfleet attach --qemu --foreground` do it.

import { setTimeout as delay } from 'node:timers/promises';
import { ExitStatus, VfleetError, errorCodes, messageOf } from '../../base/errors.ts';
import type { AssigningHost } from '../../assign/assigning-host.ts';
import { giveBack } from '../../assign/detach.ts';
import type { HoldEnd } from '../../assign/qemu-hold.ts';
import { waitForQemuOwner } from '../../assign/qemu-hold.ts';
import type { Release } from '../../model/attachment.ts';
import type { Lease, VfKey } from '../../model/lease.ts';
import { assigningHost } from '../assigning.ts';
import type { CliContext } from '../context.ts';
import { hasAgent } from '../holder.ts';
import { printable } from '../render/table.ts';
import { changeable, withHost } from './reading.ts';

/** Pause before a give-back is tried again, doubled each time up to the last. */
const firstRetryMs = 500;
const lastRetryMs = 60_000;

/** `vfleet hold`: what it says goes to a log, so each line has its time. */
export async function holdLease(context: CliContext, key: VfKey, generation: string): Promise<void> {
  const { terminal, signal } = context;
  await withHost(context, async (opened) => {
    const live = changeable(opened);
    const name = `VF ${key.vf} of ${key.pf}`;
    const say = (text: string): void =>
      terminal.note(`${new Date().toISOString()} holder ${process.pid}, ${name}: ${printable(text)}`);
    const host = assigningHost(context, live, undefined, say);
    const lease = await host.leases.read(key);
    if (lease?.generation !== generation) return;
    const end = await holdUntilFree(host, lease, { signal, isTakenOver: async () => hasAgent(live) });
    say(describeEnd(end));
    if (typeof end === 'object' && end.result === 'quarantined')
      context.setExitStatus(ExitStatus.inconsistent);
  });
}

export interface HoldingOptions {
  readonly signal: AbortSignal;
  readonly isTakenOver?: () => Promise<boolean>;
}

/**
 * Waits until the owner of a lease has gone, and gives the VF back; while that fails for a reason that may pass, again
 * and again. Answers what became of the VF, or why it is no business of ours any more.
 */
export async function holdUntilFree(
  host: AssigningHost,
  lease: Lease,
  options: HoldingOptions,
): Promise<Release | Exclude<HoldEnd, 'owner-gone'>> {
  for (let retryMs = firstRetryMs; ; retryMs = Math.min(retryMs * 2, lastRetryMs)) {
    const end = await waitForQemuOwner(host, lease, options);
    if (end !== 'owner-gone') return end;
    try {
      const release = await giveBack(host, lease);
      if (release.result !== 'kept') return release;
      host.report(`kept for now: ${release.why ?? 'it is in use'}`);
    } catch (error) {
      if (error instanceof VfleetError && error.code === 'lease.changed') return 'lease-gone';
      if (!(error instanceof VfleetError) || !errorCodes[error.code].retry) throw error;
      host.report(`not given back yet: ${messageOf(error)}`);
    }
    await delay(retryMs, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

export function describeEnd(end: Release | Exclude<HoldEnd, 'owner-gone'>): string {
  if (typeof end === 'object')
    return end.result === 'free' ? 'given back, clean' : `in quarantine: ${end.why ?? ''}`;
  return {
    'lease-gone': 'the lease has ended, nothing is left to do',
    'taken-over': 'the agent looks after the lease now',
    aborted: 'stopped; the agent or `vfleet recover` gives the VF back when its process has ended',
  }[end];
}
