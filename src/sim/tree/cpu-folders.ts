// Owns /sys/devices/system of a simulated host: CPUs and NUMA nodes.
// Sources: Documentation/ABI/testing/sysfs-devices-system-cpu, Documentation/ABI/stable/sysfs-devices-node.

import type { SimHost } from '../host.ts';
import { cpuCountOf, cpusOfNode, platformOf } from '../platform.ts';
import type { SimPlatform } from '../platform.ts';
import type { FolderNode, TreeNode } from './node.ts';
import { folderOf, line, listFolder } from './node.ts';

const kbPerMb = 1024;

export function systemFolder(host: SimHost): FolderNode {
  return folderOf({ cpu: cpuFolder(host), node: nodesFolder(host) });
}

function nodesFolder({ profile }: SimHost): FolderNode {
  const { numaNodes } = profile;
  const platform = platformOf(profile);
  const nodes = numaNodes.map((node, index) => {
    const cpus = cpusOfNode(profile, index).flat();
    const memory = {
      MemTotal: platform.memoryMbPerNode,
      MemFree: platform.memoryFreeMbPerNode,
      MemUsed: platform.memoryMbPerNode - platform.memoryFreeMbPerNode,
    };
    const files = {
      cpulist: line(textOfCpus(cpus)),
      meminfo: line(
        Object.entries(memory)
          .map(([name, mb]) => `Node ${node} ${`${name}:`.padEnd(15)}${String(mb * kbPerMb).padStart(12)} kB`)
          .join('\n'),
      ),
      hugepages: hugepagesFolder(platform),
    };
    return [`node${node}`, folderOf(files)] as const;
  });
  return folderOf({ ...Object.fromEntries(nodes), online: line(numaNodes.join(',')) });
}

function hugepagesFolder({ hugepages }: SimPlatform): FolderNode {
  const sizes = hugepages.map(({ sizeKb, total, free }) => {
    const files = { nr_hugepages: line(total), free_hugepages: line(free), surplus_hugepages: line(0) };
    return [`hugepages-${sizeKb}kB`, folderOf(files)] as const;
  });
  return folderOf(Object.fromEntries(sizes));
}

function cpuFolder(host: SimHost): FolderNode {
  const { profile } = host;
  const platform = platformOf(profile);
  const count = cpuCountOf(profile);
  const { governor } = platform;
  const policies = Array.from({ length: governor === undefined ? 0 : count }, (_, cpu) => `policy${cpu}`);
  const policy = folderOf({ scaling_governor: line(governor ?? '') });
  const fixed: Readonly<Record<string, TreeNode>> = {
    online: line(`0-${count - 1}`),
    present: line(`0-${count - 1}`),
    isolated: line(platform.isolatedCpus),
    cpufreq: listFolder(
      () => policies,
      (name) => (policies.includes(name) ? policy : undefined),
    ),
  };
  const cores = new Map<string, { readonly index: number; readonly core: readonly number[] }>(
    profile.numaNodes.flatMap((_, index) =>
      cpusOfNode(profile, index).flatMap((core) =>
        core.map((cpu) => [`cpu${cpu}`, { index, core }] as const),
      ),
    ),
  );
  const idle = idleFolder(platform);
  return listFolder(
    () => [...Object.keys(fixed), ...cores.keys()],
    (name) => {
      const place = cores.get(name);
      if (place === undefined) return Object.hasOwn(fixed, name) ? fixed[name] : undefined;
      const siblings = line(textOfCpus(place.core));
      const topology = {
        core_cpus_list: siblings,
        thread_siblings_list: siblings,
        physical_package_id: line(place.index),
      };
      return folderOf({ topology: folderOf(topology), ...(idle === undefined ? {} : { cpuidle: idle }) });
    },
  );
}

function idleFolder({ idleStates }: SimPlatform): FolderNode | undefined {
  if (idleStates.length === 0) return undefined;
  const states = idleStates.map(({ name, exitLatencyUs, disabled }, index) => {
    const files = {
      name: line(name),
      latency: line(exitLatencyUs),
      disable: line(disabled === true ? 1 : 0),
    };
    return [`state${index}`, folderOf(files)] as const;
  });
  return folderOf(Object.fromEntries(states));
}

/** CPUs as the kernel writes them: `0-7,16-23`. */
function textOfCpus(cpus: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const cpu of [...cpus].sort((a, b) => a - b)) {
    const range = ranges.at(-1);
    if (range !== undefined && cpu === range.last + 1) range.last = cpu;
    else ranges.push({ first: cpu, last: cpu });
  }
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}
