// Owns following the hypervisor: what happens to VMs is told, and what may end a lease makes the leases be looked at.

import type { Hypervisor, VmEvent } from '../hypervisor/hypervisor.ts';
import type { EventFeed } from './event-feed.ts';
import { pause } from './pause.ts';

/** A hypervisor that cannot be followed is tried again after this, then after twice as long, and so on. */
const firstRetryMs = 250;
const lastRetryMs = 2_000;

export interface VmWatchOptions {
  readonly feed: EventFeed;
  readonly signal: AbortSignal;
  readonly hypervisor: Hypervisor;
  /** A VM may have lost its VFs, or events may have been lost. */
  readonly onEnd: () => void;
}

/** Follows a hypervisor until the signal is aborted. */
export async function followVms(options: VmWatchOptions): Promise<void> {
  const { feed, signal, hypervisor, onEnd } = options;
  const following = `following ${hypervisor.label}`;
  let retryMs = firstRetryMs;
  while (!signal.aborted) {
    try {
      for await (const event of hypervisor.watch(signal)) {
        feed.forgetFailure(following);
        retryMs = firstRetryMs;
        if (event.kind === 'reconnected')
          feed.tell({ kind: 'hypervisor-back', text: `${hypervisor.label} answers again` });
        else if (event.kind === 'lifecycle')
          feed.tell({ kind: 'vm', text: `VM ${event.name}: ${event.what}`, vm: event.name });
        if (mayEndLease(event)) onEnd();
      }
    } catch (error) {
      feed.tellFailure(following, error);
    }
    await pause(retryMs, signal);
    retryMs = Math.min(retryMs * 2, lastRetryMs);
  }
}

/** A definition that is made anew may no longer name the VF. */
function mayEndLease(event: VmEvent): boolean {
  if (event.kind !== 'lifecycle') return true;
  return event.what !== 'started' && event.what !== 'suspended' && event.what !== 'resumed';
}
