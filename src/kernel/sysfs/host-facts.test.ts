import { afterEach, beforeEach, expect, test } from 'vitest';
import { localFiles } from '../local-files.ts';
import { readAerTotals } from './aer.ts';
import { devicePath } from './device.ts';
import { readHostFacts } from './host.ts';
import { readTemperatureCelsius } from './hwmon.ts';
import type { HostFolder } from './igb-host.fixture.ts';
import { emptyHost, igbHost, pf, vfs } from './igb-host.fixture.ts';
import { listIommuGroupDevices, listIommuGroups, listVfioNodes, readIommuGroupType } from './iommu.ts';
import { readNetdevFiles, readNetdevPort } from './net.ts';
import { listNumaNodes } from './numa.ts';

let host: HostFolder;
beforeEach(() => {
  host = igbHost();
});
afterEach(() => host.remove('/'));

test('IOMMU groups, their devices and their type', () => {
  host.write('/sys/kernel/iommu_groups/10/type', 'identity\n');
  host.write('/sys/kernel/iommu_groups/11/type', 'something new\n');
  expect(listIommuGroups(host.files)).toEqual([7, 9, 10, 11]);
  expect(listIommuGroupDevices(host.files, 10)).toEqual([vfs[1]]);
  expect([7, 10, 11, 99].map((group) => readIommuGroupType(host.files, group))).toEqual([
    'DMA-FQ',
    'identity',
    undefined,
    undefined,
  ]);
});

test('a host without IOMMU has no groups', () => {
  host.remove('/sys/kernel/iommu_groups');
  expect(listIommuGroups(host.files)).toEqual([]);
  expect(listIommuGroupDevices(host.files, 10)).toEqual([]);
});

test('a vfio device is held through its group or its own node', () => {
  expect(listVfioNodes(host.files, vfs[1])).toEqual(['/dev/vfio/10', '/dev/vfio/devices/vfio0']);
  host.write('/sys/kernel/iommu_groups/10/name', 'vfio-noiommu\n');
  // Without the kernel's option for nodes of single devices, only the group has one.
  host.remove(`${devicePath(vfs[1])}/vfio-dev/vfio0/dev`);
  expect(listVfioNodes(host.files, vfs[1])).toEqual(['/dev/vfio/noiommu-10']);
});

test('NUMA nodes in the order of their numbers', () => {
  host.folder('/sys/devices/system/node/node10');
  expect(listNumaNodes(host.files)).toEqual([0, 1, 10]);
});

test('totals of PCIe errors, undefined where the kernel keeps none', () => {
  expect(readAerTotals(host.files, pf)).toEqual({ correctable: 3, fatal: 0, nonFatal: undefined });
  host.write(`${devicePath(pf)}/aer_dev_correctable`, 'TOTAL_ERR_COR many\n');
  expect(readAerTotals(host.files, pf).correctable).toBeUndefined();
});

test('the temperature is the first sensor’s, by number', () => {
  expect(readTemperatureCelsius(host.files, pf)).toBe(51.5);
  host.write(`${devicePath(pf)}/hwmon/hwmon2/temp1_input`, '-5000\n');
  expect(readTemperatureCelsius(host.files, pf)).toBe(-5);
  expect(readTemperatureCelsius(host.files, vfs[0])).toBeUndefined();
});

test('files of an interface', () => {
  expect(readNetdevFiles(host.files, 'eth0')).toEqual({
    ifIndex: 2,
    mac: '52:54:00:00:01:00',
    mtu: 1500,
    isUp: true,
    devPort: 0,
  });
  expect(readNetdevPort(host.files, 'eth0')).toEqual({
    physPortName: 'p0',
    physSwitchId: undefined,
    physPortId: undefined,
    speedMbps: 1000,
    duplex: 'full',
    carrier: true,
  });
});

test('a link that is down has no speed, and a name that is none has nothing', () => {
  host.write('/sys/class/net/eth0/speed', '-1\n');
  host.write('/sys/class/net/eth0/duplex', 'unknown\n');
  host.write('/sys/class/net/eth0/carrier', '0\n');
  host.write('/sys/class/net/eth0/flags', '0x1002\n');
  expect(readNetdevPort(host.files, 'eth0')).toMatchObject({
    speedMbps: undefined,
    duplex: undefined,
    carrier: false,
  });
  expect(readNetdevFiles(host.files, 'eth0').isUp).toBe(false);
  for (const name of ['..', '.', '', 'a/b', 'none', 'a name', 'sixteen-letters-']) {
    expect(Object.values(readNetdevFiles(host.files, name)).every((value) => value === undefined)).toBe(true);
  }
});

test('names of the host', () => {
  host.write('/proc/sys/kernel/hostname', 'node1\n');
  host.write('/proc/sys/kernel/osrelease', '6.12.0-amd64\n');
  host.write('/proc/sys/kernel/random/boot_id', 'd35d1353-d938-42e9-a977-2b9254d0bf9c\n');
  host.write('/etc/machine-id', '3d1219c7c4c5404aaa1f6d2a48adfda4\n');
  expect(readHostFacts(host.files)).toEqual({
    name: 'node1',
    kernelRelease: '6.12.0-amd64',
    bootId: 'd35d1353-d938-42e9-a977-2b9254d0bf9c',
    machineId: '3d1219c7c4c5404aaa1f6d2a48adfda4',
  });
  host.write('/proc/sys/kernel/hostname', '(none)\n');
  host.write('/etc/machine-id', 'uninitialized\n');
  expect(readHostFacts(host.files)).toMatchObject({ name: undefined, machineId: undefined });
});

test('a bare host is read without an exception', () => {
  const bare = emptyHost();
  expect(readHostFacts(bare.files).bootId).toBeUndefined();
  expect(listNumaNodes(bare.files)).toEqual([]);
  expect(readTemperatureCelsius(bare.files, pf)).toBeUndefined();
  bare.remove('/');
});

test('this machine: it has a name, a kernel and a boot', () => {
  const facts = readHostFacts(localFiles());
  expect(facts.kernelRelease).toMatch(/^\d+\.\d+/);
  expect(facts.bootId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  expect(readNetdevFiles(localFiles(), 'lo')).toMatchObject({ ifIndex: 1, mac: '00:00:00:00:00:00' });
});
