// Owns the form of a profile: what a simulated host is made of, and how its cards and their drivers behave.
// Data only; the behaviour itself is in host.ts and vf-change.ts, the rows are in profiles/.

import type { VfInfoSettings } from '../kernel/rtnetlink/vf-info.ts';
import type { SimPlatform } from './platform.ts';

/** Attributes of a VF that the PF driver takes, as IFLA_VF_* groups them. */
export type VfAttribute = 'mac' | 'vlan' | 'rate' | 'spoofCheck' | 'linkState' | 'rssQuery' | 'trust';

/** How the PF driver treats its VFs' settings. */
export interface SimVfRules {
  /** Attributes that the driver implements; the others are refused with EOPNOTSUPP. */
  readonly supported: readonly VfAttribute[];
  /** What the driver reports for a new VF; what is absent it never reports. */
  readonly initial: VfInfoSettings;
  /** Tag protocols other than 802.1Q; the driver answers EPROTONOSUPPORT where this is absent. */
  readonly stackedVlan?: true;
  /** The driver takes a minimum rate above 0; EINVAL where this is absent. */
  readonly minTxRate?: true;
  /** Rates are refused with EINVAL while the port has no link. */
  readonly rateNeedsLink?: true;
  /** Lowest maximum rate in Mbit/s above 0; lower ones are refused with EINVAL. */
  readonly lowestMaxTxRateMbps?: number;
  /** Rates above the port's speed are taken. */
  readonly rateUnbounded?: true;
  /** Attributes that are accepted and then not kept. */
  readonly notKept?: readonly VfAttribute[];
  /** After a VF was made, its settings are refused with this errno for so long. */
  readonly unready?: { readonly errno: string; readonly durationMs: number };
  /** Errno for a setting of a VF while there is none at all, where it is not EINVAL. */
  readonly withoutVfs?: Partial<Record<VfAttribute, string>>;
  /** The VF list shows the address that the VF's driver chose when none was set on the PF. */
  readonly reportsGuestMac?: true;
  /**
   * A VF's driver reaches the PF's only while the PF is up: otherwise it takes a random address, which the PF does not
   * learn, and not the one that was set for it (igbvf: "PF still in reset state").
   */
  readonly vfNeedsPfUp?: true;
  /** A new address reaches the VF's interface without its driver being loaded again. */
  readonly macReachesVf?: true;
  /** Attributes that are refused with EOPNOTSUPP in switchdev mode. */
  readonly refusedInSwitchdev?: readonly VfAttribute[];
  /** The driver counts packets of VFs; where absent the kernel's zeros are shown. */
  readonly counts?: true;
}

/** A VF BAR: one VF's share of it. */
export interface SimVfBar {
  readonly index: number;
  readonly sizeBytes: number;
  readonly is64Bit: boolean;
  readonly prefetchable: boolean;
}

/** What makes a card a PCI device. IDs are four lower-case hex digits. */
export interface SimPciCard {
  readonly vendorId: string;
  readonly deviceId: string;
  readonly vfDeviceId: string;
  readonly subsystemVendorId: string;
  readonly subsystemDeviceId: string;
  readonly revision: number;
  readonly linkSpeedGTps: number;
  readonly linkWidth: number;
  readonly msixVectors: number;
  readonly vfMsixVectors: number;
  readonly vfBars: readonly SimVfBar[];
  /** The device has several PFs. */
  readonly multifunction?: true;
  /** Absent: the card has no vital product data. */
  readonly vpd?: { readonly product: string; readonly partNumber: string };
  /** How a VF can be reset, in the kernel's order; absent: by a function-level reset alone. */
  readonly vfResetMethods?: readonly string[];
  /** Vectors that the driver can share out among VFs; absent: it has no such pool. */
  readonly vfTotalMsix?: number;
}

/** What devlink says of the card. */
export interface SimDevlink {
  readonly serialNumber: string;
  readonly fixed: Readonly<Record<string, string>>;
  readonly running: Readonly<Record<string, string>>;
  readonly stored: Readonly<Record<string, string>>;
  readonly healthReporters: readonly string[];
  readonly parameters: readonly SimDevlinkParameter[];
}

export interface SimDevlinkParameter {
  readonly name: string;
  readonly generic?: true;
  readonly value: boolean | number | string;
  /** Width of a number in bits. */
  readonly bits?: 8 | 16 | 32;
  readonly mode: 'runtime' | 'driverinit' | 'permanent';
}

/**
 * When the card changes between legacy and switchdev: at any time, only without VFs (EOPNOTSUPP otherwise), or only
 * while no driver has a VF (EBUSY otherwise).
 */
export type SimEswitchRule = 'any-time' | 'without-vfs' | 'vfs-unbound';

export interface SimCard {
  readonly model: string;
  readonly driver: string;
  /** The driver that VFs get by themselves; undefined when VFs are no devices of their own. */
  readonly vfDriver?: string;
  /** Text of ETHTOOL_GDRVINFO; absent: the kernel's release, as drivers without a version of their own say. */
  readonly driverVersion?: string;
  readonly firmware: string;
  readonly pci?: SimPciCard;
  readonly totalVfs: number;
  /** TotalVFs of the SR-IOV capability where it is not what the driver allows. */
  readonly capabilityVfs?: number;
  /** ethtool tells the speed also while there is no link. */
  readonly speedWithoutLink?: true;
  readonly speedMbps: number;
  readonly minMtu: number;
  readonly maxMtu: number;
  readonly vfMaxMtu: number;
  readonly rules: SimVfRules;
  readonly devlink?: SimDevlink;
  readonly eswitch?: SimEswitchRule;
  /** VFs that are made again have the settings of those that were there before. */
  readonly remembersVfs?: true;
  /** VFs with their usual driver are devlink devices, too. */
  readonly vfDevlink?: true;
  /** `sriov_numvfs` is accepted and does nothing while the PF's interface is down. */
  readonly needsPfUp?: true;
  /** Time that one VF takes while `sriov_numvfs` is written, without and with the probe of its driver. */
  readonly vfCreationMs: number;
  readonly vfProbeMs: number;
  /** The VF's interface appears so long after its driver was bound. */
  readonly vfNetdevDelayMs?: number;
  /** A new VF gets its driver so long after it was made: udev loads the module. */
  readonly vfDriverDelayMs?: number;
  readonly temperatureCelsius?: number;
  readonly aer?: true;
  /** The driver names its ports (IFLA_PHYS_PORT_NAME) and its switch. */
  readonly namesPorts?: true;
}

/** A PF of the host; several may be of one card. */
export interface SimPfProfile {
  /** PCI address, or `bus/device`. */
  readonly address: string;
  readonly card: SimCard;
  /** Address of the root port above; absent for devices that are not on the PCI bus. */
  readonly rootPort?: string;
  readonly numaNode?: number;
  readonly netdev: string;
  /** Names of VF interfaces are this and the index. */
  readonly vfNetdevPrefix: string;
  readonly mac: string;
  readonly up: boolean;
  /** Number of the port on the card. */
  readonly port: number;
  readonly firstVfOffset: number;
  readonly vfStride: number;
  /** VFs that are there when the host starts, with their usual driver. */
  readonly initialVfs?: number;
  /** IFLA_PHYS_PORT_ID and IFLA_PHYS_SWITCH_ID in hex, where the driver names them in legacy mode: several PFs of one port. */
  readonly physPortId?: string;
  readonly physSwitchId?: string;
  /** Name of its RDMA device. */
  readonly rdma?: string;
  /** Priorities with flow control; absent: the driver has no data center bridging. */
  readonly flowControlPriorities?: readonly number[];
  /** Firmware found no place for the VF BARs: no VF can be made. */
  readonly withoutVfSpace?: true;
}

export interface SimRootPort {
  readonly address: string;
  readonly vendorId: string;
  readonly deviceId: string;
  readonly secondaryBus: number;
  readonly subordinateBus: number;
  readonly linkSpeedGTps: number;
  readonly linkWidth: number;
  readonly numaNode?: number;
  /** Access Control Services are there and on. */
  readonly acs: boolean;
  /** Name of the physical slot behind it; absent: firmware names none. */
  readonly slot?: string;
}

/** An interface on top of others: a bond or bridge of members, a VLAN on a lower one. */
export interface SimUpperLink {
  readonly name: string;
  /** IFLA_INFO_KIND. */
  readonly kind: string;
  readonly mac: string;
  readonly members?: readonly string[];
  readonly lower?: string;
  readonly addresses?: readonly string[];
}

/** A network card without SR-IOV, which every tool has to pass over. */
export interface SimPlainNic {
  readonly address: string;
  readonly rootPort: string;
  readonly vendorId: string;
  readonly deviceId: string;
  readonly driver: string;
  readonly netdev: string;
  readonly mac: string;
  readonly speedMbps: number;
  readonly numaNode?: number;
}

export interface SimProfile {
  readonly name: string;
  /** One line for the table of profiles. */
  readonly title: string;
  readonly hostName: string;
  readonly kernelRelease: string;
  readonly numaNodes: readonly number[];
  /** Whether there are IOMMU groups. */
  readonly iommu: boolean;
  readonly rootPorts: readonly SimRootPort[];
  readonly pfs: readonly SimPfProfile[];
  readonly plainNics: readonly SimPlainNic[];
  readonly upperLinks?: readonly SimUpperLink[];
  /** Interface of the default route; absent: the first plain card, if there is one. */
  readonly defaultRoute?: string;
  /** PCI drivers whose modules are on the disk and loaded on request; those of the cards are loaded at boot. */
  readonly modules: readonly string[];
  /** Where the server is not the usual one (platform.ts, `platformOf`). */
  readonly platform?: Partial<SimPlatform>;
}
