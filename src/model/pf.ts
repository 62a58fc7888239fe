// Owns what a PF is to vfleet: its identity, its SR-IOV limits, its links and its VFs.
// Schemas only; nothing here reads or changes a host.

import { z } from 'zod';
import { PcieDevice, PcieLink } from './pcie.ts';
import { Vf } from './vf.ts';

export const EswitchMode = z.enum(['legacy', 'switchdev']);
export type EswitchMode = z.infer<typeof EswitchMode>;

/** The neighbour on a port, by LLDP (IEEE 802.1AB). */
export const LldpNeighbour = z.strictObject({
  chassis: z.string().optional(),
  port: z.string().optional(),
  /** Largest frame that the port takes, with its header (IEEE 802.3 organisational TLV). */
  maxFrameBytes: z.int().optional(),
  vlans: z.array(z.int()),
});
export type LldpNeighbour = z.infer<typeof LldpNeighbour>;

/** An RDMA device of a PF, by its name in /sys/class/infiniband. */
export const RdmaDevice = z.strictObject({
  name: z.string(),
  linkLayer: z.string().optional(),
  /** Path MTU that is in use: 256 to 4096. */
  activeMtuBytes: z.int().optional(),
});
export type RdmaDevice = z.infer<typeof RdmaDevice>;

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
  /** Kind of that interface (IFLA_INFO_KIND): `bond`, `bridge`, `openvswitch`. */
  masterKind: z.string().optional(),
  /** The host's own default route goes out here, or over an interface on top of it. */
  defaultRoute: z.boolean().optional(),
  /** What the other end of the cable announces (lldpd). */
  lldp: LldpNeighbour.optional(),
  /** Priorities with flow control (IEEE 802.1Qbb, dcbnl); absent: the driver has no DCB. */
  flowControlPriorities: z.array(z.int()).optional(),
});
export type Netdev = z.infer<typeof Netdev>;

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
  /** TotalVFs of the SR-IOV capability, where configuration space can be read; a driver may allow fewer. */
  capabilityTotalVfs: z.int().optional(),
  /** VFs that devlink says the device can make, where it says it. */
  devlinkTotalVfs: z.int().optional(),
  /** MSI-X vectors that VFs can share out (sysfs `sriov_vf_total_msix`); absent when the driver has no such pool. */
  vfTotalMsix: z.int().optional(),
  /** Vectors of one VF, from its own configuration space. */
  msixPerVf: z.int().optional(),
  vfBars: z
    .array(
      z.strictObject({
        index: z.int(),
        address: z.string(),
        is64Bit: z.boolean(),
        prefetchable: z.boolean(),
        /** Address space that one VF takes, when the kernel shows it (sysfs `resource`). */
        sizeBytes: z.number().optional(),
        /** Whether address space was assigned; false: no VF can be made. */
        assigned: z.boolean().optional(),
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
  /** The card and every bridge above it, up to the root port. Absent for devices that are not on the PCI bus. */
  pciePath: z.array(PcieDevice).optional(),
  /** Ways to reset the function, in the kernel's order (sysfs `reset_method`): `flr`, `af_flr`, `pm`, `bus`. */
  resetMethods: z.array(z.string()).optional(),
  /** Product name and part number from the vital product data. */
  vpd: z.strictObject({ product: z.string().optional(), partNumber: z.string().optional() }).optional(),
  /** Physical slot, where firmware names it. */
  slot: z.string().optional(),
  rdma: z.array(RdmaDevice).optional(),
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
