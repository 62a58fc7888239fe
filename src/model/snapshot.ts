// Owns the picture of a host at one moment, the versioned JSON that `vfleet snapshot` writes.
// Everything that only reads (plan, doctor, size) takes a Snapshot and nothing else.

import { z } from 'zod';
import { Pf } from './pf.ts';
import { Platform } from './platform.ts';

/** Raised when a field changes its meaning or goes; a new optional field does not raise it. */
export const snapshotVersion = 1;

export const Snapshot = z.strictObject({
  apiVersion: z.literal('vfleet/v1'),
  kind: z.literal('Snapshot'),
  snapshotVersion: z.literal(snapshotVersion),
  /** RFC 3339, UTC. */
  takenAt: z.string(),
  host: z.strictObject({
    name: z.string(),
    kernelRelease: z.string(),
    /** Changes with each boot (/proc/sys/kernel/random/boot_id). */
    bootId: z.string(),
    /** Stable over reboots (/etc/machine-id); absent when there is none. */
    machineId: z.string().optional(),
    numaNodes: z.array(z.int()),
    iommuGroupCount: z.int(),
  }),
  /** What the server is apart from its cards; absent in snapshots of vfleet 0.1 and where only PFs were asked for. */
  platform: Platform.optional(),
  /** By address. */
  pfs: z.array(Pf),
  /** What could not be read and why, for example `PCI configuration space beyond 64 bytes: needs CAP_SYS_ADMIN`. */
  unread: z.array(
    z.strictObject({
      what: z.string(),
      why: z.string(),
      /** Path of the fact in this snapshot, `platform.firmware.dmar`, `pfs.0000:01:00.0.pciePath`. */
      fact: z.string().optional(),
    }),
  ),
});
export type Snapshot = z.infer<typeof Snapshot>;
