// Owns which threads of a host's processors the vCPUs of each machine run on.
// Whole cores first; threads of one core stay together; the first cores of a node are the host's own.

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
    if (this.free.reduce((sum, { length }) => sum + length, 0) < count) return undefined;
    const taken: Thread[] = [];
    for (;;) {
      const left = count - taken.length;
      if (left === 0) return taken;
      const core = this.bestCore(left);
      if (core === undefined) return undefined;
      taken.push(...core.splice(0, left));
    }
  }

  /** The fullest core that is needed whole; otherwise the one with the least to spare, the first of equals. */
  private bestCore(left: number): Thread[] | undefined {
    let whole: Thread[] | undefined;
    let tight: Thread[] | undefined;
    for (const core of this.free) {
      const { length } = core;
      if (length === 0) continue;
      if (length <= left && length > (whole?.length ?? 0)) whole = core;
      if (length > left && length < (tight?.length ?? Infinity)) tight = core;
    }
    return whole ?? tight;
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

/** Numbers as the kernel writes lists: `0-3,8`. Empty for none. */
export function listText(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const number of sorted) {
    const last = ranges.at(-1);
    if (last !== undefined && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}
