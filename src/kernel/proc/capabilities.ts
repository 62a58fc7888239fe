// Owns what our own process may do: its effective capability set.

import { readLines } from '../file-text.ts';
import type { FileTree } from '../kernel.ts';

/** Numbers of the capabilities that vfleet's work asks for (include/uapi/linux/capability.h). */
export const capabilityNumbers = {
  CAP_DAC_OVERRIDE: 1,
  CAP_NET_ADMIN: 12,
  CAP_IPC_LOCK: 14,
  CAP_SYS_MODULE: 16,
  CAP_SYS_RAWIO: 17,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_ADMIN: 21,
} as const;
export type CapabilityName = keyof typeof capabilityNumbers;

/** Capabilities as the kernel's bit set; bit N is capability N. */
export type CapabilitySet = bigint & { readonly brand: 'CapabilitySet' };

/** Effective capabilities of our process (`CapEff` in proc_pid_status(5)); empty when they cannot be read. */
export function readCapabilities(files: FileTree): CapabilitySet {
  const line = readLines(files, '/proc/self/status').find((each) => each.startsWith('CapEff:'));
  const match = /^CapEff:\s*([0-9a-f]{1,16})$/.exec(line ?? '');
  return BigInt(`0x${match?.[1] ?? '0'}`) as CapabilitySet;
}

/** Whether a capability is in the set. */
export function hasCapability(set: CapabilitySet, name: CapabilityName): boolean {
  return ((set >> BigInt(capabilityNumbers[name])) & 1n) === 1n;
}

/** Those of the names that are not in the set, in the order given. */
export function listMissingCapabilities(
  set: CapabilitySet,
  names: readonly CapabilityName[],
): readonly CapabilityName[] {
  return names.filter((name) => !hasCapability(set, name));
}
