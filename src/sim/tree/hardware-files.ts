// Owns what /proc of a simulated host tells of the machine: processors, interrupts, memory, command line, limits.

import type { SimHost } from '../host.ts';
import { cpuCountOf, platformOf } from '../platform.ts';
import type { FileNode, TreeNode } from './node.ts';
import { line } from './node.ts';

const kbPerMb = 1024;
/** Some of the flags that every such processor has. */
const commonFlags = 'fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge lm constant_tsc nopl x2apic';

export function hardwareFiles(host: SimHost): Readonly<Record<string, () => TreeNode>> {
  return {
    cmdline: () => commandLineFile(host),
    cpuinfo: () => line(cpuinfoOf(host)),
    interrupts: () => line(interruptsOf(host)),
    meminfo: () => meminfoFile(host),
  };
}

function commandLineFile({ profile }: SimHost): FileNode {
  const { kernelParameters, isolatedCpus } = platformOf(profile);
  const isolated = isolatedCpus === '' ? '' : `isolcpus=${isolatedCpus}`;
  const words = ['BOOT_IMAGE=/vmlinuz', 'ro', kernelParameters, isolated];
  return line(words.filter((word) => word !== '').join(' '));
}

function cpuinfoOf({ profile }: SimHost): string {
  const { processor, modelName, virtualisation, guest } = platformOf(profile);
  const extension = virtualisation ? [processor === 'intel' ? 'vmx' : 'svm'] : [];
  const flags = [commonFlags, ...extension, ...(guest ? ['hypervisor'] : [])].join(' ');
  return Array.from({ length: cpuCountOf(profile) }, (_, cpu) =>
    [
      `processor\t: ${cpu}`,
      `vendor_id\t: ${processor === 'intel' ? 'GenuineIntel' : 'AuthenticAMD'}`,
      `model name\t: ${modelName}`,
      `flags\t\t: ${flags}`,
    ].join('\n'),
  ).join('\n\n');
}

/** The timer, a disk controller, and one interrupt for each network card. */
function interruptsOf({ profile }: SimHost): string {
  const { interruptRemapping } = platformOf(profile);
  const prefix = profile.iommu && interruptRemapping ? 'IR-' : '';
  const cpus = Array.from({ length: cpuCountOf(profile) }, (_, cpu) => `CPU${cpu}`);
  const counts = cpus.map((_, cpu) => String(cpu * 3).padStart(10)).join(' ');
  const cards = [
    ...profile.plainNics.map(({ address, netdev }) => ({ address, netdev })),
    ...profile.pfs.filter(({ card }) => card.pci !== undefined),
  ];
  const sources = [
    ['0', `${prefix}IO-APIC`, '2-edge', 'timer'],
    ['24', `${prefix}PCI-MSI-0000:00:17.0`, '0-edge', 'ahci[0000:00:17.0]'],
    ...cards.map(({ address, netdev }, index) => [
      String(index + 25),
      `${prefix}PCI-MSIX-${address}`,
      '0-edge',
      `${netdev}-0`,
    ]),
  ];
  const rows = sources.map(
    ([number = '', ...rest]) => `${number.padStart(4)}: ${counts}  ${rest.join('  ')}`,
  );
  return [`      ${cpus.join('       ')}`, ...rows, ` NMI: ${counts}   Non-maskable interrupts`].join('\n');
}

function meminfoFile({ profile }: SimHost): FileNode {
  const { memoryMbPerNode, memoryFreeMbPerNode } = platformOf(profile);
  const nodes = profile.numaNodes.length;
  const rows = [
    ['MemTotal:', memoryMbPerNode * nodes],
    ['MemFree:', memoryFreeMbPerNode * nodes],
  ] as const;
  return line(
    rows.map(([name, mb]) => `${name.padEnd(16)}${String(mb * kbPerMb).padStart(10)} kB`).join('\n'),
  );
}

/** /proc/PID/limits. */
export function limitsFile({ profile }: SimHost): FileNode {
  const { lockedMemoryKb } = platformOf(profile);
  const locked = lockedMemoryKb === undefined ? 'unlimited' : String(lockedMemoryKb * 1024);
  const rows = [
    ['Limit', 'Soft Limit', 'Hard Limit', 'Units'],
    ['Max open files', '1024', '524288', 'files'],
    ['Max locked memory', locked, locked, 'bytes'],
  ];
  return line(
    rows
      .map(([name = '', soft = '', hard = '', unit = '']) =>
        [name.padEnd(25), soft.padEnd(20), hard.padEnd(20), unit.padEnd(10)].join(' '),
      )
      .join('\n'),
  );
}
