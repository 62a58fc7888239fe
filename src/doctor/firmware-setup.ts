// Owns what the big vendors call the entries of their firmware set-up (BIOS, UEFI) that SR-IOV needs.
// Names change with generations: where a vendor has several, the one of its current servers stands here.

interface SetupEntry {
  readonly dell: string;
  readonly hpe: string;
  readonly lenovo: string;
  readonly supermicro: string;
}

/** Entries by what they switch. Written `Menu > entry`. */
const entries = {
  virtualisation: {
    dell: 'Processor Settings > Virtualization Technology',
    hpe: 'Virtualization Options > Intel(R) Virtualization Technology (AMD: AMD Virtualization Technology)',
    lenovo: 'Processors > Intel Virtualization Technology (AMD: SVM Mode)',
    supermicro: 'CPU Configuration > Intel Virtualization Technology (AMD: SVM Mode)',
  },
  iommu: {
    dell: 'Processor Settings > Virtualization Technology (AMD: also IOMMU Support)',
    hpe: 'Virtualization Options > Intel(R) VT-d (AMD: AMD I/O Virtualization Technology)',
    lenovo: 'Devices and I/O Ports > Intel VT for Directed I/O (VT-d) (AMD: IOMMU)',
    supermicro:
      'Chipset Configuration > North Bridge > IIO Configuration > Intel VT for Directed I/O (VT-d) (AMD: NB Configuration > IOMMU)',
  },
  interruptRemapping: {
    dell: 'Processor Settings > Virtualization Technology and x2APIC Mode',
    hpe: 'Virtualization Options > Intel(R) VT-d, and Processor Options > Processor x2APIC Support',
    lenovo: 'Devices and I/O Ports > Intel VT for Directed I/O (VT-d) > Interrupt Remapping',
    supermicro: 'IIO Configuration > Intel VT for Directed I/O (VT-d) > Interrupt Remapping',
  },
  x2apic: {
    dell: 'Processor Settings > x2APIC Mode',
    hpe: 'Processor Options > Processor x2APIC Support',
    lenovo: 'Processors > X2APIC',
    supermicro: 'CPU Configuration > Extended APIC (AMD: Local APIC Mode)',
  },
  sriov: {
    dell: 'Integrated Devices > SR-IOV Global Enable',
    hpe: 'Virtualization Options > SR-IOV',
    lenovo: 'Devices and I/O Ports > SRIOV',
    supermicro: 'PCIe/PCI/PnP Configuration > SR-IOV Support',
  },
  memoryAbove4g: {
    dell: 'Integrated Devices > Memory Mapped I/O above 4GB',
    hpe: 'PCIe Device Configuration > Advanced PCIe Configuration > PCIe MMIO above 4 GB (on by itself on Gen10 and later)',
    lenovo: 'Devices and I/O Ports > PCI 64-Bit Resource Allocation (and MM Config Base)',
    supermicro: 'PCIe/PCI/PnP Configuration > Above 4G Decoding (and MMIO High Size)',
  },
  acs: {
    dell: 'Processor Settings > Virtualization Technology',
    hpe: 'Virtualization Options > Access Control Service',
    lenovo: 'Devices and I/O Ports > ACS Control',
    supermicro:
      'IIO Configuration > Intel VT for Directed I/O (VT-d) > ACS Control (AMD: NB Configuration > ACS Enable)',
  },
  ari: {
    dell: 'Integrated Devices > SR-IOV Global Enable',
    hpe: 'Virtualization Options > SR-IOV',
    lenovo: 'Devices and I/O Ports > ARI Support',
    supermicro: 'PCIe/PCI/PnP Configuration > ARI Support',
  },
  performance: {
    dell: 'System Profile Settings > System Profile: Performance',
    hpe: 'Workload Profile > Virtualization - Max Performance',
    lenovo: 'Operating Modes > Choose Operating Mode: Maximum Performance',
    supermicro:
      'CPU Configuration > Advanced Power Management Configuration > Power Technology and CPU C State Control',
  },
  tpm: {
    dell: 'System Security > TPM Security',
    hpe: 'Server Security > Trusted Platform Module Options',
    lenovo: 'Security > Trusted Platform Module (TPM 2.0)',
    supermicro: 'Trusted Computing > Security Device Support (and SHA256 PCR Bank)',
  },
  secureBoot: {
    dell: 'System Security > Secure Boot',
    hpe: 'Server Security > Secure Boot Settings > Attempt Secure Boot',
    lenovo: 'Security > Secure Boot Configuration > Secure Boot Setting',
    supermicro: 'Security > Secure Boot',
  },
  linkSpeed: {
    dell: 'Integrated Devices > Slot Bifurcation, and the link speed of the slot',
    hpe: 'PCIe Device Configuration > slot > PCIe Link Speed, and PCIe Bifurcation Options',
    lenovo: 'Devices and I/O Ports > PCIe Gen Speed Selection, and Slot Bifurcation',
    supermicro: 'IIO Configuration > CPU Configuration > port > Link Speed, and IOU bifurcation',
  },
  payload: {
    dell: 'none: the kernel sets it',
    hpe: 'PCIe Device Configuration > Advanced PCIe Configuration > Maximum PCI Express Payload',
    lenovo: 'none: the kernel sets it',
    supermicro: 'PCIe/PCI/PnP Configuration > Maximum Payload',
  },
  device: {
    dell: 'Device Settings > the card > Device Level Configuration > Virtualization Mode: SR-IOV',
    hpe: 'System Configuration > the card > Device Level Configuration > Virtualization Mode: SR-IOV',
    lenovo: 'System Settings > Network > the card > Device Level Configuration > Virtualization Mode: SR-IOV',
    supermicro: 'Advanced > the card > Device Level Configuration > Multi-Function Mode: SR-IOV',
  },
} as const satisfies Record<string, SetupEntry>;

export type SetupEntryName = keyof typeof entries;

/** Every name that {@link nameSetupEntry} takes. */
export const setupEntryNames = Object.keys(entries) as readonly SetupEntryName[];

const vendorNames = { dell: 'Dell', hpe: 'HPE', lenovo: 'Lenovo', supermicro: 'Supermicro' } as const;
type Vendor = keyof typeof vendorNames;

/** Vendors whose names of entries are known. */
export const setupVendors: readonly string[] = Object.values(vendorNames);

/** The vendor behind a DMI text (`Dell Inc.`, `HPE`, `Supermicro`); undefined for any other. */
function vendorOf(dmi: string | undefined): Vendor | undefined {
  if (dmi === undefined) return undefined;
  if (/^dell/i.test(dmi)) return 'dell';
  if (/^(?:hpe?|hewlett)\b/i.test(dmi)) return 'hpe';
  if (/^(?:lenovo|ibm)/i.test(dmi)) return 'lenovo';
  return /^super\s?micro/i.test(dmi) ? 'supermicro' : undefined;
}

/**
 * Where an entry of the firmware set-up is: as this server's vendor calls it, or as each of the four does when `dmi` is
 * undefined or another vendor's.
 */
export function nameSetupEntry(name: SetupEntryName, dmi?: string): string {
  const entry = entries[name];
  const vendor = vendorOf(dmi);
  if (vendor !== undefined) return `firmware set-up (${vendorNames[vendor]}): ${entry[vendor]}`;
  const all = (Object.keys(vendorNames) as Vendor[]).map((each) => `${vendorNames[each]}: ${entry[each]}`);
  return `firmware set-up: ${all.join('; ')}`;
}
