// Owns the shape of a row of the NIC catalogue. Every row, and every fact in it that has another origin, names its
// source: a file of the Linux kernel, a datasheet, a vendor's manual. A fact without a source is not in the catalogue.
// Holds no data; nothing here reads a host.

import { z } from 'zod';

/** A PCI ID: four lower-case hexadecimal digits. */
export const PciId = z.string().regex(/^[0-9a-f]{4}$/);

/** Where a fact can be looked up: path in the Linux tree, title of a document, address of a page. */
const Source = z.string().min(4);

/**
 * A switch in the card's firmware, and the exact command that turns it; vfleet never does. Switches of a card with the
 * same purpose are alternatives (another tool for the same thing): one of each purpose is to be done.
 */
export const FirmwareSwitch = z.strictObject({
  /** As the tool names it: `SRIOV_EN`, `enable_sriov`. */
  name: z.string().min(1),
  /** What it decides; `enables-sriov` sets the number of VFs as well where no switch of the card has that purpose. */
  purpose: z.enum(['enables-sriov', 'sets-vf-count']),
  /** Program that turns it; `kernel` when the kernel does so through devlink. */
  tool: z.string().min(1),
  /** The whole command; `PF` stands for the PF's PCI address, `COUNT` for the number of VFs, other capitals are explained in `notes`. */
  command: z.string().min(1),
  /** When it takes effect. */
  takesEffect: z.enum(['at-once', 'reset', 'reboot', 'power-cycle']),
  notes: z.string().optional(),
  source: Source,
});
export type FirmwareSwitch = z.infer<typeof FirmwareSwitch>;

/** A fact that surprises people, in one sentence. */
export const Quirk = z.strictObject({ text: z.string().min(10), source: Source });
export type Quirk = z.infer<typeof Quirk>;

export const RdmaProtocol = z.enum(['roce', 'iwarp', 'infiniband']);
export type RdmaProtocol = z.infer<typeof RdmaProtocol>;

export const Card = z.strictObject({
  vendorId: PciId,
  /** Device ID of the PF that has the SR-IOV capability. */
  deviceId: PciId,
  /** The row is for cards with this subsystem only; absent: for every card with the device ID. */
  subsystem: z.strictObject({ vendorId: PciId, deviceId: PciId }).optional(),
  name: z.string().min(3),
  pfDriver: z.string().min(2),
  /** Driver of the VFs, in the host or in a guest. */
  vfDriver: z.string().min(2),
  vfDeviceId: PciId,
  /** Where IDs, names and drivers come from. */
  source: Source,
  /** Most VFs; absent: not known from a source, the card says it. */
  vfs: z
    .strictObject({
      /** Of one PF. Absent: only the limit of the device is known. */
      perPf: z.int().positive().optional(),
      /** Of all PFs of the card together, where they share a limit. */
      perDevice: z.int().positive().optional(),
      /** The number in the card's firmware decides; it may be lower. */
      setByFirmware: z.boolean().optional(),
      source: Source,
    })
    .optional(),
  /** What the card, with this subsystem if the row has one, has of ports. */
  ports: z
    .strictObject({
      /** Absent: cards with one and with more ports have the same ID. */
      count: z.int().positive().optional(),
      /** Speeds of a port in Mb/s, from slow to fast. */
      speedsMbps: z.array(z.int().positive()).min(1),
      source: Source,
    })
    .optional(),
  /** The link that the card can have at most. */
  pcie: z
    .strictObject({ generation: z.int().min(1).max(6), lanes: z.int().positive(), source: Source })
    .optional(),
  /** What one VF has at most. */
  perVf: z
    .strictObject({
      msixVectors: z.int().positive().optional(),
      queuePairs: z.int().positive().optional(),
      source: Source,
    })
    .optional(),
  /** The card can show several PFs (partitions) on one physical port. Absent: not known. */
  npar: z
    .strictObject({
      partitionsPerDevice: z.int().positive().optional(),
      /** Device ID of a partition, where it differs from the PF's. */
      partitionDeviceIds: z.array(PciId).optional(),
      source: Source,
    })
    .optional(),
  /** Absent: no RDMA that Linux knows of. */
  rdma: z
    .strictObject({ protocols: z.array(RdmaProtocol).min(1), driver: z.string(), source: Source })
    .optional(),
  firmwareSwitches: z.array(FirmwareSwitch),
  quirks: z.array(Quirk),
});
export type Card = z.infer<typeof Card>;
