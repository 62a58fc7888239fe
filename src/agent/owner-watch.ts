// Owns the waiting for the end of plain QEMU processes that have leases.
// When such a lease is over is the rule of src/assign/qemu-owner.ts; this only knows when to look again.

import { parsePciAddress } from '../base/identifiers.ts';
import { readVfioUsers } from '../assign/qemu-owner.ts';
import { waitForProcessEnd } from '../kernel/process-end.ts';
import { readProcessInstance } from '../kernel/proc/process-identity.ts';
import type { ProcessInstance } from '../kernel/proc/process-identity.ts';
import type { KernelSession } from '../kernel/session.ts';
import type { Lease } from '../model/lease.ts';
import type { EventFeed } from './event-feed.ts';
import { pause } from './pause.ts';

/** A lease that stands although its owner has gone is being given back, or kept for a reason. */
const firstLookAgainMs = 1_000;
const lastLookAgainMs = 60_000;

export interface OwnerWatchOptions {
  readonly session: KernelSession;
  readonly feed: EventFeed;
  readonly signal: AbortSignal;
  /** The owner of this lease may have gone. */
  readonly onEnd: (lease: Lease) => void;
}

/** Follows the owners of those leases that plain QEMU has. */
export class OwnerWatch {
  readonly #options: OwnerWatchOptions;
  readonly #followed = new Map<string, AbortController>();

  constructor(options: OwnerWatchOptions) {
    this.#options = options;
    options.signal.addEventListener('abort', () => {
      for (const controller of this.#followed.values()) controller.abort();
    });
  }

  /** Follows the owners of these leases from now on, and no others. */
  update(leases: readonly Lease[]): void {
    if (this.#options.signal.aborted) return;
    const now = new Set(leases.map(({ generation }) => generation));
    for (const [generation, controller] of this.#followed) {
      if (now.has(generation)) continue;
      controller.abort();
      this.#followed.delete(generation);
    }
    for (const lease of leases) {
      if (lease.owner.kind !== 'qemu' || this.#followed.has(lease.generation)) continue;
      const controller = new AbortController();
      this.#followed.set(lease.generation, controller);
      void this.#follow(lease, controller.signal).catch((error: unknown) =>
        this.#options.feed.tellFailure(`following ${lease.owner.name}`, error),
      );
    }
  }

  async #follow(lease: Lease, signal: AbortSignal): Promise<void> {
    const { session, onEnd } = this.#options;
    const { clock } = session.kernel;
    let lookAgainMs = firstLookAgainMs;
    while (!signal.aborted) {
      const process = await this.#findProcess(lease);
      if (process !== undefined) {
        await waitForProcessEnd(session.files, process, { signal });
        lookAgainMs = firstLookAgainMs;
        continue;
      }
      const startMs = timeToStartMs(lease, clock.nowMs());
      // Neither a process nor a time: it ends by `vfleet detach` alone.
      if (startMs === undefined) return;
      if (startMs > 0) {
        await pause(Math.min(startMs, lastLookAgainMs), signal, (callback, durationMs) =>
          clock.startTimer(callback, durationMs),
        );
        continue;
      }
      if (!signal.aborted) onEnd(lease);
      await pause(lookAgainMs, signal);
      lookAgainMs = Math.min(lookAgainMs * 2, lastLookAgainMs);
    }
  }

  /** The process whose end is to be waited for: the one that the lease names, else one that has the VF open. */
  async #findProcess(lease: Lease): Promise<ProcessInstance | undefined> {
    const { session } = this.#options;
    const named = lease.owner.kind === 'qemu' ? lease.owner.process : undefined;
    const running = named === undefined ? undefined : readProcessInstance(session.files, named.pid);
    if (running !== undefined && running.startTicks === named?.startTicks && running.bootId === named.bootId)
      return running;
    const address = lease.address === undefined ? undefined : parsePciAddress(lease.address);
    if (address === undefined) return undefined;
    const { users } = await readVfioUsers(session, address);
    for (const { pid } of users) {
      const user = pid === undefined ? undefined : readProcessInstance(session.files, pid);
      if (user !== undefined) return user;
    }
    return undefined;
  }
}

/** Time that a VF without a process still has, at most 0 when it is over; undefined when no time was set. */
function timeToStartMs({ owner }: Lease, nowMs: number): number | undefined {
  if (owner.kind !== 'qemu') return undefined;
  if (owner.process !== undefined) return 0;
  const startByMs = Date.parse(owner.startBy ?? '');
  // The rule asks for a later moment than the one that is named.
  return Number.isNaN(startByMs) ? undefined : startByMs + 1 - nowMs;
}
