// Owns what an attach asks for and what comes of it, and the choice of a VF with its reasons.
// Schemas only: the same shapes are the command line's, the agent's and the tests'.

import { z } from 'zod';
import { isInterfaceName, parseMacAddress } from '../base/identifiers.ts';
import { CorruptLease, Lease, Risk, VfKey } from './lease.ts';
import { NetworkName } from './network.ts';

/** Why a VF was not taken, or how good it is; `explain` shows one line per VF. */
export const CandidateVerdict = z.strictObject({
  key: VfKey,
  address: z.string().optional(),
  /** Place in the order, from 1; absent: it cannot be taken. */
  rank: z.int().optional(),
  /** Reasons against it when it cannot be taken, by code with words: `leased`, `network`, `mtu`, `rdma`, `holder` … */
  excluded: z.array(z.strictObject({ code: z.string(), text: z.string() })),
  /** Risks that taking it would mean. */
  risks: z.array(Risk),
  /** What counts for or against it, the weightiest first, with points. */
  scores: z.array(z.strictObject({ name: z.string(), points: z.number(), text: z.string() })),
});
export type CandidateVerdict = z.infer<typeof CandidateVerdict>;

/** A request is no queue: who wants to wait longer asks again. */
const maxWaitMs = 3_600_000;
/** How long to wait for an apply that changes the host as a whole. */
const WaitMs = z.int().min(0).max(maxWaitMs);
/** An interface's own address: neither that of a group (the lowest bit of the first byte) nor zeros, which mean none. */
const ownMac = /^(?!00([:-]00){5}$)[0-9A-Fa-f][02468ACEace]([:-][0-9A-Fa-f]{2}){5}$/;
/** Written with colons or hyphens, in upper or lower case; it comes out as the kernel writes it. */
const OwnMac = z
  .string()
  .regex(ownMac, 'is no MAC address of an interface, such as 52:54:00:12:34:56')
  .overwrite((text) => parseMacAddress(text) ?? text);

export const AttachRequest = z.strictObject({
  /** Name or UUID of a VM of the hypervisor. */
  vm: z.string().min(1),
  network: NetworkName,
  /** Absent: derived from VM, network and place. */
  mac: OwnMac.optional(),
  /** `live`: the running VM only, the VF goes back when it stops. `stored`: its stored definition too, or alone when it
   * does not run. */
  hold: z.enum(['live', 'stored']),
  /** Not on a card that the VM has a VF of already. */
  spread: z.boolean(),
  acceptedRisks: z.array(Risk),
  failover: z
    .strictObject({
      kind: z.enum(['bridge', 'openvswitch']),
      bridge: z
        .string()
        .refine(isInterfaceName, 'no name of an interface: 1 to 15 bytes, without / : and blanks'),
    })
    .optional(),
  /** Absent: as whoever does it sees fit; src/assign does not wait, the agent does for some seconds. */
  waitMs: WaitMs.optional(),
});
export type AttachRequest = z.infer<typeof AttachRequest>;

export const DetachRequest = z.strictObject({
  vm: z.string().min(1),
  /** Only the VFs on this network; absent: all of the VM. */
  network: NetworkName.optional(),
  /** Only the VF with this MAC address. */
  mac: OwnMac.optional(),
  /** Absent: as for an attach. */
  waitMs: WaitMs.optional(),
});
export type DetachRequest = z.infer<typeof DetachRequest>;

/** What giving back that which somebody left behind can be told. */
export const RecoverRequest = z.strictObject({
  /** Absent: as for an attach. */
  waitMs: WaitMs.optional(),
});
export type RecoverRequest = z.infer<typeof RecoverRequest>;

export const Attachment = z.strictObject({
  lease: Lease,
  /** Name of the VF's device in the hypervisor. */
  alias: z.string().optional(),
});
export type Attachment = z.infer<typeof Attachment>;

/** How a lease ended, or why it did not. */
export const Release = z.strictObject({
  key: VfKey,
  owner: z.string(),
  network: z.string(),
  result: z.enum(['free', 'quarantined', 'kept']),
  /** The reason; with `free`, what stays in the VM all the same. */
  why: z.string().optional(),
});
export type Release = z.infer<typeof Release>;

/** What became of leases. What `corrupt` names was left as it is. */
export const ReleaseList = z.strictObject({ releases: z.array(Release), corrupt: z.array(CorruptLease) });
export type ReleaseList = z.infer<typeof ReleaseList>;
