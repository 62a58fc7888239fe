// Owns following the hypervisor: what happens to VMs is told, and what may have changed a VM's VFs makes its leases be
// looked at.

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
  /** The VM of this UUID may have lost its VFs, or its VFs their settings; undefined: any VM, for events may be lost. */
  readonly onChange: (uuid: string | undefined) => void;
}

/** Follows a hypervisor until the signal is aborted. */
export async function followVms(options: VmWatchOptions): Promise<void> {
  const { feed, signal, hypervisor, onChange } = options;
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
        if (mayTouchVfs(event)) onChange(event.kind === 'reconnected' ? undefined : event.uuid);
      }
    } catch (error) {
      feed.tellFailure(following, error);
    }
    await pause(retryMs, signal);
    retryMs = Math.min(retryMs * 2, lastRetryMs);
  }
}

/**
 * libvirt sets the tags of a VM's VFs when it starts and when it ends (docs/libvirt.md), and then without priority. A
 * definition that is made anew may no longer name a VF. Only a VM that pauses keeps all as it is.
 */
function mayTouchVfs(event: VmEvent): boolean {
  return event.kind !== 'lifecycle' || (event.what !== 'suspended' && event.what !== 'resumed');
}
