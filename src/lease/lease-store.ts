// Owns the port to where leases are kept. Small on purpose: the same five calls can stand on a cluster's store.

import type { Lease, VfKey } from '../model/lease.ts';

export interface LeaseStore {
  /**
   * Makes the record of a lease, synced to the disk when the call comes back. Answers false, and changes nothing, when
   * the VF has one already. Of many callers at once just one gets true.
   */
  create(lease: Lease): Promise<boolean>;
  /** Undefined when the VF is free. Throws `lease.corrupt` for a record that cannot be understood: the VF is not free. */
  read(key: VfKey): Promise<Lease | undefined>;
  /** Ends a lease. Answers false, and changes nothing, when the VF has no lease or one of another generation. */
  deleteIfGeneration(key: VfKey, generation: string): Promise<boolean>;
  /** All leases, by PF and VF. Throws `lease.corrupt`. */
  list(): Promise<readonly Lease[]>;
  /** Says that something changed, at least once for each change, until the signal is aborted. */
  watch(signal: AbortSignal): AsyncIterable<void>;
}
