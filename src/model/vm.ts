// Owns what a VM is to vfleet: its state, its network interfaces, and where its CPUs and memory are.
// Schemas only; a hypervisor (src/hypervisor) fills them.

import { z } from 'zod';

export const VmState = z.enum(['running', 'paused', 'stopping', 'stopped', 'crashed', 'suspended']);
export type VmState = z.infer<typeof VmState>;

/** A network interface of a VM. */
export const VmNic = z.strictObject({
  /** libvirt's `type`: `hostdev`, `bridge`, `network`, `user`, `vhostuser` …; `pci` for a plain `<hostdev>` device. */
  kind: z.string(),
  mac: z.string().optional(),
  /** Name of the device in the hypervisor (`hostdev0`, `ua-…`). */
  alias: z.string().optional(),
  /** PCI address of the host's device that is passed through. */
  hostAddress: z.string().optional(),
  vlan: z.int().optional(),
  /** PCI address in the guest. */
  guestAddress: z.string().optional(),
  bridge: z.string().optional(),
  /** libvirt's `virtualport type`, for example `openvswitch`. */
  virtualPort: z.string().optional(),
  network: z.string().optional(),
  model: z.string().optional(),
  /** Interface on the host, for example `vnet0`. */
  hostInterface: z.string().optional(),
  /** Role in a failover pair: `persistent` is the standby, `transient` the VF; `partner` is the standby's alias. */
  teaming: z
    .strictObject({ role: z.enum(['persistent', 'transient']), partner: z.string().optional() })
    .optional(),
});
export type VmNic = z.infer<typeof VmNic>;

/** CPUs that a thread may run on, as a set of host CPU numbers; absent: all. */
const CpuSet = z.array(z.int().min(0));

/** Where a VM runs. Absent: the host's scheduler decides. */
export const VmPlacement = z.strictObject({
  vcpuCount: z.int().min(1),
  /** Maximum memory in MiB. */
  memoryMb: z.number(),
  /** Host CPUs per vCPU number, for those that are pinned. */
  vcpuPins: z.record(z.string(), CpuSet),
  emulatorPin: CpuSet.optional(),
  /** Numbers of the threads that the VM has for disks (libvirt's iothreads), rising; absent: none. */
  ioThreads: z.array(z.int().min(1)).optional(),
  /** Host CPUs per number of an I/O thread, for those that are pinned. */
  ioThreadPins: z.record(z.string(), CpuSet).optional(),
  /** Host NUMA nodes of all of the memory, and how strictly. */
  memoryNodes: z.array(z.int()).optional(),
  memoryMode: z.enum(['strict', 'preferred', 'interleave', 'restrictive']).optional(),
  /** Host NUMA nodes of each part, where parts of the memory are bound by themselves (libvirt's memnode). */
  memoryParts: z.array(z.array(z.int())).optional(),
});
export type VmPlacement = z.infer<typeof VmPlacement>;

/** Pinning of a VM; what is absent stays as it is. Sets of host CPU and NUMA node numbers. */
export interface Pinning {
  readonly vcpuPins?: Readonly<Record<string, readonly number[]>>;
  readonly emulatorPin?: readonly number[];
  readonly ioThreadPins?: Readonly<Record<string, readonly number[]>>;
  readonly memoryNodes?: readonly number[];
}

export const Vm = z.strictObject({
  name: z.string(),
  /** RFC 4122, lower case. */
  uuid: z.string(),
  state: VmState,
  /** Has a stored definition, which outlives a stop. */
  persistent: z.boolean(),
  /**
   * Why its definition cannot be read; only in a list of VMs. What it has and where it runs is not known then: there is
   * an interface of kind `unknown` for each MAC address and each device of the host that stands anywhere in the definition,
   * and the placement says nothing.
   */
  problem: z.string().optional(),
  /**
   * With a `problem`: the hypervisor did not give one of its definitions at all. Then MAC addresses and devices of the host
   * may be its own that are not among its interfaces here.
   */
  withheld: z.literal(true).optional(),
  /** Interfaces that the running VM has; empty when it does not run. */
  nics: z.array(VmNic),
  /** Interfaces in the stored definition; empty when there is none. */
  storedNics: z.array(VmNic),
  placement: VmPlacement,
  /** Where a stored definition would put it at its next start; absent without one. */
  storedPlacement: VmPlacement.optional(),
  /** Process of the running VM, when the hypervisor says. */
  pid: z.int().optional(),
});
export type Vm = z.infer<typeof Vm>;

/** The VM of a UUID, in upper or lower case, or else of a name. */
export function findVm(vms: readonly Vm[], nameOrUuid: string): Vm | undefined {
  const uuid = nameOrUuid.toLowerCase();
  return vms.find((vm) => vm.uuid === uuid) ?? vms.find(({ name }) => name === nameOrUuid);
}

/** Whether a VM has a process and devices now. */
export function isActive(vm: Pick<Vm, 'state'>): boolean {
  return (
    vm.state === 'running' || vm.state === 'paused' || vm.state === 'stopping' || vm.state === 'suspended'
  );
}
