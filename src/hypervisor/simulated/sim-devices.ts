// Owns the rules of a simulated hypervisor about the devices of one VM: what it takes, what it refuses in which words.
// Works on a draft of the state; whether the draft holds is sim-hypervisor.ts's.

import { VfleetError, messageOf } from '../../base/errors.ts';
import { present } from '../../base/present.ts';
import { findVm, isActive } from '../../model/vm.ts';
import type { Vm, VmNic } from '../../model/vm.ts';
import type { ChangeScope, NewNic } from '../hypervisor.ts';
import type { SimVms } from './sim-vms.ts';

/** What a simulated hypervisor does to the host: src/sim's kernel can. Both answer at once. */
export interface LendingHost {
  /** Sets MAC and VLAN, binds vfio-pci and opens the VF for the VM. Throws when it cannot be. */
  lendVf(
    address: string,
    borrower: { readonly vm: string; readonly mac: string; readonly vlan?: number | undefined },
  ): void;
  returnVf(address: string): void;
}

/** PCIe root ports that are free for hotplug in a usual definition. */
const maxNics = 8;

export function refused(words: string): VfleetError {
  return new VfleetError('hypervisor.refused', `the simulated hypervisor says: ${words}`);
}

export function vmOf(vms: SimVms, nameOrUuid: string): Vm {
  const vm = findVm(vms.vms, nameOrUuid);
  if (vm !== undefined) return vm;
  throw new VfleetError('vm.unknown', `the simulated hypervisor has no VM ${JSON.stringify(nameOrUuid)}`);
}

/** Refuses what needs the definition of a VM that cannot be read. */
export function readableVmOf(vms: SimVms, nameOrUuid: string): Vm {
  const vm = vmOf(vms, nameOrUuid);
  if (vm.problem !== undefined)
    throw new VfleetError(vm.withheld === true ? 'hypervisor.refused' : 'hypervisor.malformed', vm.problem);
  return vm;
}

/** A VM as a list shows it: of a definition that cannot be read, only what others must not be given; of one withheld, nothing. */
export function listedVm(vm: Vm): Vm {
  if (vm.problem === undefined) return vm;
  const { storedPlacement: _, ...others } = vm;
  const listed = (nics: readonly VmNic[]): VmNic[] =>
    vm.withheld === true
      ? []
      : nics.map(({ mac, hostAddress }) => present({ kind: 'unknown', mac, hostAddress }));
  const placement = { vcpuCount: 1, memoryMb: 0, vcpuPins: {} };
  return { ...others, nics: listed(vm.nics), storedNics: listed(vm.storedNics), placement };
}

/** Adds an interface as far as the scope says. */
export function addNic(
  vms: SimVms,
  vm: Vm,
  nic: NewNic,
  scope: ChangeScope,
  host: LendingHost | undefined,
): void {
  if (!scope.live && !scope.stored) throw refused('nothing to change');
  if (scope.live && !isActive(vm)) throw refused('domain is not running');
  if (scope.stored && !vm.persistent) throw refused('transient domains have no stored definition');
  if ('standby' in nic && nic.standby.kind === 'bridge' && nic.standby.vlan !== undefined)
    throw refused('vlan tag not supported for this connection type');
  const made = nicOf(nic);
  for (const nics of [...(scope.live ? [vm.nics] : []), ...(scope.stored ? [vm.storedNics] : [])]) {
    if (nics.some(({ alias }) => alias === made.alias)) throw refused(`alias ${made.alias} is in use`);
    if (nics.length >= maxNics) throw refused('No more available PCI slots');
    const partner = made.teaming?.partner;
    if (partner !== undefined && !nics.some(({ alias }) => alias === partner))
      throw refused(`teaming: there is no interface ${partner}`);
  }
  if (scope.live) vm.nics.push(plug(vms, vm, made, host));
  if (scope.stored) vm.storedNics.push(made);
}

/**
 * QEMU remembers the name of the VF that was paired with a standby, also when that VF is gone, and takes no other
 * (hw/net/virtio-net.c, failover_hide_primary_device).
 */
function pair(vms: SimVms, vm: Vm, { alias = '', teaming }: VmNic): void {
  const primaries = (vms.primaries ??= {});
  const keyOf = (standby: string): string => `${vm.uuid} ${standby}`;
  if (teaming?.role === 'persistent') delete primaries[keyOf(alias)];
  if (teaming?.role !== 'transient' || teaming.partner === undefined) return;
  const old = (primaries[keyOf(teaming.partner)] ??= alias);
  if (old !== alias)
    throw refused(
      `Cannot attach more than one primary device to '${teaming.partner}': '${old}' and '${alias}'`,
    );
}

/** Puts an interface into the running VM; one of the host's devices must be free. */
function plug(vms: SimVms, vm: Vm, nic: VmNic, host: LendingHost | undefined): VmNic {
  pair(vms, vm, nic);
  const { hostAddress, mac = '', vlan } = nic;
  const hostInterface = hostAddress === undefined ? { hostInterface: `vnet${vms.nextEvent}` } : {};
  if (hostAddress === undefined) return { ...nic, ...hostInterface };
  const user = vms.vms.find(({ nics }) => nics.some((other) => other.hostAddress === hostAddress));
  if (user !== undefined)
    throw refused(
      `PCI device ${hostAddress} is in use by driver vfio-pci, domain ${JSON.stringify(user.name)}`,
    );
  try {
    host?.lendVf(hostAddress, { vm: vm.name, mac, vlan });
  } catch (error) {
    throw refused(messageOf(error));
  }
  return { ...nic, guestAddress: `0000:0${(vm.nics.length + 1).toString(16)}:00.0` };
}

/** Takes an interface out of the running VM; answers whether there was one. */
export function unplug(vm: Vm, alias: string, host: LendingHost | undefined): boolean {
  const found = vm.nics.find((nic) => nic.alias === alias);
  if (found === undefined) return false;
  vm.nics = vm.nics.filter((nic) => nic !== found);
  if (found.hostAddress !== undefined) host?.returnVf(found.hostAddress);
  return true;
}

/** The running VM is no more: its devices go back. */
export function unplugAll(vm: Vm, host: LendingHost | undefined): void {
  for (const { hostAddress } of vm.nics) if (hostAddress !== undefined) host?.returnVf(hostAddress);
  vm.nics = [];
}

/** The VM runs with what its stored definition names. */
export function plugStored(vms: SimVms, vm: Vm, host: LendingHost | undefined): void {
  try {
    for (const nic of vm.storedNics) vm.nics.push(plug(vms, vm, nic, host));
  } catch (error) {
    unplugAll(vm, host);
    throw error;
  }
}

function nicOf(nic: NewNic): VmNic {
  if ('standby' in nic) {
    const { kind, bridge, mac, vlan, alias } = nic.standby;
    return {
      kind: 'bridge',
      bridge,
      mac,
      alias,
      model: 'virtio',
      teaming: { role: 'persistent' },
      ...(vlan === undefined ? {} : { vlan }),
      ...(kind === 'openvswitch' ? { virtualPort: 'openvswitch' } : {}),
    };
  }
  const { hostAddress, mac, vlan, alias, standbyAlias } = nic.vf;
  return {
    kind: 'hostdev',
    hostAddress,
    mac,
    alias,
    ...(vlan === undefined ? {} : { vlan }),
    ...(standbyAlias === undefined ? {} : { teaming: { role: 'transient', partner: standbyAlias } }),
  };
}
