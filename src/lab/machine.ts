// Owns the virtual machine of the lab: what can be chosen, what is refused and why, and QEMU's arguments for it.
// Pure: must not start anything or look at the host.

import { VfleetError } from '../base/errors.ts';
import { guestPorts } from './guest.ts';

export const labIommus = ['intel', 'intel-noremap', 'amd', 'off'] as const;
/**
 * `intel`: VT-d with interrupt remapping; `intel-noremap`: without it; `amd`: AMD-Vi without interrupt remapping (with it
 * the kernel panics under software emulation); `off`: none.
 */
export type LabIommu = (typeof labIommus)[number];

export interface LabMachine {
  /** Emulated NICs. `igb` is an Intel 82576: 7 VFs, at 0000:01:00.0, 0000:02:00.0 and so on, one per root port. */
  readonly nics: { readonly model: 'igb'; readonly count: number };
  /** What the slots of the NICs can do at most; undefined: more than any NIC. */
  readonly slotLink?: { readonly speedGTps: number; readonly width: number } | undefined;
  /** VFs that the device netdevsim/netdevsim1 can make; undefined for no such device. */
  readonly netdevsimVfs?: number | undefined;
  readonly iommu: LabIommu;
  readonly memoryMb: number;
  readonly cpus: number;
}

/** Above it SeaBIOS places VF BARs beyond 4 GB, and QEMU 10.0.2 maps them at the wrong address: VFs do not work. */
const maxMemoryMb = 2000;
/** The kernel and the shared root take about 200 MB; Node needs the rest. */
const minMemoryMb = 512;
/** Each takes a root port, a bus number and start-up time. */
const maxNics = 8;
/** More has no use: no card of today has more VFs on a PF. */
const maxNetdevsimVfs = 1024;
const maxCpus = 8;

export const defaultLabMachine: LabMachine = {
  nics: { model: 'igb', count: 2 },
  iommu: 'intel',
  memoryMb: maxMemoryMb,
  cpus: 2,
};

/** Throws `usage.invalid` when a machine cannot be had, with the reason. */
export function checkLabMachine(machine: LabMachine): void {
  checkRange('NICs', machine.nics.count, 0, maxNics);
  checkRange('netdevsim VFs', machine.netdevsimVfs ?? 1, 1, maxNetdevsimVfs);
  checkRange('CPUs', machine.cpus, 1, maxCpus);
  checkRange('MB of memory', machine.memoryMb, minMemoryMb, Number.MAX_SAFE_INTEGER);
  if (machine.memoryMb > maxMemoryMb) {
    throw new VfleetError(
      'usage.invalid',
      `${machine.memoryMb} MB of memory: more than ${maxMemoryMb} MB puts VF BARs above 4 GB, which QEMU maps wrong`,
    );
  }
}

function checkRange(what: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  const range = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `${min} to ${max}`;
  throw new VfleetError('usage.invalid', `${value} ${what}: the lab takes ${range}`);
}

/** Reads `igb:2` or `igb` (one); `igb:0` is no NIC. Errors: `usage.invalid`. */
/** Reads `2.5x1`: GT/s and lanes. Throws `usage.invalid` for what QEMU has no slots of. */
export function parseSlotLink(text: string): LabMachine['slotLink'] {
  const [, speed, width] = /^(2\.5|5|8|16|32|64)x(1|2|4|8|12|16|32)$/.exec(text) ?? [];
  if (speed === undefined) {
    throw new VfleetError(
      'usage.invalid',
      `--slot-link ${text}: GT/s and lanes are needed, such as 2.5x1 or 8x8`,
    );
  }
  return { speedGTps: Number(speed), width: Number(width) };
}

export function parseNics(text: string): LabMachine['nics'] {
  const match = /^igb(?::(\d{1,3}))?$/.exec(text);
  if (match === null) {
    throw new VfleetError('usage.invalid', `--nic ${text}: the lab emulates igb, as igb:COUNT`);
  }
  return { model: 'igb', count: Number(match[1] ?? 1) };
}

/** Reads the name of an IOMMU. Errors: `usage.invalid`. */
export function parseIommu(text: string): LabIommu {
  const iommu = labIommus.find((name) => name === text);
  if (iommu !== undefined) return iommu;
  throw new VfleetError('usage.invalid', `--iommu ${text}: use ${labIommus.join(', ')}`);
}

const iommuDevices: Readonly<Record<LabIommu, readonly string[]>> = {
  intel: ['intel-iommu,intremap=on,caching-mode=on,device-iotlb=on'],
  'intel-noremap': ['intel-iommu,intremap=off,caching-mode=on,device-iotlb=on'],
  amd: ['amd-iommu,intremap=off'],
  off: [],
};

const iommuKernelArguments: Readonly<Record<LabIommu, readonly string[]>> = {
  intel: ['intel_iommu=on', 'iommu=pt'],
  'intel-noremap': ['intel_iommu=on', 'iommu=pt'],
  amd: ['iommu=pt'],
  off: [],
};

/**
 * The kernel's command line. A panic ends the machine at once, since QEMU does not reboot. The timer ticks periodically:
 * under load a single tick was lost once in about forty boots, which stops a processor for ever when each tick has to
 * arm the next.
 */
export function kernelArguments(machine: LabMachine): string[] {
  return [
    'console=ttyS0',
    'console=hvc0',
    'loglevel=5',
    'panic=-1',
    'mitigations=off',
    'nohz=off',
    'highres=off',
    ...iommuKernelArguments[machine.iommu],
  ];
}

/** Files and descriptors that a machine is started with. */
export interface MachineFiles {
  readonly kernelFile: string;
  readonly initramfsFile: string;
  /** Seen by the guest as /lib/modules. */
  readonly modulesFolder: string;
  /** What the kernel's consoles print is appended here. */
  readonly consoleFile: string;
  /** Open stream sockets that QEMU inherits, by guest port. */
  readonly ports: Readonly<Partial<Record<keyof typeof guestPorts, number>>>;
}

type QemuOption = readonly [option: string, value: string];

/** QEMU's arguments. Software emulation always: /dev/kvm may open and yet not run an ordinary kernel. */
export function qemuArguments(machine: LabMachine, files: MachineFiles): string[] {
  const consoleFile = escapeOption(files.consoleFile);
  const options: QemuOption[] = [
    ['-name', 'vfleet-lab'],
    ['-display', 'none'],
    ['-accel', 'tcg,thread=multi'],
    ['-machine', 'q35'],
    ['-cpu', 'max'],
    ['-m', `${machine.memoryMb}M`],
    ['-smp', String(machine.cpus)],
    ['-kernel', files.kernelFile],
    ['-initrd', files.initramfsFile],
    ['-append', kernelArguments(machine).join(' ')],
    // The IOMMU stands before the devices it is to translate for.
    ...iommuDevices[machine.iommu].map((device): QemuOption => ['-device', device]),
    ['-chardev', `file,id=serial,path=${consoleFile},append=on`],
    ['-serial', 'chardev:serial'],
    ['-chardev', `file,id=console,path=${consoleFile},append=on`],
    ['-device', 'virtio-serial-pci,id=ports'],
    ['-device', 'virtconsole,bus=ports.0,nr=0,chardev=console'],
    ...portOptions(files),
    ...shareOptions('host', '/'),
    ...shareOptions('modules', files.modulesFolder),
    ...nicOptions(machine),
  ];
  return ['-nodefaults', '-no-user-config', '-no-reboot', ...options.flat()];
}

function portOptions(files: MachineFiles): QemuOption[] {
  return Object.entries(files.ports).flatMap(([name, fd]): QemuOption[] => {
    const device = name === 'terminal' ? 'virtconsole' : 'virtserialport';
    const number = guestPorts[name as keyof typeof guestPorts];
    return [
      ['-chardev', `socket,id=${name},fd=${fd}`],
      ['-device', `${device},bus=ports.0,nr=${number},name=${name},chardev=${name}`],
    ];
  });
}

function shareOptions(tag: string, folder: string): QemuOption[] {
  const path = escapeOption(folder);
  return [
    ['-fsdev', `local,id=${tag},path=${path},security_model=none,readonly=on,multidevs=remap`],
    ['-device', `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`],
  ];
}

function nicOptions(machine: LabMachine): QemuOption[] {
  return Array.from({ length: machine.nics.count }, (_, index) => index + 1).flatMap((n): QemuOption[] => [
    ['-device', `pcie-root-port,id=rp${n},chassis=${n},slot=${n}${linkOptions(machine)}`],
    // Without IPv6, whose router advertisements give a NIC a default route at a moment of their own.
    ['-netdev', `user,id=net${n},restrict=on,ipv6=off`],
    // romfile= leaves out the network boot ROM.
    ['-device', `${machine.nics.model},bus=rp${n},netdev=net${n},mac=52:54:00:00:0${n}:00,romfile=`],
  ]);
}

function linkOptions({ slotLink }: LabMachine): string {
  if (slotLink === undefined) return '';
  return `,x-speed=${String(slotLink.speedGTps).replace('.', '_')},x-width=${slotLink.width}`;
}

/** QEMU separates options by commas; a comma in a value is doubled. */
function escapeOption(value: string): string {
  return value.replaceAll(',', ',,');
}
