import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  groupByCore,
  listGovernors,
  readDeepestIdleState,
  readIsolatedCpus,
  readOnlineCpus,
  readPackage,
} from './cpu.ts';
import { hasSecurityFiles, readDmi, readLockdown, readSecureBoot, readUefi } from './firmware.ts';
import type { HostFolder } from './igb-host.fixture.ts';
import { emptyHost } from './igb-host.fixture.ts';
import { hasIommufd, listIommuUnits, readVfioSwitches } from './iommu.ts';
import { listNumaNodes, readNumaNodeFiles, readWholeHostAsNode } from './numa.ts';
import { readTpm } from './tpm.ts';

const cpu = '/sys/devices/system/cpu';
const node = '/sys/devices/system/node';
const secureBoot = '/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c';

let host: HostFolder;
beforeEach(() => {
  host = emptyHost();
});
afterEach(() => host.remove('/'));

describe('CPUs', () => {
  it('are grouped by core, by either name of the file, as far as they are asked for', () => {
    for (const name of ['0', '2']) host.write(`${cpu}/cpu${name}/topology/core_cpus_list`, '0,2\n');
    for (const name of ['1', '3']) host.write(`${cpu}/cpu${name}/topology/thread_siblings_list`, '1,3\n');
    host.write(`${cpu}/cpu0/topology/physical_package_id`, '1\n');
    host.write(`${cpu}/cpu1/topology/physical_package_id`, '-1\n');
    expect(groupByCore(host.files, [0, 1, 2, 3, 4])).toEqual([[0, 2], [1, 3], [4]]);
    expect(groupByCore(host.files, [2, 3])).toEqual([[2], [3]]);
    expect([0, 1, 2].map((each) => readPackage(host.files, each))).toEqual([1, undefined, undefined]);
  });

  it('online and isolated', () => {
    expect(readOnlineCpus(host.files)).toBeUndefined();
    host.write(`${cpu}/online`, '0-2\n');
    host.write(`${cpu}/isolated`, '\n');
    expect(readOnlineCpus(host.files)).toEqual([0, 1, 2]);
    expect(readIsolatedCpus(host.files)).toEqual([]);
  });

  it('governors, each once', () => {
    expect(listGovernors(host.files)).toEqual([]);
    for (const [policy, governor] of Object.entries({
      policy0: 'schedutil',
      policy1: 'performance',
      policy2: 'schedutil',
    }))
      host.write(`${cpu}/cpufreq/${policy}/scaling_governor`, `${governor}\n`);
    host.folder(`${cpu}/cpufreq/boost`);
    expect(listGovernors(host.files)).toEqual(['performance', 'schedutil']);
  });

  it('the deepest idle state is one that some CPU still has', () => {
    const state = (number: number, index: number, name: string, latency: number, disable: number): void => {
      const folder = `${cpu}/cpu${number}/cpuidle/state${index}`;
      for (const [file, value] of Object.entries({ name, latency, disable }))
        host.write(`${folder}/${file}`, `${value}\n`);
    };
    expect(readDeepestIdleState(host.files, [0, 1])).toBeUndefined();
    for (const number of [0, 1]) {
      state(number, 0, 'POLL', 0, 0);
      state(number, 1, 'C1', 2, 0);
      state(number, 2, 'C6', 170, 1);
    }
    expect(readDeepestIdleState(host.files, [0, 1])).toEqual({ name: 'C1', exitLatencyUs: 2 });
    state(1, 2, 'C6', 170, 0);
    expect(readDeepestIdleState(host.files, [0, 1])).toEqual({ name: 'C6', exitLatencyUs: 170 });
    expect(readDeepestIdleState(host.files, [0])).toEqual({ name: 'C1', exitLatencyUs: 2 });
  });
});

describe('a NUMA node', () => {
  it('has CPUs, memory, and huge pages in the order of their size', () => {
    host.write(`${node}/node1/cpulist`, '1,3\n');
    host.write(`${node}/node1/meminfo`, '\nNode 1 MemTotal:  2097152 kB\nNode 1 MemFree:  1048576 kB\n');
    for (const [size, total] of Object.entries({ 1048576: 4, 2048: 512 })) {
      host.write(`${node}/node1/hugepages/hugepages-${size}kB/nr_hugepages`, `${total}\n`);
      host.write(`${node}/node1/hugepages/hugepages-${size}kB/free_hugepages`, `1\n`);
    }
    host.folder(`${node}/node1/hugepages/hugepages-64kB`);
    expect(readNumaNodeFiles(host.files, 1)).toEqual({
      cpus: [1, 3],
      totalMb: 2048,
      freeMb: 1024,
      hugepages: [
        { sizeKb: 2048, total: 512, free: 1 },
        { sizeKb: 1_048_576, total: 4, free: 1 },
      ],
    });
  });

  it('without memory of its own has none, and one that has gone nothing', () => {
    host.write(`${node}/node0/cpulist`, '\n');
    host.write(`${node}/node0/meminfo`, 'Node 0 MemTotal: 0 kB\nNode 0 MemFree: 0 kB\n');
    expect(readNumaNodeFiles(host.files, 0)).toEqual({ cpus: [], totalMb: 0, freeMb: 0, hugepages: [] });
    const gone = { cpus: undefined, totalMb: undefined, freeMb: undefined, hugepages: [] };
    expect(readNumaNodeFiles(host.files, 7)).toEqual(gone);
  });

  it('is the whole host on a kernel without NUMA', () => {
    host.write('/proc/meminfo', 'MemTotal:  1048576 kB\nMemFree:  524288 kB\n');
    host.write('/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages', '8\n');
    host.write('/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages', '2\n');
    expect(listNumaNodes(host.files)).toEqual([]);
    expect(readWholeHostAsNode(host.files)).toEqual({
      totalMb: 1024,
      freeMb: 512,
      hugepages: [{ sizeKb: 2048, total: 8, free: 2 }],
    });
  });
});

describe('the IOMMU', () => {
  it('units, switches of vfio, iommufd', () => {
    expect(listIommuUnits(host.files)).toEqual([]);
    expect(readVfioSwitches(host.files)).toEqual({
      allowUnsafeInterrupts: undefined,
      noIommuMode: undefined,
    });
    expect(hasIommufd(host.files)).toBe(false);
    host.link('/sys/class/iommu/dmar1', '/sys/devices/virtual/iommu/dmar1');
    host.link('/sys/class/iommu/dmar0', '/sys/devices/virtual/iommu/dmar0');
    host.write('/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts', 'Y\n');
    host.write('/sys/module/vfio/parameters/enable_unsafe_noiommu_mode', 'N\n');
    host.write('/dev/iommu', '');
    expect(listIommuUnits(host.files)).toEqual(['dmar0', 'dmar1']);
    expect(readVfioSwitches(host.files)).toEqual({ allowUnsafeInterrupts: true, noIommuMode: false });
    expect(hasIommufd(host.files)).toBe(true);
  });
});

describe('firmware', () => {
  it('names the machine, or says nothing', () => {
    expect(readDmi(host.files)).toEqual({ vendor: undefined, product: undefined, version: undefined });
    host.write('/sys/class/dmi/id/sys_vendor', 'Dell Inc.\n');
    host.write('/sys/class/dmi/id/product_name', '  \n');
    host.write('/sys/class/dmi/id/bios_version', '2.19.1\n');
    expect(readDmi(host.files)).toEqual({ vendor: 'Dell Inc.', product: undefined, version: '2.19.1' });
  });

  it('is UEFI, something older, or hidden', () => {
    expect(readUefi(host.files)).toBeUndefined();
    host.folder('/sys/firmware/acpi');
    expect(readUefi(host.files)).toBe(false);
    host.folder('/sys/firmware/efi');
    expect(readUefi(host.files)).toBe(true);
  });

  it.each([
    [[6, 0, 0, 0, 1], true],
    [[22, 0, 0, 0, 0], false],
    [[6, 0, 0, 0, 2], { errno: 'EIO' }],
    [[6, 0, 0, 0], { errno: 'EIO' }],
    [[6, 0, 0, 0, 1, 1], { errno: 'EIO' }],
    [[], { errno: 'EIO' }],
  ])('secure boot from %j', (bytes, expected) => {
    host.write(secureBoot, Uint8Array.from(bytes));
    expect(readSecureBoot(host.files)).toEqual(expected);
  });

  it.each([
    ['[none] integrity confidentiality\n', 'none'],
    ['none [integrity] confidentiality\n', 'integrity'],
    ['none integrity [confidentiality]\n', 'confidentiality'],
    ['none integrity\n', { errno: 'EIO' }],
    ['[everything]\n', { errno: 'EIO' }],
  ])('lockdown from %j', (text, expected) => {
    host.write('/sys/kernel/security/lockdown', text);
    expect(readLockdown(host.files)).toEqual(expected);
  });

  it('says nothing of what it does not have', () => {
    expect(readSecureBoot(host.files)).toEqual({ errno: 'ENOENT' });
    expect(readLockdown(host.files)).toEqual({ errno: 'ENOENT' });
    expect(hasSecurityFiles(host.files)).toBe(false);
    host.write('/sys/kernel/security/lsm', 'capability\n');
    expect(hasSecurityFiles(host.files)).toBe(true);
  });

  it('has a TPM with its banks, an old one, or none', () => {
    expect(readTpm(host.files)).toBeUndefined();
    host.folder('/sys/class/tpm/tpm0/ppi');
    expect(readTpm(host.files)).toEqual({ majorVersion: undefined, pcrBanks: [] });
    host.write('/sys/class/tpm/tpm0/tpm_version_major', '2\n');
    host.write('/sys/class/tpm/tpm0/pcr-sha256/0', '00\n');
    host.write('/sys/class/tpm/tpm0/pcr-sha1/0', '00\n');
    host.folder('/sys/class/tpm/tpmrm0');
    expect(readTpm(host.files)).toEqual({ majorVersion: 2, pcrBanks: ['sha1', 'sha256'] });
  });
});
