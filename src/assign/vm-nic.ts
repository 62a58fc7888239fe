// Owns how a lease is found again in a VM: names of its devices, and whether a VM has them.
// Pure.

import type { ChangeScope } from '../hypervisor/hypervisor.ts';
import type { Lease } from '../model/lease.ts';
import { isActive } from '../model/vm.ts';
import type { Vm, VmNic } from '../model/vm.ts';

/** Enough of a generation to tell devices of one VM apart for ever. */
const aliasDigits = 16;

const vfPrefix = 'ua-vfleet-';
const standbyPrefix = 'ua-vfleet-standby-';

/**
 * Name of a lease's VF in its VM. It follows from the lease, so that whoever reads the lease can find the device. With a
 * standby that an earlier VF left it is the name of that VF: QEMU pairs a standby with no other, as long as it is in the
 * running VM (hw/net/virtio-net.c, failover_hide_primary_device).
 */
export function vfAliasOf({ generation, standby }: Pick<Lease, 'generation' | 'standby'>): string {
  const left = standby?.alias;
  return left?.startsWith(standbyPrefix) === true
    ? `${vfPrefix}${left.slice(standbyPrefix.length)}`
    : `${vfPrefix}${generation.slice(0, aliasDigits)}`;
}

/** Name of the standby interface of a failover pair. */
export function standbyAliasOf({ generation, standby }: Pick<Lease, 'generation' | 'standby'>): string {
  return standby?.alias ?? `${standbyPrefix}${generation.slice(0, aliasDigits)}`;
}

/** Whether an interface has a name that vfleet gives to standbys. */
export function isStandbyAlias(alias: string): boolean {
  return alias.startsWith(standbyPrefix);
}

/** What a person runs to take a standby from a VM that has it. */
export function takeStandbyCommand({ uuid, nics, storedNics }: Vm, alias: string): string {
  const isIn = (all: readonly VmNic[]): boolean => all.some((nic) => nic.alias === alias);
  const scope = `${isIn(nics) ? ' --live' : ''}${isIn(storedNics) ? ' --config' : ''}`;
  return `\`virsh detach-device-alias ${uuid} ${alias}${scope}\``;
}

/** Whether an interface is the VF of a lease, under our name or, plugged in by somebody else, under another. */
export function isVfNic(nic: VmNic, lease: Pick<Lease, 'generation' | 'standby' | 'address'>): boolean {
  return nic.alias === vfAliasOf(lease) || (lease.address !== undefined && nic.hostAddress === lease.address);
}

/** Whether the running VM, or its stored definition, has the VF of a lease. */
export function hasVf(vm: Vm, lease: Pick<Lease, 'generation' | 'standby' | 'address'>): ChangeScope {
  return {
    live: vm.nics.some((nic) => isVfNic(nic, lease)),
    stored: vm.storedNics.some((nic) => isVfNic(nic, lease)),
  };
}

/**
 * Whether a VM still has what the lease stands for: the running VM has the VF, or its stored definition names it and the
 * lease is for that.
 */
export function isOwning(vm: Vm, lease: Lease): boolean {
  const { live, stored } = hasVf(vm, lease);
  if (isActive(vm) && live) return true;
  return stored && lease.owner.kind === 'libvirt' && lease.owner.hold === 'stored';
}

/** Where a VM can have devices at all. */
export function wholeScope(vm: Vm): ChangeScope {
  return { live: isActive(vm), stored: vm.persistent };
}

/** Whether a VM has the standby of a lease, and wherever it has one of the pair it has the other. */
export function isWholePair(vm: Vm, lease: Lease): boolean {
  const { live, stored } = hasVf(vm, lease);
  const standby = hasStandby(vm, lease);
  return standby.live === live && standby.stored === stored && (live || stored);
}

/** Whether the running VM, or its stored definition, has the standby of a lease. */
export function hasStandby(vm: Vm, lease: Pick<Lease, 'generation' | 'standby'>): ChangeScope {
  const alias = standbyAliasOf(lease);
  return {
    live: vm.nics.some((nic) => nic.alias === alias),
    stored: vm.storedNics.some((nic) => nic.alias === alias),
  };
}

/** Aliases under which a VM has the VF of a lease; our own comes first, also where it is not seen. */
export function vfAliasesOf(vm: Vm, lease: Lease): readonly string[] {
  const found = [...vm.nics, ...vm.storedNics].flatMap((nic) =>
    isVfNic(nic, lease) && nic.alias !== undefined ? [nic.alias] : [],
  );
  return [...new Set([vfAliasOf(lease), ...found])];
}
