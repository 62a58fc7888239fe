// Owns the way from a request to src/assign: the same functions that commands call without an agent.

import type { AssigningHost } from '../assign/assigning-host.ts';
import { attachVf, explainAttach } from '../assign/attach.ts';
import { detachVfs } from '../assign/detach.ts';
import type { Ground, ReadGround } from '../assign/ground.ts';
import { recoverLeases } from '../assign/recover.ts';
import { VfleetError } from '../base/errors.ts';
import type {
  Attachment,
  AttachRequest,
  CandidateVerdict,
  DetachRequest,
  ReleaseList,
} from '../model/attachment.ts';
import type { Lease } from '../model/lease.ts';
import { LeaseCare } from './lease-care.ts';
import type { LeaseFilter, Suspect } from './release-work.ts';

/** An apply that is under way is waited for so long by those who do not say how long. */
const usualWaitMs = 10_000;

/** Gives and takes VFs of one host. Every call fails with a VfleetError. `asker` is as in AssigningHost. */
export interface Assigner {
  attach(request: AttachRequest, asker: AbortSignal): Promise<Attachment>;
  explain(request: AttachRequest): Promise<readonly CandidateVerdict[]>;
  detach(request: DetachRequest, asker: AbortSignal): Promise<ReleaseList>;
  /**
   * Gives back every lease whose owner has gone, and verifies all others. `waitMs` is how long an apply that is under way is
   * waited for; undefined: some seconds.
   */
  recover(waitMs: number | undefined, asker: AbortSignal): Promise<ReleaseList>;
  /** Leases whose owner may have gone, and those that have to be verified. */
  findSuspects(): Promise<readonly Suspect[]>;
  /** These leases are to be verified once more. */
  doubt(isMeant: LeaseFilter): void;
  /** What is in quarantine on a PF is to be tried once more. */
  retryQuarantined(pf: string): void;
  /** Whether this lease was verified, or is left to somebody to mend. */
  isSettled(lease: Lease): boolean;
}

export interface AssignerOptions {
  /** Reads what the applied spec offers now. */
  readonly readGround: ReadGround;
  /** What is known of that without reading; undefined: nothing. */
  readonly standingGround: () => Ground | undefined;
}

export function createAssigner(
  host: AssigningHost,
  { readGround, standingGround }: AssignerOptions,
): Assigner {
  const care = new LeaseCare(host);
  return {
    attach: async (asked, asker) => {
      const own = { ...host, asker };
      const request = withWait(asked);
      let isStanding = false;
      try {
        return await attachVf(
          own,
          async () => {
            const ground = standingGround();
            isStanding = ground !== undefined;
            return ground ?? readGround();
          },
          request,
        );
      } catch (error) {
        // Nobody is refused for what was so a moment ago.
        if (!isStanding || !isRefusedBeforehand(error)) throw error;
        return attachVf(own, readGround, request);
      }
    },
    explain: async (request) => explainAttach(host, readGround, request),
    detach: async (request, asker) => detachVfs({ ...host, asker }, withWait(request)),
    recover: async (waitMs = usualWaitMs, asker) => recoverLeases({ ...host, asker }, { waitMs }),
    findSuspects: async () => care.findSuspects(usualWaitMs),
    doubt: (isMeant) => care.doubt(isMeant),
    retryQuarantined: (pf) => care.retryQuarantined(pf),
    isSettled: (lease) => care.isSettled(lease),
  };
}

function withWait<Request extends { readonly waitMs?: number | undefined }>(request: Request): Request {
  return { ...request, waitMs: request.waitMs ?? usualWaitMs };
}

/** Refusals that follow from what is known of the host, before anything of it is changed. */
const refusals: readonly string[] = ['vf.unavailable', 'risk.refused', 'network.unknown'];

function isRefusedBeforehand(error: unknown): boolean {
  return error instanceof VfleetError && refusals.includes(error.code);
}
