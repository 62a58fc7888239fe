// Owns the kinds of findings about a server: processors, memory, firmware, kernel, programs.

import type { FindingKinds } from '../finding-kind.ts';

export const hostKinds = {
  'host.platform.unread': {
    severity: 'unknown',
    title: 'The snapshot says nothing of the server itself',
    why: 'Without processors, firmware, IOMMU and kernel nothing can be said about whether VFs can be given to VMs.',
    todo: 'Take a new snapshot on the server with this version of vfleet: `sudo vfleet snapshot -o HOST.json`.',
  },
  'host.unread': {
    severity: 'unknown',
    title: 'Facts about the server could not be read',
    why: 'Nothing is said about what was not read; it may be good or bad.',
    todo: 'Run `sudo vfleet doctor` on the server itself, not in a container.',
  },
  'host.virtualisation.off': {
    severity: 'blocker',
    title: 'The processor offers no extension for VMs',
    why: 'Without VT-x or AMD-V there is no KVM, and without KVM no VM that could use a VF at any speed.',
    todo: 'Switch it on, then power the server off and on: {virtualisation}.',
  },
  'host.virtualisation.guest': {
    severity: 'warning',
    title: 'This host is a VM itself, without virtualisation of its own',
    why: 'VMs on it run in software emulation: good for trying things out, not for work.',
    todo:
      'Give it nested virtualisation on the machine below: `modprobe -r kvm_intel && modprobe kvm_intel nested=1` (AMD: kvm_amd), ' +
      'and `<cpu mode="host-passthrough"/>` in its libvirt definition.',
  },
  'host.virtualisation.on': {
    severity: 'ok',
    title: 'The processor’s extension for VMs is on',
    why: 'KVM needs it.',
  },
  'host.kvm.absent': {
    severity: 'blocker',
    title: '/dev/kvm is not there',
    why: 'The processor could run VMs, but KVM is not loaded, so QEMU and libvirt cannot use it.',
    todo:
      'Load it: `modprobe kvm_intel` (AMD: `modprobe kvm_amd`), and name it in /etc/modules-load.d/kvm.conf. ' +
      'When that fails, `dmesg | grep -i kvm` says why.',
  },
  'host.kvm.absent-in-guest': {
    severity: 'warning',
    title: 'KVM is not loaded in this VM',
    why: 'This host is a VM itself and could run VMs of its own at some speed; without KVM they run in software emulation.',
    todo: 'Load it: `modprobe kvm_intel` (AMD: `modprobe kvm_amd`). When that fails, `dmesg | grep -i kvm` says why.',
  },
  'host.kvm.there': { severity: 'ok', title: '/dev/kvm is there', why: 'VMs run at full speed.' },
  'host.guest': {
    severity: 'advice',
    title: 'This host is a VM itself',
    why: 'What is found here is about emulated or passed-through hardware; speeds and links are not those of the server below.',
  },
  'host.lockdown.on': {
    severity: 'advice',
    title: 'The kernel is locked down',
    why:
      'Also root may not write to configuration space or /dev/mem, nor load unsigned modules: firmware tools of the vendors ' +
      '(mstconfig, bootutil, sfboot) can fail, and drivers from elsewhere must be signed.',
    todo: 'Change firmware settings over devlink or from the UEFI shell; sign own drivers with a key enrolled by `mokutil --import`.',
  },
  'host.lockdown.off': {
    severity: 'ok',
    title: 'The kernel is not locked down',
    why: 'Firmware tools work.',
  },
  'host.secure-boot.off': {
    severity: 'advice',
    title: 'Secure boot is off',
    why: 'A changed kernel or driver would start unnoticed, and the kernel is what keeps VFs apart.',
    todo: 'Switch it on when all drivers in use are signed: {secureBoot}.',
  },
  'host.secure-boot.on': {
    severity: 'ok',
    title: 'Secure boot is on',
    why: 'Only signed kernels and drivers start.',
  },
  'host.tpm.absent': {
    severity: 'advice',
    title: 'There is no TPM',
    why: 'Nobody can prove from afar which firmware and kernel this server has started.',
    todo: 'Switch it on or fit the module: {tpm}.',
  },
  'host.tpm.weak': {
    severity: 'advice',
    title: 'The TPM measures with SHA-1 only',
    why: 'SHA-1 can be forged, so what the TPM attests proves little.',
    todo: 'Switch the SHA-256 bank on (`tpm2_pcrallocate sha256:all`, or {tpm}) and restart; a TPM 1.2 has to be replaced.',
  },
  'host.tpm.there': {
    severity: 'ok',
    title: 'A TPM 2.0 measures the boot',
    why: 'The boot can be attested.',
  },
  'host.numa.slot-unknown': {
    severity: 'warning',
    title: 'Nobody knows which NUMA node the card is at',
    why: 'VMs cannot be placed near their card: half of the traffic may cross the link between sockets, at the cost of latency and bandwidth.',
    todo: 'Update the server’s firmware: it should name the node of each slot (ACPI _PXM).',
  },
  'host.numa.no-memory': {
    severity: 'warning',
    title: 'The card’s NUMA node has no memory',
    why: 'Everything that the card reads and writes crosses the link between sockets.',
    todo: 'Fit memory at the card’s socket, or move the card to a slot of the other one.',
  },
  'host.numa.no-cpus': {
    severity: 'warning',
    title: 'The card’s NUMA node has no CPU online',
    why: 'Interrupts and VMs of this card run on another socket.',
    todo: 'Fit or switch on the processor of that socket, or move the card to a slot of the other one.',
  },
  'host.numa.memory-low': {
    severity: 'advice',
    title: 'The card’s NUMA node has hardly any free memory',
    why: 'Memory of a VM with a VF is pinned as a whole: what does not fit here comes from another node.',
    todo: 'Free memory there, or reserve hugepages on that node at boot.',
  },
  'host.numa.node': {
    severity: 'ok',
    title: 'The card’s NUMA node has CPUs and memory',
    why: 'VMs can be placed beside their card.',
  },
  'host.hugepages.elsewhere': {
    severity: 'warning',
    title: 'There are hugepages, but none at the card’s NUMA node',
    why: 'A VM with hugepages and a VF of this card has its memory on the wrong node.',
    todo: 'Spread them: `hugepages=NODE:COUNT` on the kernel command line, or /sys/devices/system/node/nodeN/hugepages.',
  },
  'host.hugepages.none': {
    severity: 'advice',
    title: 'There are no hugepages',
    why: 'Pinning a VM’s memory in 4 KB pages takes long at its start, and the IOMMU and the processor miss their caches more often.',
    todo: 'Reserve them at boot, for example `default_hugepagesz=1G hugepagesz=1G hugepages=N` on the kernel command line.',
  },
  'host.isolated.elsewhere': {
    severity: 'advice',
    title: 'Isolated CPUs are not at the card’s NUMA node',
    why: 'CPUs kept free for VMs are of most use beside the card whose VFs these VMs have.',
    todo: 'Choose CPUs of the card’s node in `isolcpus=` on the kernel command line.',
  },
  'host.isolated.there': {
    severity: 'ok',
    title: 'CPUs are kept free at the card’s NUMA node',
    why: 'VMs with steady latency can be pinned to them.',
  },
  'host.governor.saving': {
    severity: 'advice',
    title: 'The processor’s frequency is governed for saving',
    why: 'Clocks follow the load late; a VM that waits for packets sees it as latency and loss in bursts.',
    todo: '`cpupower frequency-set -g performance` (package linux-cpupower), or `tuned-adm profile virtual-host`; {performance}.',
  },
  'host.governor.performance': {
    severity: 'ok',
    title: 'The processor’s frequency is governed for performance',
    why: 'Clocks do not drop between packets.',
  },
  'host.idle.deep': {
    severity: 'advice',
    title: 'Deep idle states are on',
    why: 'The first packet after a pause waits for the processor to come back from its deepest state.',
    todo:
      'Where latency matters: `cpupower idle-set -D 20`, or `intel_idle.max_cstate=1 processor.max_cstate=1` on the kernel command ' +
      'line, or {performance}.',
  },
  'host.idle.shallow': { severity: 'ok', title: 'Idle states are shallow', why: 'Waking up costs little.' },
  'host.vfio.absent': {
    severity: 'blocker',
    title: 'The module vfio-pci is not there',
    why: 'It is the driver that gives a VF to a VM.',
    todo: 'Install the whole set of modules of this kernel (Debian: linux-image-amd64, not the cloud one; Ubuntu: linux-modules-extra; RHEL: kernel-modules).',
  },
  'host.vfio.there': { severity: 'ok', title: 'vfio-pci is there', why: 'VFs can be given to VMs.' },
  'host.iommufd.absent': {
    severity: 'advice',
    title: '/dev/iommu is not there',
    why: 'QEMU can use it instead of the older vfio containers: memory is pinned once for all VFs of a VM, not once for each.',
    todo: '`modprobe iommufd`; from kernel 6.6 on, with CONFIG_IOMMUFD and CONFIG_VFIO_DEVICE_CDEV.',
  },
  'host.iommufd.there': {
    severity: 'ok',
    title: '/dev/iommu is there',
    why: 'QEMU 9.0 and later can use it.',
  },
  'host.qemu.absent': {
    severity: 'warning',
    title: 'QEMU is not installed',
    why: 'There is nothing to run VMs with.',
    todo: 'Install it (Debian, Ubuntu: qemu-system-x86; RHEL, Fedora: qemu-kvm), or name its path in PATH.',
  },
  'host.qemu.old': {
    severity: 'warning',
    title: 'QEMU is too old for what vfleet plans',
    why: 'Failover pairs (virtio-net beside a VF), which carry a VM through a live migration, came with QEMU 4.2.',
    todo: 'Update QEMU to 4.2 or later.',
  },
  'host.qemu.capable': {
    severity: 'ok',
    title: 'QEMU can do what SR-IOV needs',
    why: 'Failover pairs from 4.2, migration of VFs from 8.1, iommufd from 9.0.',
  },
  'host.libvirt.absent': {
    severity: 'advice',
    title: 'libvirt is not installed',
    why: 'VMs have to be started by hand, and vfleet cannot tell by name which VM holds a VF.',
    todo: 'Install it (Debian, Ubuntu: libvirt-daemon-system; RHEL, Fedora: libvirt), unless another manager starts QEMU here.',
  },
  'host.libvirt.old': {
    severity: 'advice',
    title: 'libvirt is too old for failover pairs',
    why: 'The pairing of a VF with a virtio interface (`<teaming>`) came with libvirt 6.1.',
    todo: 'Update libvirt to 6.1 or later.',
  },
  'host.libvirt.capable': {
    severity: 'ok',
    title: 'libvirt can do what SR-IOV needs',
    why: 'Failover pairs (`<teaming>`) from 6.1.',
  },
  'host.locked-memory.low': {
    severity: 'advice',
    title: 'Little memory may be locked',
    why: 'vfio locks all memory of a VM; a QEMU started from here without rights fails with “cannot allocate memory”. libvirt raises the limit itself.',
    todo: '`ulimit -l unlimited`, or `memlock unlimited` in /etc/security/limits.conf, or LimitMEMLOCK=infinity in the unit.',
  },
} as const satisfies FindingKinds<'host'>;
