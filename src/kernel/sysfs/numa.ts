// Owns the NUMA nodes of the host.

import type { FileTree } from '../kernel.ts';

/** Numbers of the NUMA nodes in rising order; empty on a kernel without NUMA (Documentation/ABI/stable/sysfs-devices-node). */
export function listNumaNodes(files: FileTree): readonly number[] {
  return files
    .list('/sys/devices/system/node')
    .filter((name) => /^node[0-9]{1,5}$/.test(name))
    .map((name) => Number(name.slice('node'.length)))
    .sort((a, b) => a - b);
}
