import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { emptyHost } from '../kernel/sysfs/igb-host.fixture.ts';
import type { HostFolder } from '../kernel/sysfs/igb-host.fixture.ts';
import { simProfileOf } from '../sim/profiles/profile-table.ts';
import { createSimKernel } from '../sim/sim-kernel.ts';
import { platformOf } from '../sim/platform.ts';
import { readHostCpus } from './host-cpus.ts';

let host: HostFolder;
beforeEach(() => {
  host = emptyHost();
});
afterEach(() => host.remove('/'));

describe('CPUs to place VMs on', () => {
  it('are those of each node by core, with what memory is left', () => {
    const profile = simProfileOf('mixed-numa');
    const { nodes, isolated } = readHostCpus(createSimKernel({ profile }).files);
    const { coresPerNode, threadsPerCore, memoryFreeMbPerNode } = platformOf(profile);
    expect(nodes.map(({ node }) => node)).toEqual([0, 1]);
    expect(nodes.map(({ cores }) => cores.map(({ length }) => length))).toEqual(
      nodes.map(() => Array.from({ length: coresPerNode }, () => threadsPerCore)),
    );
    expect(nodes.map(({ availableMb }) => availableMb)).toEqual(nodes.map(() => memoryFreeMbPerNode));
    expect(isolated).toEqual([]);
  });

  it('are all on node 0 where the kernel has no NUMA', () => {
    host.write('/sys/devices/system/cpu/online', '0-2\n');
    host.write('/sys/devices/system/cpu/isolated', '2\n');
    host.write('/sys/devices/system/cpu/cpu0/topology/core_cpus_list', '0-1\n');
    host.write('/proc/meminfo', 'MemTotal: 4096 kB\nMemFree: 1024 kB\nCached: 1024 kB\n');
    host.write('/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages', '8\n');
    host.write('/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages', '3\n');
    expect(readHostCpus(host.files)).toEqual({
      nodes: [{ node: 0, cores: [[0, 1], [2]], availableMb: 2, hugepagesFreeMb: 6 }],
      isolated: [2],
    });
  });

  it('are none where nothing is said', () => {
    expect(readHostCpus(host.files)).toEqual({
      nodes: [{ node: 0, cores: [], hugepagesFreeMb: 0 }],
      isolated: [],
    });
  });
});
