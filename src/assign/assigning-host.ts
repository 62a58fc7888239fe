// Owns what every change of ownership needs: the host, its leases, its hypervisor, and how long things may take.

import type { Hypervisor } from '../hypervisor/hypervisor.ts';
import type { KernelSession } from '../kernel/session.ts';
import type { LeaseStore } from '../lease/lease-store.ts';
import type { Timeouts } from '../apply/timeouts.ts';

/** A host whose VFs are given and taken. */
export interface AssigningHost {
  readonly session: KernelSession;
  /** Folder of the host: leases, quarantine, locks. */
  readonly stateFolder: string;
  readonly leases: LeaseStore;
  /** Undefined on a host without one: leases of its VMs are kept then, because nobody can say that they ended. */
  readonly hypervisor: Hypervisor | undefined;
  readonly timeouts: Timeouts;
  /** How long a guest may take to let go of a device. */
  readonly unplugTimeoutMs: number;
  /** Says what goes on, a line each. */
  readonly report: (text: string) => void;
  /** Asks for an end between two steps: what was done is undone. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Aborted when whoever asked has gone: what has changed nothing yet ends with `apply.interrupted`, what has begun is
   * finished.
   */
  readonly asker?: AbortSignal | undefined;
}
