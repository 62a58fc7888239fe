// Owns the reading of the CPUs and the memory that VMs can be placed on.

import { present } from '../base/present.ts';
import type { FileTree } from '../kernel/kernel.ts';
import { readAvailableMb } from '../kernel/proc/meminfo.ts';
import { groupByCore, readIsolatedCpus, readOnlineCpus } from '../kernel/sysfs/cpu.ts';
import { listNumaNodes, readNumaNodeFiles, readWholeHostAsNode } from '../kernel/sysfs/numa.ts';
import type { NumaNodeFiles } from '../kernel/sysfs/numa.ts';
import type { CpuNode, HostCpus } from '../model/host-cpus.ts';

const kbPerMb = 1024;

/** Reads the CPUs of the host. Nodes without CPUs are among them: a card can be on one. */
export function readHostCpus(files: FileTree): HostCpus {
  const numbers = listNumaNodes(files);
  const nodes =
    numbers.length === 0
      ? [nodeOf(files, 0, { ...readWholeHostAsNode(files), cpus: readOnlineCpus(files) }, '/proc/meminfo')]
      : numbers.map((node) => {
          const meminfo = `/sys/devices/system/node/node${node}/meminfo`;
          return nodeOf(files, node, readNumaNodeFiles(files, node), meminfo);
        });
  return { nodes, isolated: [...(readIsolatedCpus(files) ?? [])] };
}

function nodeOf(
  files: FileTree,
  node: number,
  { cpus = [], hugepages }: Pick<NumaNodeFiles, 'cpus' | 'hugepages'>,
  meminfoPath: string,
): CpuNode {
  return present({
    node,
    cores: groupByCore(files, cpus).map((core) => [...core]),
    availableMb: readAvailableMb(files, meminfoPath),
    hugepagesFreeMb: hugepages.reduce((sum, { sizeKb, free }) => sum + (sizeKb * free) / kbPerMb, 0),
  });
}
