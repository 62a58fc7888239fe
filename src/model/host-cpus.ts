// Owns what a host has of CPUs and memory, as far as placing a VM needs it.
// Shapes only; src/inventory/host-cpus.ts reads them, src/placement gives them out.

export interface CpuNode {
  readonly node: number;
  /** Online CPUs by core: threads of one core stand together. */
  readonly cores: readonly (readonly number[])[];
  /** Memory that nothing needs: unused, or cache that the kernel gives up. MiB; absent: not known. */
  readonly availableMb?: number;
  /** Huge pages of all sizes that nobody has; VMs that are backed by them need no other memory. MiB. */
  readonly hugepagesFreeMb?: number;
}

export interface HostCpus {
  /** By number. A kernel without NUMA has one, 0. */
  readonly nodes: readonly CpuNode[];
  /** CPUs that `isolcpus` keeps free of other work. */
  readonly isolated: readonly number[];
}
