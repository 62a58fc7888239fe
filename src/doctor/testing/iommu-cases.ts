// Owns one way to bring about each kind of finding about the IOMMU: what to break, and what the finding then says.

import type { Cases } from './case.ts';
import { commandLine, dropIommu, notRead, pfOf, platform, platformOf, unread } from './case.ts';

export const iommuCases: Cases<'iommu'> = {
  'iommu.unread': { breakIt: unread('platform.firmware.dmar'), says: notRead },
  'iommu.firmware.off': {
    breakIt: (host) => {
      dropIommu(host);
      platformOf(host).firmware.acpiTables = ['APIC', 'FACP'];
      delete platformOf(host).firmware.dmar;
      platformOf(host).iommu.interruptRemapping = false;
    },
    says: /neither DMAR nor IVRS/,
  },
  'iommu.dma-remapping.off': {
    breakIt: (host) => {
      dropIommu(host);
      platformOf(host).kernel.commandLine = 'ro quiet';
    },
    says: /firmware offers DMAR, but the kernel has no IOMMU group/,
  },
  'iommu.interrupt-remapping.off': {
    breakIt: platform((each) => (each.iommu.interruptRemapping = false)),
    says: /do not go through chips named IR-/,
  },
  'iommu.interrupt-remapping.bypassed': {
    breakIt: platform((each) => {
      each.iommu.interruptRemapping = false;
      each.iommu.allowUnsafeInterrupts = true;
    }),
    says: /allow_unsafe_interrupts is Y/,
  },
  'iommu.unsafe-interrupts.allowed': {
    breakIt: platform((each) => (each.iommu.allowUnsafeInterrupts = true)),
    says: /though interrupts are remapped/,
  },
  'iommu.no-iommu-mode.on': {
    breakIt: platform((each) => (each.iommu.noIommuMode = true)),
    says: /enable_unsafe_noiommu_mode/,
  },
  'iommu.dmar.no-interrupt-remapping': {
    breakIt: platform(({ firmware, iommu }) => {
      if (firmware.dmar !== undefined) firmware.dmar.interruptRemapping = false;
      iommu.interruptRemapping = false;
    }),
    says: /INTR_REMAP .* clear/,
    also: ['iommu.interrupt-remapping.off'],
  },
  'iommu.dmar.x2apic-opt-out': {
    breakIt: platform(({ firmware }) => {
      if (firmware.dmar !== undefined) firmware.dmar.x2apicOptOut = true;
    }),
    says: /X2APIC_OPT_OUT/,
  },
  'iommu.passthrough.off': {
    breakIt: platform(({ iommu }) => {
      const [first] = iommu.groups;
      if (first !== undefined) first.domain = 'DMA-FQ';
    }),
    says: /group 40 has a domain of type DMA-FQ/,
  },
  'iommu.group.shared': {
    breakIt: (host) => {
      const [first] = pfOf(host).vfs;
      const groups = platformOf(host).iommu.groups;
      groups.find(({ id }) => id === first?.iommuGroup)?.devices.push('0000:98:1f.7');
    },
    says: /VF 0 of 2 share IOMMU groups, among others with 0000:98:1f\.7/,
  },
  'iommu.parameter.acs-override': {
    breakIt: commandLine('pcie_acs_override=downstream,multifunction'),
    says: /pcie_acs_override=downstream,multifunction/,
  },
  'iommu.parameter.lazy': {
    breakIt: platform(({ kernel }) => (kernel.commandLine = 'intel_iommu=on iommu.strict=0')),
    says: /iommu\.strict=0/,
  },
  'iommu.parameter.strict': {
    breakIt: platform(({ kernel }) => (kernel.commandLine = 'intel_iommu=on iommu.strict=1')),
    says: /iommu\.strict=1/,
  },
  'iommu.parameter.harmless': { breakIt: commandLine('amd_iommu=on'), says: /amd_iommu=on.*on by itself/ },
  'iommu.parameter.nomsi': { breakIt: commandLine('pci=nomsi,realloc'), says: /nomsi/ },
};
