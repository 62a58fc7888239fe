// Owns networks and pools: what a VF is given for, by name, and the VFs of a PF that may be given.
// Schemas and shapes only; the spec's rules about them are src/spec's, choosing among them src/choice's.

import { z } from 'zod';
import { MtuSpec, settingSpecs } from './setting-spec.ts';
import type { VfSettings } from './vf.ts';

/** Names go into file names, XML and command lines only through an encoder; this keeps them legible, too. */
const networkName = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
export const NetworkName = z.string().regex(networkName, 'is no name of a network: letters, digits, _ . -');

/**
 * A network that VMs are connected to by its name. What is absent is the pool's. `mtu` is the largest frame that the
 * network carries, in bytes: a PF with a smaller MTU does not reach it. `rdma`: only VFs of PFs with an RDMA device.
 */
export const Network = z
  .strictObject({
    name: NetworkName.describe(
      'Name by which VMs are connected to it: letters, digits, _ . -, at most 63 characters.',
    ),
    mtu: MtuSpec.optional().describe(
      'Largest frame of the network in bytes; a PF with a smaller MTU does not reach it.',
    ),
    rdma: z.boolean().optional().describe('Whether only VFs of PFs with an RDMA device are on it.'),
    ...settingSpecs,
  })
  .describe('A network that VMs are connected to; what is absent is as vfs.default of the PF says.');
export type Network = z.infer<typeof Network>;

/** What a VF of a pool is when nobody has it. */
export interface PoolVf {
  readonly index: number;
  /** A Linux driver's name, `kernel` or `none`; absent: what it has. */
  readonly driver?: string;
  /** Absent settings are what a new VF has: no address, untagged, unlimited, not trusted. */
  readonly settings: VfSettings;
}

/** The VFs of one PF that may be given to VMs: those that the spec does not name one by one. */
export interface Pool {
  readonly pf: string;
  /** Names of the networks that the PF's port reaches. */
  readonly networks: readonly string[];
  readonly vfs: readonly PoolVf[];
}

/** What a spec offers to VMs on one host. */
export interface Offer {
  readonly networks: readonly Network[];
  readonly pools: readonly Pool[];
}
