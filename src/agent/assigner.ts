// Owns the way from a request to src/assign: the same functions that commands call without an agent.

import type { AssigningHost } from '../assign/assigning-host.ts';
import { attachVf, explainAttach } from '../assign/attach.ts';
import { detachVfs } from '../assign/detach.ts';
import type { ReadGround } from '../assign/ground.ts';
import { recoverLeases } from '../assign/recover.ts';
import type {
  Attachment,
  AttachRequest,
  CandidateVerdict,
  DetachRequest,
  Release,
} from '../model/attachment.ts';
import type { Lease } from '../model/lease.ts';
import { LeaseCare } from './lease-care.ts';
import type { Extent } from './release-work.ts';

/** Gives and takes VFs of one host. Every call fails with a VfleetError. */
export interface Assigner {
  attach(request: AttachRequest): Promise<Attachment>;
  explain(request: AttachRequest): Promise<readonly CandidateVerdict[]>;
  detach(request: DetachRequest): Promise<readonly Release[]>;
  /**
   * Gives back every lease whose owner has gone. `quick` verifies the settings of leases that stand once for each lease,
   * `whole` now.
   */
  recover(extent: Extent): Promise<readonly Release[]>;
  /** Whether a quick recovery has verified this lease, or leaves it to somebody to mend. */
  isSettled(lease: Lease): boolean;
}

/** `readGround` says what the applied spec offers now. */
export function createAssigner(host: AssigningHost, readGround: ReadGround): Assigner {
  const care = new LeaseCare(host);
  return {
    attach: async (request) => attachVf(host, readGround, request),
    explain: async (request) => explainAttach(host, readGround, request),
    detach: async (request) => detachVfs(host, request),
    recover: async (extent) => (extent === 'whole' ? recoverLeases(host) : care.look()),
    isSettled: (lease) => care.isSettled(lease),
  };
}
