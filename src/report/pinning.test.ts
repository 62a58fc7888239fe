import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostNode } from '../sizing/host-model.ts';
import { NodeThreads } from './pinning.ts';

function node(coreCount: number, threadsPerCore: number, reservedCores: number): HostNode {
  return {
    node: 0,
    coreCount,
    threadCount: coreCount * threadsPerCore,
    reservedCores,
    vcpuCapacity: (coreCount - reservedCores) * threadsPerCore,
    memoryMb: 1024,
    memoryCapacityMb: 1024,
  };
}

const cores = [
  [0, 8],
  [1, 9],
  [2, 10],
  [3, 11],
];
const cpusOf = (threads: ReturnType<NodeThreads['take']>): (number | undefined)[] | undefined =>
  threads?.map(({ cpu }) => cpu);

describe('threads of a node', () => {
  it('leaves the first cores to the host', () => {
    const threads = new NodeThreads(node(4, 2, 1), cores);
    expect(threads.kept.map(({ cpu }) => cpu)).toEqual([0, 8]);
    expect(cpusOf(threads.take(6))).toEqual([1, 9, 2, 10, 3, 11]);
    expect(threads.take(1)).toBeUndefined();
  });

  it('gives whole cores first, and fills a core that is begun before it begins another', () => {
    const threads = new NodeThreads(node(4, 2, 0), cores);
    expect(cpusOf(threads.take(3))).toEqual([0, 8, 1]);
    expect(cpusOf(threads.take(2))).toEqual([2, 10]);
    expect(cpusOf(threads.take(1))).toEqual([9]);
    expect(cpusOf(threads.take(2))).toEqual([3, 11]);
  });

  it('takes nothing when there are too few', () => {
    const threads = new NodeThreads(node(4, 2, 0), cores);
    expect(threads.take(9)).toBeUndefined();
    expect(threads.take(8)).toHaveLength(8);
  });

  it('gives every thread once, and all that there are, whatever is asked for', () => {
    const inputs = fc.record({
      coreCount: fc.integer({ min: 1, max: 24 }),
      perCore: fc.integer({ min: 1, max: 4 }),
      counts: fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 40 }),
    });
    fc.assert(
      fc.property(inputs, ({ coreCount, perCore, counts }) => {
        const threads = new NodeThreads(node(coreCount, perCore, 0));
        const given: string[] = [];
        for (const count of counts) {
          const taken = threads.take(count);
          expect(taken?.length).toBe(given.length + count > coreCount * perCore ? undefined : count);
          given.push(...(taken ?? []).map(({ core, thread }) => `${core}.${thread}`));
        }
        expect(new Set(given).size).toBe(given.length);
      }),
    );
  });
});
