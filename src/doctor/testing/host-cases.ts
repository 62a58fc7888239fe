// Owns one way to bring about each kind of finding about the server: what to break, and what the finding then says.

import type { Cases } from './case.ts';
import { notRead, pf, platform, unread } from './case.ts';

export const hostCases: Cases<'host'> = {
  'host.platform.unread': {
    breakIt: (host) => delete host.platform,
    says: /older vfleet/,
  },
  'host.unread': { breakIt: unread('platform.processors.isolated'), says: notRead },
  'host.virtualisation.off': {
    breakIt: platform((each) => {
      each.kvm = false;
      each.processors.virtualisation = 'none';
    }),
    says: /Xeon.* neither vmx nor svm/,
  },
  'host.virtualisation.guest': {
    breakIt: platform((each) => {
      each.kvm = false;
      each.processors.isGuest = true;
      each.processors.virtualisation = 'none';
    }),
    says: /neither vmx nor svm/,
    also: ['host.guest'],
  },
  'host.kvm.absent': {
    breakIt: platform((each) => {
      each.kvm = false;
      each.kernel.modules['kvm-intel'] = 'available';
    }),
    says: /kvm_intel is on the disk, not loaded/,
  },
  'host.kvm.absent-in-guest': {
    breakIt: platform((each) => {
      each.kvm = false;
      each.processors.isGuest = true;
      each.processors.virtualisation = 'svm';
    }),
    says: /kvm_amd is on the disk, not loaded/,
    also: ['host.guest'],
  },
  'host.guest': {
    breakIt: platform((each) => (each.processors.isGuest = true)),
    says: /hypervisor/,
  },
  'host.lockdown.on': {
    breakIt: platform((each) => (each.kernel.lockdown = 'integrity')),
    says: /integrity/,
  },
  'host.secure-boot.off': {
    breakIt: platform((each) => (each.firmware.secureBoot = false)),
    says: /SecureBoot is 0/,
  },
  'host.tpm.absent': { breakIt: platform((each) => delete each.firmware.tpm), says: /no TPM/ },
  'host.tpm.weak': {
    breakIt: platform((each) => (each.firmware.tpm = { majorVersion: 2, pcrBanks: ['sha1'] })),
    says: /TPM 2\.0, PCR banks sha1/,
  },
  'host.numa.slot-unknown': { breakIt: pf((each) => delete each.numaNode), says: /2 NUMA nodes/ },
  'host.numa.no-memory': {
    breakIt: platform(({ numa: [, node] }) => {
      if (node !== undefined) node.memoryTotalMb = 0;
    }),
    says: /node 1 has no memory/,
  },
  'host.numa.no-cpus': {
    breakIt: platform(({ numa: [, node] }) => {
      if (node !== undefined) node.cores = [];
    }),
    says: /node 1 has no CPU/,
  },
  'host.numa.memory-low': {
    breakIt: platform(({ numa: [, node] }) => {
      if (node === undefined) return;
      node.memoryFreeMb = 300;
      node.hugepages = [{ sizeKb: 2048, total: 8, free: 0 }];
    }),
    says: /300 MB of 128 GB free, 0 of 8 hugepages of 2 MB free/,
  },
  'host.hugepages.elsewhere': {
    breakIt: platform(({ numa: [, node] }) => {
      if (node !== undefined) node.hugepages = [];
    }),
    says: /no hugepages on the card’s NUMA node 1; 32 on node 0/,
  },
  'host.hugepages.none': {
    breakIt: platform(({ numa }) => {
      for (const node of numa) node.hugepages = [{ sizeKb: 2048, total: 0, free: 0 }];
    }),
    says: /no hugepages/,
  },
  'host.isolated.elsewhere': {
    breakIt: platform((each) => (each.processors.isolated = [2, 3])),
    says: /CPUs 2-3 are isolated/,
  },
  'host.governor.saving': {
    breakIt: platform((each) => (each.processors.governors = ['performance', 'schedutil'])),
    says: /performance, schedutil/,
  },
  'host.idle.deep': {
    breakIt: platform((each) => (each.processors.deepestIdle = { name: 'C6', exitLatencyUs: 170 })),
    says: /C6, 170 µs/,
  },
  'host.vfio.absent': {
    breakIt: platform((each) => (each.kernel.modules['vfio-pci'] = 'absent')),
    says: /not on the disk/,
  },
  'host.iommufd.absent': {
    breakIt: platform((each) => (each.iommu.iommufd = false)),
    says: /QEMU 10\.0\.2 could use it/,
  },
  'host.qemu.absent': { breakIt: platform((each) => delete each.programs.qemu), says: /no QEMU/ },
  'host.qemu.old': { breakIt: platform((each) => (each.programs.qemu = '2.12.0')), says: /QEMU 2\.12\.0/ },
  'host.libvirt.absent': { breakIt: platform((each) => delete each.programs.libvirt), says: /no libvirt/ },
  'host.libvirt.old': { breakIt: platform((each) => (each.programs.libvirt = '5.0.0')), says: /5\.0\.0/ },
  'host.locked-memory.low': {
    breakIt: platform((each) => {
      delete each.programs.libvirt;
      each.lockedMemoryKb = 8192;
    }),
    says: /8192 KB/,
    also: ['host.libvirt.absent'],
  },
};
