// Owns on which NUMA nodes the memory of a process is.

import type { FileTree } from '../kernel.ts';
import { readLines } from '../file-text.ts';

/** A line for each mapping, some 100 bytes; a QEMU with many threads has a few thousand. */
const numaMapsMaxBytes = 4 * 1024 * 1024;
const kbPerMb = 1024;

/**
 * Memory of a process by node in MiB, as its pages are now (`/proc/PID/numa_maps`, Documentation/filesystems/proc.rst:
 * `N0=12 kernelpagesize_kB=4`). Undefined when the process is gone, may not be looked at, or the kernel has no NUMA.
 */
export function readMemoryByNode(files: FileTree, pid: number): ReadonlyMap<number, number> | undefined {
  const lines = readLines(files, `/proc/${pid}/numa_maps`, numaMapsMaxBytes);
  const kbByNode = new Map<number, number>();
  for (const line of lines) {
    const [, pageKb] = / kernelpagesize_kB=([1-9][0-9]{0,8})(?: |$)/.exec(line) ?? [];
    if (pageKb === undefined) continue;
    for (const [, node, pages] of line.matchAll(/ N([0-9]{1,5})=([0-9]{1,12})(?= |$)/g)) {
      const number = Number(node);
      kbByNode.set(number, (kbByNode.get(number) ?? 0) + Number(pages) * Number(pageKb));
    }
  }
  if (kbByNode.size === 0) return undefined;
  return new Map([...kbByNode].map(([node, kb]) => [node, kb / kbPerMb]));
}
