// Owns what a PF is to vfleet: its identity, its SR-IOV limits, its links and its VFs.
// Schemas only; nothing here reads or changes a host.

import { z } from 'zod';
import { Vf } from './vf.ts';

export const EswitchMode = z.enum(['legacy', 'switchdev']);
export type EswitchMode = z.infer<typeof EswitchMode>;

/** A network interface of a PF. */
export const Netdev = z.strictObject({
  name: z.string(),
  ifIndex: z.int(),
  mac: z.string().optional(),
  mtu: z.int(),
  /** Largest and smallest MTU the driver takes. */
  minMtu: z.int().optional(),
  maxMtu: z.int().optional(),
  /** Administratively up (IFF_UP). */
  up: z.boolean(),
  /** The port has a link. */
  carrier: z.boolean().optional(),
  /** Absent when the link is down or the driver does not say. */
  speedMbps: z.int().optional(),
  duplex: z.enum(['full', 'half']).optional(),
  /** Name the card gives the port (IFLA_PHYS_PORT_NAME). */
  physPortName: z.string().optional(),
  physPortId: z.string().optional(),
  physSwitchId: z.string().optional(),
  /** Interface this one is enslaved to (bond, bridge, Open vSwitch). */
  master: z.string().optional(),
});
export type Netdev = z.infer<typeof Netdev>;

/** PCIe link; speeds in GT/s per lane, widths in lanes. */
export const PcieLink = z.strictObject({
  currentSpeedGTps: z.number().optional(),
  currentWidth: z.int().optional(),
  maxSpeedGTps: z.number().optional(),
  maxWidth: z.int().optional(),
});
export type PcieLink = z.infer<typeof PcieLink>;

/** The SR-IOV state of a PF: sysfs `sriov_*` and, where readable, the capability in configuration space. */
export const Sriov = z.strictObject({
  totalVfs: z.int(),
  numVfs: z.int(),
  driversAutoprobe: z.boolean().optional(),
  firstVfOffset: z.int().optional(),
  vfStride: z.int().optional(),
  vfDeviceId: z.string().optional(),
  systemPageSizeBytes: z.int().optional(),
  ariCapableHierarchy: z.boolean().optional(),
  vfBars: z
    .array(
      z.strictObject({
        index: z.int(),
        address: z.string(),
        is64Bit: z.boolean(),
        prefetchable: z.boolean(),
      }),
    )
    .optional(),
});
export type Sriov = z.infer<typeof Sriov>;

export const HealthReporter = z.strictObject({
  name: z.string(),
  state: z.enum(['healthy', 'error']),
  errorCount: z.number(),
  recoverCount: z.number(),
});
export type HealthReporter = z.infer<typeof HealthReporter>;

export const DevlinkParameter = z.strictObject({
  name: z.string(),
  /** Value per configuration mode (`runtime`, `driverinit`, `permanent`), as text. */
  values: z.record(z.string(), z.string()),
});
export type DevlinkParameter = z.infer<typeof DevlinkParameter>;

/** What devlink says of the device (include/uapi/linux/devlink.h). */
export const DevlinkFacts = z.strictObject({
  handle: z.string(),
  driver: z.string().optional(),
  serialNumber: z.string().optional(),
  /** Versions by component name: `fixed` cannot change, `running` is active, `stored` is used after a reset. */
  versions: z.strictObject({
    fixed: z.record(z.string(), z.string()),
    running: z.record(z.string(), z.string()),
    stored: z.record(z.string(), z.string()),
  }),
  eswitchMode: EswitchMode.optional(),
  ports: z.array(
    z.strictObject({
      index: z.int(),
      flavour: z.string(),
      netdev: z.string().optional(),
      pfNumber: z.int().optional(),
      vfIndex: z.int().optional(),
      portNumber: z.int().optional(),
    }),
  ),
  healthReporters: z.array(HealthReporter),
  parameters: z.array(DevlinkParameter),
});
export type DevlinkFacts = z.infer<typeof DevlinkFacts>;

/** Counts of PCIe errors since boot (sysfs aer_dev_*, TOTAL_ERR_*). */
export const AerCounters = z.strictObject({
  correctable: z.number().optional(),
  fatal: z.number().optional(),
  nonFatal: z.number().optional(),
});
export type AerCounters = z.infer<typeof AerCounters>;

export const Pf = z.strictObject({
  /** `0000:01:00.0`, or `bus/device` for devices that are not on the PCI bus. */
  address: z.string(),
  vendorId: z.string().optional(),
  deviceId: z.string().optional(),
  subsystemVendorId: z.string().optional(),
  subsystemDeviceId: z.string().optional(),
  driver: z.string().optional(),
  driverVersion: z.string().optional(),
  /** Version of the firmware that runs, in the driver's words. */
  firmware: z.string().optional(),
  numaNode: z.int().optional(),
  iommuGroup: z.int().optional(),
  pcieLink: PcieLink.optional(),
  /** MSI-X vectors of the PF; absent when configuration space cannot be read (not root). */
  msixVectors: z.int().optional(),
  /** Whether the root-most bridges above isolate: ACS controls enabled on the port above; absent when unknown. */
  acsIsolates: z.boolean().optional(),
  aer: AerCounters.optional(),
  temperatureCelsius: z.number().optional(),
  sriov: Sriov,
  /** The PF's own interfaces, the uplink first; representors are not among them. */
  netdevs: z.array(Netdev),
  devlink: DevlinkFacts.optional(),
  vfs: z.array(Vf),
});
export type Pf = z.infer<typeof Pf>;

/** What tells a PF from others, as far as a spec can ask for it. */
export type PfIdentity = Pick<Pf, 'address' | 'vendorId' | 'deviceId' | 'driver' | 'numaNode'> & {
  readonly netdevs: readonly Pick<Netdev, 'name'>[];
};
