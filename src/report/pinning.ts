// Owns which threads of a host's processors the vCPUs of each machine run on.
// The first cores of a node are the host's own; src/placement gives out the rest, here as on a host that runs.

import { takeThreads } from '../placement/core-threads.ts';
import type { HostNode } from '../sizing/host-model.ts';

/** Online CPUs of a node by core, as the snapshot has them. */
export type NodeCores = readonly (readonly number[])[];

/** A thread of a processor. `cpu` is its number in the kernel; absent where that is not known (host classes). */
export interface Thread {
  readonly core: number;
  readonly thread: number;
  readonly cpu?: number;
}

/** The threads of one node while they are given out. */
export class NodeThreads {
  readonly kept: readonly Thread[];
  /** Every thread that is not the host's own. */
  readonly usable: readonly Thread[];
  /** Free threads by core; the first `whole` of a core. */
  private readonly free: Thread[][];

  /** `cores` absent: as many threads per core as the model says, their numbers unknown. */
  constructor(node: HostNode, cores?: NodeCores) {
    const all = cores === undefined ? unnumbered(node) : numbered(cores);
    this.kept = all.slice(0, node.reservedCores).flat();
    this.free = all.slice(node.reservedCores).map((threads) => [...threads]);
    this.usable = this.free.flat();
  }

  /** Takes threads for so many vCPUs; undefined, with nothing taken, when there are too few. */
  take(count: number): readonly Thread[] | undefined {
    return takeThreads(this.free, count);
  }
}

function numbered(cores: NodeCores): readonly (readonly Thread[])[] {
  return cores.map((cpus, core) => cpus.map((cpu, thread) => ({ core, thread, cpu })));
}

function unnumbered({ coreCount, threadCount }: HostNode): readonly (readonly Thread[])[] {
  const perCore = coreCount === 0 ? 0 : Math.floor(threadCount / coreCount);
  return Array.from({ length: coreCount }, (_, core) =>
    Array.from({ length: perCore }, (__, thread) => ({ core, thread })),
  );
}
