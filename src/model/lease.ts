// Owns the lease: the durable record that a VF belongs to somebody, from before its first setting is written until after
// its last one is reset. Schemas only; src/lease stores them.

import { z } from 'zod';
import { VfSettings } from './vf.ts';

/** A process that cannot be mistaken for a later one with its number: start time in clock ticks, and the boot. */
export const ProcessIdentity = z.strictObject({
  pid: z.int().min(1),
  /** Field 22 of /proc/PID/stat. */
  startTicks: z.number(),
  /** /proc/sys/kernel/random/boot_id. */
  bootId: z.string(),
});
export type ProcessIdentity = z.infer<typeof ProcessIdentity>;

/** Whose a VF is: a VM of libvirt, or a QEMU process that somebody starts. */
export const LeaseOwner = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('libvirt'),
    uuid: z.string(),
    name: z.string(),
    /** URI of the hypervisor whose VM it is; absent in leases of an earlier vfleet: any may say that it has ended. */
    hypervisor: z.string().optional(),
    /**
     * `live`: until the running VM ends. `stored`: as long as the stored definition of the VM names the VF, through stops
     * and starts.
     */
    hold: z.enum(['live', 'stored']),
  }),
  z.strictObject({
    kind: z.literal('qemu'),
    name: z.string(),
    /** Whose end frees the VF; absent: the process that opens the VF's vfio device, whichever it will be. */
    process: ProcessIdentity.optional(),
    /** RFC 3339; a VF that no process has opened by then goes back. */
    startBy: z.string().optional(),
  }),
]);
export type LeaseOwner = z.infer<typeof LeaseOwner>;

/** Which VF: address of its PF and index on it. */
export const VfKey = z.strictObject({ pf: z.string(), vf: z.int().min(0) });
export type VfKey = z.infer<typeof VfKey>;

/** Risks that somebody may accept by name; each is a reason to refuse otherwise. */
export const Risk = z.enum([
  /** No IOMMU translates the VF's DMA: the VM can read and write the host's memory. */
  'no-iommu',
  /** Interrupts are not remapped: the VM can raise any interrupt on the host. */
  'no-interrupt-remapping',
  /** The VF shares its IOMMU group with other devices: they can reach each other past the IOMMU. */
  'shared-iommu-group',
  /** The hypervisor does not give the definition of some VM, which may name the VF: that VM would not start any more. */
  'unknown-definition',
]);
export type Risk = z.infer<typeof Risk>;

export const Lease = z.strictObject({
  apiVersion: z.literal('vfleet/v1'),
  kind: z.literal('Lease'),
  key: VfKey,
  /** PCI address of the VF when it was leased; absent off the PCI bus. */
  address: z.string().optional(),
  /** Random, 32 hex digits: a release names it, and so never touches a later lease of the same VF. */
  generation: z.string().regex(/^[0-9a-f]{32}$/),
  owner: LeaseOwner,
  network: z.string(),
  /** What the VF is set to while it is leased; all fields that the driver knows are given. */
  settings: VfSettings,
  /** What it goes back to. `driver`: a driver's name, `kernel` or `none`; absent: left as it is. */
  giveBack: z.strictObject({ driver: z.string().optional(), settings: VfSettings }),
  /** Standby NIC of a failover pair, and what it is plugged into. */
  standby: z
    .strictObject({
      kind: z.enum(['bridge', 'openvswitch']),
      bridge: z.string(),
      /** Its name, where the VM had it from an earlier VF; absent: the name that follows from the generation. */
      alias: z.string().optional(),
    })
    .optional(),
  acceptedRisks: z.array(Risk),
  /** RFC 3339, UTC. */
  createdAt: z.string(),
});
export type Lease = z.infer<typeof Lease>;

/** That the failover pair of a lease has been whole. */
export const PairMark = z.strictObject({ key: VfKey, generation: z.string() });
export type PairMark = z.infer<typeof PairMark>;

/** A record of a lease that cannot be understood: whose the VF is nobody knows, so it is nobody else's to take. */
export const CorruptLease = z.strictObject({
  key: VfKey,
  /** One line, with the name of the file. */
  why: z.string(),
});
export type CorruptLease = z.infer<typeof CorruptLease>;

/** A VF that could not be given back clean: not to be used before somebody has looked. */
export const Quarantine = z.strictObject({
  key: VfKey,
  /** Generation of the lease that it still stands under; empty when the record cannot be understood. */
  generation: z.string(),
  why: z.string(),
  since: z.string(),
});
export type Quarantine = z.infer<typeof Quarantine>;
