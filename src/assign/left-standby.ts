// Owns the standby that an earlier VF has left in a VM, here or on the host that the VM came from: a new VF makes a pair with
// it, so that the guest keeps its interface and its address. Pure.

import { VfleetError } from '../base/errors.ts';
import type { ChangeScope } from '../hypervisor/hypervisor.ts';
import type { Lease } from '../model/lease.ts';
import type { Vm, VmNic } from '../model/vm.ts';
import { isStandbyAlias, standbyAliasOf, takeStandbyCommand } from './vm-nic.ts';
import { quoted } from './wording.ts';

/** A failover pair that is to be made. */
export interface Pairing {
  readonly vm: Vm;
  readonly scope: ChangeScope;
  readonly standby: NonNullable<Lease['standby']>;
}

/** Aliases of the standbys of a VM to which no VF and no lease belongs. */
export function listLeftStandbys({ nics, storedNics }: Vm, leases: readonly Lease[]): ReadonlySet<string> {
  const all = [...nics, ...storedNics];
  const taken = new Set([
    ...leases.map((lease) => standbyAliasOf(lease)),
    ...all.map(({ teaming }) => teaming?.partner),
  ]);
  return new Set(
    all.flatMap(({ alias, teaming }) =>
      alias !== undefined && isStandbyAlias(alias) && teaming?.role === 'persistent' && !taken.has(alias)
        ? [alias]
        : [],
    ),
  );
}

/** VMs without the standbys that a new VF may be paired with: their addresses are free for it. */
export function withoutLeft(vms: readonly Vm[], { uuid }: Vm, left: ReadonlySet<string>): readonly Vm[] {
  const others = (nics: readonly VmNic[]): VmNic[] => nics.filter(({ alias }) => !left.has(alias ?? ''));
  return vms.map((vm) =>
    vm.uuid === uuid ? { ...vm, nics: others(vm.nics), storedNics: others(vm.storedNics) } : vm,
  );
}

/**
 * The standby of a lease with these settings: one that was left and has its address, with its name, or a new one. Throws
 * `usage.invalid` for one that has the address and is not where it is wanted.
 */
export function standbyFor(
  { vm, scope, standby }: Pairing,
  left: ReadonlySet<string>,
  { mac, vlan = 0 }: Lease['settings'],
): NonNullable<Lease['standby']> {
  const found = (nics: readonly VmNic[]): VmNic | undefined =>
    nics.find((nic) => nic.mac === mac && left.has(nic.alias ?? ''));
  const live = found(vm.nics);
  const stored = found(vm.storedNics);
  const nic = live ?? stored;
  if (nic?.alias === undefined) return standby;
  const tag = standby.kind === 'openvswitch' ? vlan : 0;
  const isSame = (other: VmNic | undefined): boolean =>
    other !== undefined &&
    other.alias === nic.alias &&
    other.bridge === standby.bridge &&
    (other.virtualPort === 'openvswitch') === (standby.kind === 'openvswitch') &&
    (other.vlan ?? 0) === tag;
  if ((!scope.live || isSame(live)) && (!scope.stored || isSame(stored)))
    return { ...standby, alias: nic.alias };
  const isHalf = (scope.live && live === undefined) || (scope.stored && stored === undefined);
  const half = live === undefined ? ', in its stored definition alone' : ', in the running VM alone';
  const tagged = (number: number): string => (number === 0 ? '' : ` with VLAN ${number}`);
  throw new VfleetError(
    'usage.invalid',
    `${quoted(vm.name)} has the standby of an earlier VF on ${quoted(nic.bridge ?? '')}${tagged(nic.vlan ?? 0)}${isHalf ? half : ''}, ` +
      `which makes no pair with a VF and a standby on ${quoted(standby.bridge)}${tagged(tag)}`,
    { hint: `ask for a pair as it was, or take it first: ${takeStandbyCommand(vm, nic.alias)}` },
  );
}
