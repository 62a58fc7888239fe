// Owns the form of /proc/meminfo, which the NUMA nodes' files of this name have as well.

import type { FileTree } from '../kernel.ts';
import { readLines } from '../file-text.ts';

export interface Meminfo {
  readonly totalMb: number | undefined;
  readonly freeMb: number | undefined;
}

const kbPerMb = 1024;

/**
 * Memory of the host (`/proc/meminfo`) or of a node (`/sys/devices/system/node/nodeN/meminfo`, whose lines begin with
 * `Node N`). Free memory is what nothing uses at all; page cache is not part of it. What is not there is undefined.
 */
export function readMeminfo(files: FileTree, path: string): Meminfo {
  const fields = readFields(files, path);
  return { totalMb: fields.get('MemTotal'), freeMb: fields.get('MemFree') };
}

/**
 * Memory of the host or of a node that a new program can have: what nothing uses, and what the kernel gives up for it, page
 * cache that is no shared memory and slabs (Documentation/filesystems/proc.rst, MemAvailable; nodes have no such line).
 * MiB; undefined where it does not say how much is free.
 */
export function readAvailableMb(files: FileTree, path: string): number | undefined {
  const fields = readFields(files, path);
  const freeMb = fields.get('MemFree');
  if (freeMb === undefined) return undefined;
  const cacheMb = (fields.get('FilePages') ?? fields.get('Cached') ?? 0) - (fields.get('Shmem') ?? 0);
  return freeMb + Math.max(0, cacheMb) + (fields.get('SReclaimable') ?? 0);
}

/** MiB by name. */
function readFields(files: FileTree, path: string): ReadonlyMap<string, number> {
  const fields = new Map<string, number>();
  for (const line of readLines(files, path)) {
    const [, name, kb] = /^(?:Node [0-9]+ )?([A-Za-z0-9_()]+):\s+([0-9]{1,15}) kB$/.exec(line.trim()) ?? [];
    if (name !== undefined) fields.set(name, Math.floor(Number(kb) / kbPerMb));
  }
  return fields;
}
