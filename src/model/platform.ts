// Owns what a server is to SR-IOV, apart from its cards: processors, memory, firmware, IOMMU, kernel, programs.
// Schemas only; nothing here reads or changes a host. A fact that could not be read is absent, and in the snapshot's
// `unread` under its path here (`platform.firmware.dmar`).

import { z } from 'zod';

export const Processors = z.strictObject({
  vendor: z.enum(['intel', 'amd', 'other']),
  /** As /proc/cpuinfo writes it. */
  modelName: z.string().optional(),
  /** The extension for virtual machines that the processor offers; `none` also when firmware has it switched off. */
  virtualisation: z.enum(['vmx', 'svm', 'none']),
  /** Runs inside a virtual machine (the `hypervisor` flag). */
  isGuest: z.boolean(),
  onlineCount: z.int(),
  /** CPUs kept free of other work (`isolcpus`), by number. */
  isolated: z.array(z.int()),
  /** Frequency governors in use, each once; empty where the kernel has no cpufreq. */
  governors: z.array(z.string()),
  /** The idle state with the longest way back that is not disabled. */
  deepestIdle: z.strictObject({ name: z.string(), exitLatencyUs: z.int() }).optional(),
});
export type Processors = z.infer<typeof Processors>;

export const NumaNode = z.strictObject({
  node: z.int(),
  /** Online CPUs, grouped by core: threads of one core stand together. */
  cores: z.array(z.array(z.int())),
  /** Physical package of the node's first CPU. */
  socket: z.int().optional(),
  memoryTotalMb: z.int().optional(),
  memoryFreeMb: z.int().optional(),
  hugepages: z.array(z.strictObject({ sizeKb: z.int(), total: z.int(), free: z.int() })),
});
export type NumaNode = z.infer<typeof NumaNode>;

/** ACPI DMAR, Intel VT-d specification 8.1. */
export const Dmar = z.strictObject({
  interruptRemapping: z.boolean(),
  x2apicOptOut: z.boolean(),
  dmaProtection: z.boolean(),
  /** Remapping hardware units (DRHD). */
  unitCount: z.int(),
});
export type Dmar = z.infer<typeof Dmar>;

/** ACPI IVRS, AMD IOMMU specification 5.2. */
export const Ivrs = z.strictObject({ unitCount: z.int() });
export type Ivrs = z.infer<typeof Ivrs>;

export const Firmware = z.strictObject({
  /** DMI: `Dell Inc.`, `PowerEdge R740`, and the version of BIOS or UEFI. */
  vendor: z.string().optional(),
  product: z.string().optional(),
  version: z.string().optional(),
  uefi: z.boolean(),
  /** Names of the ACPI tables that are there; absent where the kernel does not list them. */
  acpiTables: z.array(z.string()).optional(),
  dmar: Dmar.optional(),
  ivrs: Ivrs.optional(),
  secureBoot: z.boolean().optional(),
  tpm: z
    .strictObject({
      majorVersion: z.int().optional(),
      /** Hash algorithms of the banks of PCRs: `sha1`, `sha256`. */
      pcrBanks: z.array(z.string()),
    })
    .optional(),
});
export type Firmware = z.infer<typeof Firmware>;

export const IommuGroup = z.strictObject({
  id: z.int(),
  /** Type of its default domain: `DMA`, `DMA-FQ`, `identity`, `blocked`, `auto`; absent on kernels before 5.11. */
  domain: z.string().optional(),
  /** Addresses of its devices. */
  devices: z.array(z.string()),
});
export type IommuGroup = z.infer<typeof IommuGroup>;

export const Iommu = z.strictObject({
  /** /sys/class/iommu: `dmar0`, `ivhd0`, `smmu3.0x...`. */
  units: z.array(z.string()),
  groups: z.array(IommuGroup),
  /** Interrupts go through remapping: chip names in /proc/interrupts begin with `IR-`. Absent: no PCI interrupt yet. */
  interruptRemapping: z.boolean().optional(),
  /** vfio_iommu_type1 takes devices without interrupt remapping; absent when the module is not loaded. */
  allowUnsafeInterrupts: z.boolean().optional(),
  /** vfio takes devices without any IOMMU; absent when the module is not loaded or cannot. */
  noIommuMode: z.boolean().optional(),
  /** /dev/iommu is there. */
  iommufd: z.boolean(),
});
export type Iommu = z.infer<typeof Iommu>;

/** `builtin`, `loaded`, on disk (`available`) or not there (`absent`). */
export const ModuleState = z.enum(['builtin', 'loaded', 'available', 'absent']);
export type ModuleState = z.infer<typeof ModuleState>;

export const KernelFacts = z.strictObject({
  /** /proc/cmdline. */
  commandLine: z.string(),
  lockdown: z.enum(['none', 'integrity', 'confidentiality']).optional(),
  /** Modules that SR-IOV needs, by name: drivers of the PFs and of their VFs, vfio-pci, kvm and so on. */
  modules: z.record(z.string(), ModuleState),
});
export type KernelFacts = z.infer<typeof KernelFacts>;

export const Programs = z.strictObject({
  /** Versions as the programs say them, `10.0.2`; absent: not installed. */
  qemu: z.string().optional(),
  libvirt: z.string().optional(),
  /** lldpd answers. */
  lldp: z.boolean(),
});
export type Programs = z.infer<typeof Programs>;

export const Platform = z.strictObject({
  /** /dev/kvm is there. */
  kvm: z.boolean(),
  processors: Processors,
  numa: z.array(NumaNode),
  firmware: Firmware,
  iommu: Iommu,
  kernel: KernelFacts,
  programs: Programs,
  /** Soft limit of locked memory of our own process, KB; absent: unlimited. */
  lockedMemoryKb: z.int().optional(),
});
export type Platform = z.infer<typeof Platform>;
