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
  const fields = new Map<string, number>();
  for (const line of readLines(files, path)) {
    const [, name, kb] = /^(?:Node [0-9]+ )?([A-Za-z0-9_()]+):\s+([0-9]{1,15}) kB$/.exec(line.trim()) ?? [];
    if (name !== undefined) fields.set(name, Math.floor(Number(kb) / kbPerMb));
  }
  return { totalMb: fields.get('MemTotal'), freeMb: fields.get('MemFree') };
}
