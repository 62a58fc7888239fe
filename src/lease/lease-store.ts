// Owns the port to where leases are kept. Small on purpose: the same five calls can stand on a cluster's store.

import { VfleetError } from '../base/errors.ts';
import type { ErrorDetails } from '../base/errors.ts';
import type { CorruptLease, Lease, VfKey } from '../model/lease.ts';

/** All records of a store, by PF and VF. */
export interface LeaseRecords {
  readonly leases: readonly Lease[];
  /** Records that cannot be understood: their VFs are not free. */
  readonly corrupt: readonly CorruptLease[];
}

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
  /** All records. One that cannot be understood keeps none of the others. */
  list(): Promise<LeaseRecords>;
  /** Says that something changed, at least once for each change, until the signal is aborted. */
  watch(signal: AbortSignal): AsyncIterable<void>;
}

/** All leases, for whoever must know every one of them. Throws `lease.corrupt`. */
export async function listEveryLease(store: Pick<LeaseStore, 'list'>): Promise<readonly Lease[]> {
  const { leases, corrupt } = await store.list();
  const [first] = corrupt;
  if (first === undefined) return leases;
  throw corruptLease(first.why, { problems: corrupt.map(({ why }) => why) });
}

/** The error for records that cannot be understood. */
export function corruptLease(why: string, details: ErrorDetails): VfleetError {
  return new VfleetError('lease.corrupt', why, {
    hint: 'see who has the VF; then remove the file, and apply the spec, which sets the VF back',
    details,
  });
}
