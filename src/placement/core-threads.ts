// Owns the order in which threads of cores are given out: for a VM on this host, and for a host that is only planned.

/**
 * Takes so many threads out of free cores, which are changed; undefined, with nothing taken, when there are too few. Whole
 * cores first, the largest; what is left of the wish comes from the core with the least to spare. The first of equals.
 */
export function takeThreads<Thread>(free: readonly Thread[][], count: number): readonly Thread[] | undefined {
  if (free.reduce((sum, { length }) => sum + length, 0) < count) return undefined;
  const taken: Thread[] = [];
  for (;;) {
    const left = count - taken.length;
    if (left === 0) return taken;
    const core = bestCore(free, left);
    if (core === undefined) return undefined;
    taken.push(...core.splice(0, left));
  }
}

/** The fullest core that is needed whole; otherwise the one with the least to spare. */
function bestCore<Thread>(free: readonly Thread[][], left: number): Thread[] | undefined {
  let whole: Thread[] | undefined;
  let tight: Thread[] | undefined;
  for (const core of free) {
    const { length } = core;
    if (length === 0) continue;
    if (length <= left && length > (whole?.length ?? 0)) whole = core;
    if (length > left && length < (tight?.length ?? Infinity)) tight = core;
  }
  return whole ?? tight;
}
