// Owns what a VF is to vfleet: its settings on the PF side, and who uses it.
// Schemas only; nothing here reads or changes a host.

import { z } from 'zod';

/** How the VF's link follows the PF's (enum in include/uapi/linux/if_link.h, IFLA_VF_LINK_STATE_*). */
export const LinkState = z.enum(['auto', 'enable', 'disable']);
export type LinkState = z.infer<typeof LinkState>;

export const VlanProtocol = z.enum(['802.1Q', '802.1ad']);
export type VlanProtocol = z.infer<typeof VlanProtocol>;

/**
 * What the PF driver holds for one VF. A field is absent when the kernel does not report it; absent is not zero.
 * Rates are in Mbit/s, 0 means unlimited. `vlan` 0 means untagged. `mac` 00:00:00:00:00:00 means that none is set.
 */
export const VfSettings = z.strictObject({
  mac: z.string().optional(),
  vlan: z.int().optional(),
  qos: z.int().optional(),
  vlanProtocol: VlanProtocol.optional(),
  minTxRateMbps: z.int().optional(),
  maxTxRateMbps: z.int().optional(),
  spoofCheck: z.boolean().optional(),
  trust: z.boolean().optional(),
  linkState: LinkState.optional(),
});
export type VfSettings = z.infer<typeof VfSettings>;
export type VfSettingName = keyof VfSettings;

/**
 * Who uses a VF.
 * - `netdev`: the host's own network stack, through a network interface with an address, a master or an upper device;
 *   `why` says which.
 * - `netns`: its network interface lives in another network namespace (`netns` is its name or `inode N`).
 * - `vfio`: a process has the VF's vfio group or device open.
 * - `vm`: a virtual machine has it.
 * `pid` is absent when no single process is behind it.
 */
export const VfHolder = z.strictObject({
  kind: z.enum(['netdev', 'netns', 'vfio', 'vm']),
  name: z.string(),
  pid: z.int().optional(),
  why: z.string().optional(),
});
export type VfHolder = z.infer<typeof VfHolder>;

/** Counters of a VF as the PF driver gives them; some drivers give zeros for all (field.md: absent is not zero). */
export const VfStatistics = z.strictObject({
  rxPackets: z.number().optional(),
  txPackets: z.number().optional(),
  rxBytes: z.number().optional(),
  txBytes: z.number().optional(),
  broadcast: z.number().optional(),
  multicast: z.number().optional(),
  rxDropped: z.number().optional(),
  txDropped: z.number().optional(),
});
export type VfStatistics = z.infer<typeof VfStatistics>;

export const Vf = z.strictObject({
  index: z.int().min(0),
  /** PCI address; absent for VFs of devices that are not on the PCI bus. */
  address: z.string().optional(),
  /** 16-bit requester ID from the SR-IOV capability's offset and stride. */
  requesterId: z.int().optional(),
  /** Set when the computed requester ID and the `virtfnN` link disagree, or one of them is missing. */
  requesterIdConflict: z.string().optional(),
  vendorId: z.string().optional(),
  deviceId: z.string().optional(),
  /** Bound driver; absent when none is. */
  driver: z.string().optional(),
  driverOverride: z.string().optional(),
  iommuGroup: z.int().optional(),
  numaNode: z.int().optional(),
  /** Interface of the VF in our network namespace. */
  netdev: z.string().optional(),
  /** Hardware address of that interface, which can differ from the one set on the PF. */
  netdevMac: z.string().optional(),
  /** MTU of that interface. */
  netdevMtu: z.int().optional(),
  /** Interface that stands for the VF on the host in switchdev mode. */
  representor: z.string().optional(),
  settings: VfSettings,
  statistics: VfStatistics.optional(),
  holders: z.array(VfHolder),
});
export type Vf = z.infer<typeof Vf>;
