// Owns what libvirt is told about the VMs of the lab. Text only.

/** The VMs, ready to be given VFs. Each is an own QEMU process with its own copy of the guest. */
export const labVms = [
  { name: 'web-1', uuid: '6f1a3b9c-5d0e-4c6b-9a51-0d6c1f8e7a01' },
  { name: 'web-2', uuid: '6f1a3b9c-5d0e-4c6b-9a51-0d6c1f8e7a02' },
] as const;
export type LabVmName = (typeof labVms)[number]['name'];

/** Enough for Debian's kernel and busybox; libvirt locks all of it in memory once a VF is there. */
const memoryMb = 128;
/** One for the channel, and some to plug into. */
const rootPorts = 5;

/** What takes long in nested software emulation, and nothing of a VF needs, is left out. */
const kernelArguments = [
  'quiet',
  'panic=-1',
  'mitigations=off',
  'no_timer_check',
  'tsc=reliable',
  'highres=off',
  'ipv6.disable=1',
  'audit=0',
];

/** The definition of a VM that boots a kernel by itself. Paths and names must be plain: nothing is escaped. */
export function renderDomain(options: {
  readonly name: string;
  readonly uuid: string;
  readonly kernelFile: string;
  readonly initramfsFile: string;
}): string {
  const ports = Array.from(
    { length: rootPorts },
    (_, index) => `    <controller type='pci' index='${index + 1}' model='pcie-root-port'/>`,
  );
  return `<domain type='qemu'>
  <name>${options.name}</name>
  <uuid>${options.uuid}</uuid>
  <memory unit='MiB'>${memoryMb}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>${options.kernelFile}</kernel>
    <initrd>${options.initramfsFile}</initrd>
    <cmdline>${kernelArguments.join(' ')}</cmdline>
  </os>
  <features><acpi/></features>
  <cpu mode='custom' match='exact'><model fallback='forbid'>qemu64</model></cpu>
  <clock offset='utc'><timer name='hpet' present='no'/></clock>
  <on_reboot>destroy</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <controller type='pci' index='0' model='pcie-root'/>
${ports.join('\n')}
    <controller type='virtio-serial' index='0'/>
    <channel type='unix'><target type='virtio' name='vfleet'/></channel>
    <memballoon model='none'/>
    <audio id='1' type='none'/>
  </devices>
</domain>
`;
}

/** Path of the socket behind the channel, as libvirt chose it; undefined when the VM does not run. */
export function channelPathIn(xml: string): string | undefined {
  return /<channel type='unix'>\s*<source mode='bind' path='([^']+)'/.exec(xml)?.[1];
}
