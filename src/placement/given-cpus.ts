// Owns which CPUs of a node a VM gets: free cores whole, in the order of their worth, and what stays of a core is its own.

import type { CpuNode, HostCpus } from '../model/host-cpus.ts';
import { isActive } from '../model/vm.ts';
import type { Vm, VmPlacement } from '../model/vm.ts';
import { takeThreads } from './core-threads.ts';

export interface GivenCpus {
  /** A CPU for each vCPU. */
  readonly vcpus: readonly number[];
  readonly emulator: readonly number[];
  /** I/O threads, by number, that need not run where the emulator does. */
  readonly ioThreads: Readonly<Record<string, readonly number[]>>;
  /** The emulator has no CPU besides those of the vCPUs. */
  readonly isShared: boolean;
}

type Owners = ReadonlyMap<number, string>;

/** Cores of a node of which nobody else has a thread: siblings of a core are of one VM. */
export function freeCoresOf({ cores }: CpuNode, owners: Owners): readonly (readonly number[])[] {
  return cores.filter((core) => core.every((cpu) => !owners.has(cpu)));
}

/**
 * Gives CPUs to so many vCPUs; undefined when the free cores have too few. Isolated cores come first, the core of CPU 0
 * last, where the kernel does what no other CPU does. Siblings that are left over are the emulator's.
 */
export function giveCpus(
  free: readonly (readonly number[])[],
  vcpuCount: number,
  { isolated }: Pick<HostCpus, 'isolated'>,
): GivenCpus | undefined {
  const isolatedCpus = new Set(isolated);
  const worthOf = (core: readonly number[]): number =>
    core.includes(0) ? 2 : core.every((cpu) => isolatedCpus.has(cpu)) ? 0 : 1;
  const vcpus: number[] = [];
  const begun: number[] = [];
  for (const worth of [0, 1, 2]) {
    const cores = free.filter((core) => worthOf(core) === worth).map((core) => [...core]);
    const sizes = cores.map(({ length }) => length);
    const wanted = Math.min(vcpuCount - vcpus.length, cores.flat().length);
    vcpus.push(...(takeThreads(cores, wanted) ?? []));
    begun.push(...cores.filter(({ length }, at) => length < (sizes[at] ?? 0)).flat());
  }
  if (vcpus.length < vcpuCount) return undefined;
  const isShared = begun.length === 0;
  const emulator = (isShared ? vcpus : begun).toSorted((a, b) => a - b);
  return { vcpus, emulator, ioThreads: {}, isShared };
}

/** Where a VM is pinned already, running before stored, if that is as good as what it would be given. */
export function keepCpus(vm: Vm, node: CpuNode, owners: Owners): GivenCpus | undefined {
  const free = new Set(freeCoresOf(node, owners).flat());
  const placements = [isActive(vm) ? vm.placement : undefined, storedPlacementOf(vm)];
  for (const placement of placements) {
    const kept = placement === undefined ? undefined : cpusOf(placement, free);
    if (kept !== undefined && kept.vcpus.length >= vcpuCountOf(vm)) return kept;
  }
  return undefined;
}

/**
 * A CPU for each vCPU, none twice, and an emulator, all of them free; undefined otherwise. I/O threads that are on free CPUs
 * as well stay there.
 */
function cpusOf(placement: VmPlacement, free: ReadonlySet<number>): GivenCpus | undefined {
  const { vcpuCount, vcpuPins, emulatorPin = [], ioThreadPins = {} } = placement;
  const vcpus: number[] = [];
  for (let number = 0; number < vcpuCount; number += 1) {
    const [cpu, ...more] = vcpuPins[number] ?? [];
    if (cpu === undefined || more.length > 0 || !free.has(cpu)) return undefined;
    vcpus.push(cpu);
  }
  const isWhole = new Set(vcpus).size === vcpus.length;
  if (!isWhole || emulatorPin.length === 0 || !emulatorPin.every((cpu) => free.has(cpu))) return undefined;
  return {
    vcpus,
    emulator: emulatorPin,
    ioThreads: Object.fromEntries(
      Object.entries(ioThreadPins).filter(([, pin]) => pin.every((cpu) => free.has(cpu))),
    ),
    isShared: emulatorPin.every((cpu) => vcpus.includes(cpu)),
  };
}

/** Where the VM would start next; undefined without a stored definition. */
export function storedPlacementOf({ persistent, placement, storedPlacement }: Vm): VmPlacement | undefined {
  return persistent ? (storedPlacement ?? placement) : undefined;
}

/** Numbers of the I/O threads that the running VM or its stored definition has. */
export function ioThreadsOf(vm: Vm): readonly number[] {
  return [...new Set([vm.placement, storedPlacementOf(vm)].flatMap((each) => each?.ioThreads ?? []))];
}

/** vCPUs of the running VM or of the stored definition, whichever has more. */
export function vcpuCountOf(vm: Vm): number {
  return Math.max(vm.placement.vcpuCount, storedPlacementOf(vm)?.vcpuCount ?? 0);
}
