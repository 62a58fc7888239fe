// Owns what a simulated server is apart from its cards: processors, memory, firmware, kernel, programs.
// Data only; the files that show it are in tree/, its ACPI tables in acpi-tables.ts.

import type { SimProfile } from './profile.ts';

export interface SimIdleState {
  readonly name: string;
  readonly exitLatencyUs: number;
  readonly disabled?: true;
}

export interface SimPlatform {
  readonly processor: 'intel' | 'amd';
  readonly modelName: string;
  /** vmx or svm is offered; false: switched off in firmware, or a guest without nested virtualisation. */
  readonly virtualisation: boolean;
  /** The machine is a virtual one itself. */
  readonly guest: boolean;
  readonly coresPerNode: number;
  readonly threadsPerCore: 1 | 2;
  /** `isolcpus`, as a list of CPUs: `2-3,8`. */
  readonly isolatedCpus: string;
  /** Absent: the kernel has no cpufreq here, as in a guest. */
  readonly governor: string | undefined;
  readonly idleStates: readonly SimIdleState[];
  readonly memoryMbPerNode: number;
  readonly memoryFreeMbPerNode: number;
  /** On each node. */
  readonly hugepages: readonly { readonly sizeKb: number; readonly total: number; readonly free: number }[];
  readonly dmi: { readonly vendor: string; readonly product: string; readonly version: string } | undefined;
  readonly uefi: boolean;
  readonly secureBoot: boolean;
  readonly lockdown: 'none' | 'integrity' | 'confidentiality';
  readonly tpm: { readonly majorVersion: number; readonly pcrBanks: readonly string[] } | undefined;
  /** VT-d or AMD-Vi is on in firmware: there is a DMAR or IVRS table. Whether the kernel uses it is `iommu` of the profile. */
  readonly firmwareIommu: boolean;
  /** The table's flags, Intel only but for the first. */
  readonly interruptRemapping: boolean;
  readonly x2apicOptOut: boolean;
  readonly dmaProtection: boolean;
  /** What was added to the kernel's command line. */
  readonly kernelParameters: string;
  /** Type of the groups' default domains. */
  readonly iommuDomain: 'DMA' | 'DMA-FQ' | 'identity';
  readonly allowUnsafeInterrupts: boolean;
  readonly noIommuMode: boolean;
  /** Modules that the kernel has inside, and those that are on the disk besides the profile's and the loaded ones. */
  readonly builtinModules: readonly string[];
  readonly moduleFiles: readonly string[];
  /** kvm and its part for the processor are loaded. */
  readonly kvm: boolean;
  /** /dev/iommu is there. */
  readonly iommufd: boolean;
  readonly programs: {
    /** Versions; absent: not installed. */
    readonly qemu?: string;
    readonly libvirt?: string;
    /** What `lldpcli` prints, whatever it is asked; absent: not installed. */
    readonly lldpcli?: string;
  };
  /** Soft limit of locked memory of our process; absent: unlimited. */
  readonly lockedMemoryKb: number | undefined;
}

const intelServer: SimPlatform = {
  processor: 'intel',
  modelName: 'Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz',
  virtualisation: true,
  guest: false,
  coresPerNode: 8,
  threadsPerCore: 2,
  isolatedCpus: '',
  governor: 'performance',
  idleStates: [
    { name: 'POLL', exitLatencyUs: 0 },
    { name: 'C1', exitLatencyUs: 1 },
    { name: 'C1E', exitLatencyUs: 4 },
    { name: 'C6', exitLatencyUs: 170, disabled: true },
  ],
  memoryMbPerNode: 131_072,
  memoryFreeMbPerNode: 98_304,
  hugepages: [
    { sizeKb: 2048, total: 1024, free: 1024 },
    { sizeKb: 1_048_576, total: 32, free: 32 },
  ],
  dmi: { vendor: 'Dell Inc.', product: 'PowerEdge R750', version: '1.13.2' },
  uefi: true,
  secureBoot: false,
  lockdown: 'none',
  tpm: { majorVersion: 2, pcrBanks: ['sha1', 'sha256'] },
  firmwareIommu: true,
  interruptRemapping: true,
  x2apicOptOut: false,
  dmaProtection: false,
  kernelParameters: 'intel_iommu=on iommu=pt',
  iommuDomain: 'identity',
  allowUnsafeInterrupts: false,
  noIommuMode: false,
  builtinModules: ['pci-stub'],
  moduleFiles: [
    'kvm',
    'kvm-intel',
    'kvm-amd',
    'vfio',
    'vfio_iommu_type1',
    'vfio-pci-core',
    'iommufd',
    'net_failover',
    'bonding',
    'igb',
    'igbvf',
    'ixgbe',
    'ixgbevf',
    'i40e',
    'iavf',
    'ice',
    'mlx4_core',
    'mlx5_core',
    'mlx5_ib',
    'bnxt_en',
    'bnxt_re',
    'sfc',
  ],
  kvm: true,
  iommufd: true,
  programs: { qemu: '10.0.2', libvirt: '11.3.0' },
  lockedMemoryKb: undefined,
};

const amdServer: SimPlatform = {
  ...intelServer,
  processor: 'amd',
  modelName: 'AMD EPYC 7543 32-Core Processor',
  idleStates: [
    { name: 'POLL', exitLatencyUs: 0 },
    { name: 'C1', exitLatencyUs: 1 },
    { name: 'C2', exitLatencyUs: 400, disabled: true },
  ],
  dmi: { vendor: 'Supermicro', product: 'AS -2024US-TRT', version: '2.7' },
  kernelParameters: 'iommu=pt',
};

/** The whole platform of a profile: an Intel server, or an AMD one, where the profile says nothing else. */
export function platformOf(profile: SimProfile): SimPlatform {
  const own = profile.platform ?? {};
  const usual = own.processor === 'amd' ? amdServer : intelServer;
  const withoutIommu = profile.iommu ? {} : { kernelParameters: '', firmwareIommu: false };
  return { ...usual, ...withoutIommu, ...own };
}

/** Names of the IOMMU units that the kernel uses, one for each node. */
export function iommuUnitsOf(profile: SimProfile): readonly string[] {
  const prefix = platformOf(profile).processor === 'intel' ? 'dmar' : 'ivhd';
  return profile.iommu ? profile.numaNodes.map((_, index) => `${prefix}${index}`) : [];
}

/** CPUs of the node at a place in the list: of each core the first thread, then the second threads. */
export function cpusOfNode(profile: SimProfile, index: number): readonly (readonly number[])[] {
  const { coresPerNode, threadsPerCore } = platformOf(profile);
  const coreCount = coresPerNode * profile.numaNodes.length;
  return Array.from({ length: coresPerNode }, (_, core) =>
    Array.from({ length: threadsPerCore }, (__, thread) => thread * coreCount + index * coresPerNode + core),
  );
}

export function cpuCountOf(profile: SimProfile): number {
  const { coresPerNode, threadsPerCore } = platformOf(profile);
  return coresPerNode * threadsPerCore * profile.numaNodes.length;
}
