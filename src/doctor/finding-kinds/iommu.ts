// Owns the kinds of findings about the IOMMU: what firmware offers, what the kernel makes of it, how devices are isolated.

import type { FindingKinds } from '../finding-kind.ts';

export const iommuKinds = {
  'iommu.unread': {
    severity: 'unknown',
    title: 'Facts about the IOMMU could not be read',
    why: 'Nothing is said about what was not read; it may be good or bad.',
    todo: 'Run `sudo vfleet doctor` on the server itself, not in a container.',
  },
  'iommu.firmware.off': {
    severity: 'blocker',
    title: 'The IOMMU is off in firmware',
    why: 'Firmware lists no remapping hardware (neither DMAR nor IVRS), so no VF can be given to a VM safely, and vfio refuses.',
    todo: 'Switch it on and restart: {iommu}.',
  },
  'iommu.firmware.on': {
    severity: 'ok',
    title: 'Firmware offers the IOMMU',
    why: 'The kernel can use it.',
  },
  'iommu.dma-remapping.off': {
    severity: 'blocker',
    title: 'The kernel does not use the IOMMU',
    why: 'Without DMA remapping a VF in a VM could reach all memory of the host; vfio refuses it.',
    todo:
      'Intel: add `intel_iommu=on iommu=pt` to the kernel command line and restart. AMD: it is on by itself; remove `amd_iommu=off` ' +
      'and `iommu=off`. `dmesg | grep -i -e DMAR -e IOMMU -e AMD-Vi` says what happened.',
  },
  'iommu.dma-remapping.on': {
    severity: 'ok',
    title: 'The kernel uses the IOMMU',
    why: 'Devices reach only the memory that they were given.',
  },
  'iommu.interrupt-remapping.off': {
    severity: 'blocker',
    title: 'Interrupts are not remapped',
    why:
      'A VM could send any interrupt to the host through its VF, so vfio refuses with “No interrupt remapping support” unless ' +
      'that guard is switched off.',
    todo: 'Switch it on and restart: {interruptRemapping}. Remove `intremap=off` and `nointremap` from the kernel command line.',
  },
  'iommu.interrupt-remapping.bypassed': {
    severity: 'warning',
    title: 'VFs are given to VMs without interrupt remapping',
    why: '`allow_unsafe_interrupts` is set: a guest can inject interrupts into the host and crash or take it over.',
    todo: 'Switch interrupt remapping on ({interruptRemapping}), then remove the option from /etc/modprobe.d and the kernel command line.',
  },
  'iommu.interrupt-remapping.on': {
    severity: 'ok',
    title: 'Interrupts are remapped',
    why: 'A VM can send only the interrupts of its own VF.',
  },
  'iommu.unsafe-interrupts.allowed': {
    severity: 'warning',
    title: 'Devices without interrupt remapping would be taken',
    why: 'Interrupts are remapped here, so the option helps nothing; it only takes the guard away when remapping fails some day.',
    todo: 'Remove `allow_unsafe_interrupts` from /etc/modprobe.d and the kernel command line.',
  },
  'iommu.no-iommu-mode.on': {
    severity: 'warning',
    title: 'vfio takes devices without an IOMMU',
    why: 'A process with such a device reads and writes all memory of the host. It is meant for DPDK on machines without an IOMMU, never for VMs.',
    todo: 'Remove `enable_unsafe_noiommu_mode` from /etc/modprobe.d and the kernel command line.',
  },
  'iommu.dmar.no-interrupt-remapping': {
    severity: 'warning',
    title: 'Firmware says that interrupts cannot be remapped',
    why: 'The flag INTR_REMAP of the DMAR table is clear, so the kernel does not try.',
    todo: 'Switch it on and restart: {interruptRemapping}. When there is no such entry, update the firmware.',
  },
  'iommu.dmar.x2apic-opt-out': {
    severity: 'advice',
    title: 'Firmware asks the kernel not to use x2APIC',
    why: 'The flag X2APIC_OPT_OUT of the DMAR table is set: CPUs beyond the 255th stay off, and interrupts cannot be posted to VMs.',
    todo: 'Switch x2APIC on ({x2apic}), or add `intremap=no_x2apic_optout` to the kernel command line.',
  },
  'iommu.dmar.flags': {
    severity: 'ok',
    title: 'The DMAR table’s flags',
    why: 'They say what firmware wants of the kernel; DMA protection means that it guarded memory before the kernel started.',
  },
  'iommu.passthrough.off': {
    severity: 'advice',
    title: 'The host’s own traffic is translated',
    why: 'The PF’s domain translates each buffer of the host’s own traffic, which costs throughput; VFs in VMs do not depend on it.',
    todo:
      'For speed on the host’s own interfaces add `iommu=pt` to the kernel command line. Leave it where the host’s own devices ' +
      'are not to be trusted either.',
  },
  'iommu.passthrough.on': {
    severity: 'ok',
    title: 'The host’s own traffic is not translated',
    why: 'Only devices in VMs go through the IOMMU’s tables.',
  },
  'iommu.group.shared': {
    severity: 'warning',
    title: 'VFs share an IOMMU group with other devices',
    why: 'A group is given to one VM as a whole: none of its devices can be used elsewhere at the same time.',
    todo: 'Switch ACS on ({acs}), or put the card in another slot, best one directly at the processor. `pcie_acs_override` only hides it.',
  },
  'iommu.group.own': {
    severity: 'ok',
    title: 'Each VF has an IOMMU group of its own',
    why: 'Each can go to another VM.',
  },
  'iommu.parameter.acs-override': {
    severity: 'warning',
    title: 'pcie_acs_override is on the kernel command line',
    why: 'On a kernel with that patch, groups are split that the hardware does not keep apart: VMs can reach each other’s devices. Other kernels ignore it.',
    todo: 'Remove `pcie_acs_override` from the kernel command line.',
  },
  'iommu.parameter.lazy': {
    severity: 'advice',
    title: 'Unmapped buffers stay reachable for a while',
    why: '`iommu.strict=0` collects unmaps: faster, but a device of the host can use a buffer for some milliseconds longer than it should.',
    todo: 'Use `iommu.strict=1` where the host’s own devices are not to be trusted. VFs in VMs do not depend on it.',
  },
  'iommu.parameter.strict': {
    severity: 'advice',
    title: 'Each unmap waits for the IOMMU',
    why: '`iommu.strict=1` costs throughput of the host’s own interfaces, unless `iommu=pt` takes them out of translation.',
    todo: 'Remove it where speed of the host’s own interfaces counts more than guarding against its own devices.',
  },
  'iommu.parameter.harmless': {
    severity: 'advice',
    title: 'Kernel parameters that do nothing here',
    why: 'They do no harm, but who reads them believes that they are needed.',
    todo: 'Remove them when the command line is next changed.',
  },
  'iommu.parameter.nomsi': {
    severity: 'blocker',
    title: 'pci=nomsi is on the kernel command line',
    why: 'VFs have no other interrupts than MSI and MSI-X, so none of them works.',
    todo: 'Remove `nomsi` from `pci=` on the kernel command line and restart.',
  },
} as const satisfies FindingKinds<'iommu'>;
