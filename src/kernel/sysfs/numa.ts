// Owns the NUMA nodes of the host: their CPUs, memory and huge pages.

import { parseCpuList } from '../cpu-list.ts';
import { readInteger, readText } from '../file-text.ts';
import type { FileTree } from '../kernel.ts';
import { readMeminfo } from '../proc/meminfo.ts';
import type { Meminfo } from '../proc/meminfo.ts';

const nodesPath = '/sys/devices/system/node';

/** Huge pages of one size. */
export interface Hugepages {
  readonly sizeKb: number;
  readonly total: number;
  readonly free: number;
}

export interface NumaNodeFiles extends Meminfo {
  /** Online CPUs; undefined when the kernel does not say. */
  readonly cpus: readonly number[] | undefined;
  readonly hugepages: readonly Hugepages[];
}

/** Numbers of the NUMA nodes in rising order; empty on a kernel without NUMA (Documentation/ABI/stable/sysfs-devices-node). */
export function listNumaNodes(files: FileTree): readonly number[] {
  return files
    .list(nodesPath)
    .filter((name) => /^node[0-9]{1,5}$/.test(name))
    .map((name) => Number(name.slice('node'.length)))
    .sort((a, b) => a - b);
}

/** A node's CPUs, memory and huge pages (`cpulist`, `meminfo`, `hugepages/` of Documentation/ABI/stable/sysfs-devices-node). */
export function readNumaNodeFiles(files: FileTree, node: number): NumaNodeFiles {
  const folder = `${nodesPath}/node${node}`;
  return {
    ...readMeminfo(files, `${folder}/meminfo`),
    cpus: parseCpuList(readText(files, `${folder}/cpulist`)),
    hugepages: listHugepages(files, `${folder}/hugepages`),
  };
}

/**
 * The same for a kernel without NUMA, whose only node is the whole host (`/proc/meminfo`, `/sys/kernel/mm/hugepages`,
 * Documentation/admin-guide/mm/hugetlbpage.rst). Its CPUs are those that are online (cpu.ts).
 */
export function readWholeHostAsNode(files: FileTree): Omit<NumaNodeFiles, 'cpus'> {
  return {
    ...readMeminfo(files, '/proc/meminfo'),
    hugepages: listHugepages(files, '/sys/kernel/mm/hugepages'),
  };
}

/** Sizes in rising order; one whose numbers cannot be read is left out. */
function listHugepages(files: FileTree, folder: string): readonly Hugepages[] {
  const found: Hugepages[] = [];
  for (const name of files.list(folder)) {
    const [, size] = /^hugepages-([0-9]{1,12})kB$/.exec(name) ?? [];
    const total = readInteger(files, `${folder}/${name}/nr_hugepages`);
    const free = readInteger(files, `${folder}/${name}/free_hugepages`);
    if (size === undefined || total === undefined || free === undefined) continue;
    found.push({ sizeKb: Number(size), total, free });
  }
  return found.sort((a, b) => a.sizeKb - b.sizeKb);
}
