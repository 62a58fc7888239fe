// Owns the list of what the agent's API can ask the agent for; the routes know nothing else of it.

import type {
  Attachment,
  AttachRequest,
  DetachRequest,
  RecoverRequest,
  ReleaseList,
} from '../model/attachment.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type {
  AgentEvent,
  AgentStatus,
  DriftReport,
  Explanation,
  LeaseList,
  VmList,
} from './agent-answers.ts';

/**
 * Every call fails with a VfleetError, which becomes the answer. `asker` is aborted when the client has gone: a call that
 * still waits ends then, one that has begun to change something is finished.
 */
export interface AgentServices {
  readStatus(): Promise<AgentStatus>;
  readHost(): Promise<Snapshot>;
  listLeases(): Promise<LeaseList>;
  /** Throws `hypervisor.unreachable`, also on a host without a hypervisor. */
  listVms(): Promise<VmList>;
  readDrift(): Promise<DriftReport>;
  attach(request: AttachRequest, asker: AbortSignal): Promise<Attachment>;
  explain(request: AttachRequest): Promise<Explanation>;
  detach(request: DetachRequest, asker: AbortSignal): Promise<ReleaseList>;
  /** Gives back whatever somebody left behind, now. */
  recover(request: RecoverRequest, asker: AbortSignal): Promise<ReleaseList>;
  /** Calls back for each event from now on, until the returned function is called. */
  subscribe(onEvent: (event: AgentEvent) => void): () => void;
}
