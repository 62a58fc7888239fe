// Owns the shapes that only the agent's API has: its status, drift, events, lists and errors.
// Schemas only. What an attach asks for and gives is in src/model/attachment.ts, the same for everybody.

import { z } from 'zod';
import { CandidateVerdict } from '../model/attachment.ts';
import { CorruptLease, Lease, Quarantine, VfKey } from '../model/lease.ts';
import { Vm } from '../model/vm.ts';

/** A difference between the applied spec and the host. */
export const DriftItem = z.strictObject({
  pf: z.string(),
  /** Index of the VF; absent for the PF itself. */
  vf: z.int().min(0).optional(),
  /** Name as in the spec: `count`, `mtu`, `driver`, `vlan` … */
  attribute: z.string(),
  /** Value on the host; absent when it is not known. */
  found: z.union([z.string(), z.number(), z.boolean()]).optional(),
  /** Value that the applied spec, or the lease of the VF, asks for. */
  wanted: z.union([z.string(), z.number(), z.boolean()]),
  /** RFC 3339, when it was noticed. */
  since: z.string(),
});
export type DriftItem = z.infer<typeof DriftItem>;

export const DriftReport = z.strictObject({
  /** `unknown`: no spec was applied here, or nothing was compared yet. */
  state: z.enum(['unknown', 'none', 'drift']),
  /** RFC 3339, the last comparison. */
  checkedAt: z.string().optional(),
  items: z.array(DriftItem),
  /** Why the spec cannot be compared with the host, for example a PF that is gone; one line each. */
  problems: z.array(z.string()),
});
export type DriftReport = z.infer<typeof DriftReport>;

export const AgentEventKind = z.enum([
  'started',
  'stopping',
  'lease-began',
  'lease-ended',
  'released',
  'quarantined',
  'kept',
  'hanging',
  'drift-began',
  'drift-ended',
  'enforced',
  'enforce-held-back',
  'vm',
  'hypervisor-back',
  'failed',
]);
export type AgentEventKind = z.infer<typeof AgentEventKind>;

/** Something that happened; `text` is the line in the log. */
export const AgentEvent = z.strictObject({
  /** RFC 3339, UTC. */
  at: z.string(),
  kind: AgentEventKind,
  text: z.string(),
  key: VfKey.optional(),
  /** Name of the VM. */
  vm: z.string().optional(),
  network: z.string().optional(),
  drift: DriftItem.optional(),
});
export type AgentEvent = z.infer<typeof AgentEvent>;

export const AgentStatus = z.strictObject({
  apiVersion: z.literal('vfleet/v1'),
  kind: z.literal('AgentStatus'),
  version: z.string(),
  pid: z.int().min(1),
  startedAt: z.string(),
  /** As `--host` names it. */
  host: z.string(),
  /** Folder that holds the journal, the applied spec and the leases. */
  stateFolder: z.string(),
  hypervisor: z
    .strictObject({
      label: z.string(),
      /** Whether it answered when it was last asked; absent: it was not yet. */
      reachable: z.boolean().optional(),
    })
    .optional(),
  leases: z.int().min(0),
  quarantined: z.int().min(0),
  /** Records of leases that cannot be understood. */
  corrupt: z.int().min(0),
  /** VFs that have been worked on for some seconds: they hang in the kernel, or wait for a guest or an apply. */
  hanging: z.array(
    z.strictObject({
      key: VfKey,
      /** Name of the VM. */
      vm: z.string(),
      network: z.string(),
      /** RFC 3339, when the work began. */
      since: z.string(),
      /** What is being done; absent: nothing of the VF yet. */
      doing: z.string().optional(),
    }),
  ),
  drift: DriftReport.shape.state,
  enforce: z.boolean(),
});
export type AgentStatus = z.infer<typeof AgentStatus>;

export const LeaseList = z.strictObject({
  leases: z.array(Lease),
  quarantined: z.array(Quarantine),
  corrupt: z.array(CorruptLease),
});
export type LeaseList = z.infer<typeof LeaseList>;

export const VmList = z.strictObject({ vms: z.array(Vm) });
export type VmList = z.infer<typeof VmList>;

export const Explanation = z.strictObject({ candidates: z.array(CandidateVerdict) });
export type Explanation = z.infer<typeof Explanation>;

/** Why a request was not done; the codes are those of docs/errors.md. */
export const ErrorAnswer = z.strictObject({
  error: z.string(),
  message: z.string(),
  hint: z.string().optional(),
  /** Facts for scripts: operation, errno, PF, VF, attribute … */
  details: z.record(z.string(), z.unknown()),
});
export type ErrorAnswer = z.infer<typeof ErrorAnswer>;
