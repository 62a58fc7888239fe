// Owns what /proc/cpuinfo tells of the processors: who made them and what they offer to virtual machines.

import type { FileTree } from '../kernel.ts';
import { readText } from '../file-text.ts';

/** Facts of the first processor, which stands for all. */
export interface CpuInfo {
  readonly vendor: 'intel' | 'amd' | 'other';
  readonly modelName: string | undefined;
  /** `none` also where firmware has it switched off: the kernel takes the flag away then. */
  readonly virtualisation: 'vmx' | 'svm' | 'none';
  /** The `hypervisor` flag: we run inside a virtual machine. */
  readonly isGuest: boolean;
}

/** The first processor's block with all its flags is under 3 KiB. */
const firstBlockMaxBytes = 16 * 1024;

/**
 * Reads the first processor (arch/x86/kernel/cpu/proc.c; arch/x86/kernel/cpu/feat_ctl.c clears `vmx` that firmware
 * locked away). Undefined when there is no /proc/cpuinfo. Other architectures have none of these fields: `other`, `none`.
 */
export function readCpuInfo(files: FileTree): CpuInfo | undefined {
  const text = readText(files, '/proc/cpuinfo', firstBlockMaxBytes);
  if (text === undefined) return undefined;
  const fields = new Map<string, string>();
  for (const line of (text.split('\n\n', 1)[0] ?? '').split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  const flags = new Set((fields.get('flags') ?? '').split(' '));
  const modelName = fields.get('model name');
  return {
    vendor: vendorOf(fields.get('vendor_id')),
    modelName: modelName === '' ? undefined : modelName,
    virtualisation: flags.has('vmx') ? 'vmx' : flags.has('svm') ? 'svm' : 'none',
    isGuest: flags.has('hypervisor'),
  };
}

function vendorOf(id: string | undefined): CpuInfo['vendor'] {
  if (id === 'GenuineIntel') return 'intel';
  return id === 'AuthenticAMD' ? 'amd' : 'other';
}
