import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DevlinkHandle, PciAddress } from '../../base/identifiers.ts';
import { localFiles } from '../local-files.ts';
import { devicePath, isDevicePresent, listNetdevs, readDriver, readNumaNode } from './device.ts';
import type { HostFolder } from './igb-host.fixture.ts';
import { emptyHost, igbHost, pf, rootPort, vfs } from './igb-host.fixture.ts';
import { listPciDevices, readDriverOverride, readPciDevice } from './pci-device.ts';

let host: HostFolder;
beforeEach(() => {
  host = igbHost();
});
afterEach(() => host.remove('/'));

test('lists the PCI devices and nothing else', () => {
  host.folder('/sys/bus/pci/devices/not-a-device');
  expect(listPciDevices(host.files)).toEqual([rootPort, pf, ...vfs]);
});

test('reads a PF', () => {
  expect(readPciDevice(host.files, pf)).toEqual({
    address: pf,
    vendorId: '8086',
    deviceId: '10c9',
    subsystemVendorId: '1af4',
    subsystemDeviceId: '1100',
    classCode: '020000',
    driver: 'igb',
    numaNode: undefined,
    iommuGroup: 7,
    netdevs: ['eth0'],
    currentSpeedGTps: 2.5,
    currentWidth: 1,
    maxSpeedGTps: 5,
    maxWidth: 4,
    physfn: undefined,
  });
});

test('reads a VF: its PF, and no link of its own', () => {
  host.write(`${devicePath(vfs[0])}/numa_node`, '1\n');
  expect(readPciDevice(host.files, vfs[0])).toMatchObject({
    deviceId: '10ca',
    driver: 'igbvf',
    numaNode: 1,
    netdevs: ['eth2'],
    currentSpeedGTps: undefined,
    maxWidth: undefined,
    physfn: pf,
  });
  expect(readPciDevice(host.files, vfs[2]).driver).toBeUndefined();
});

test('a device that is gone has nothing but its address', () => {
  const gone = '0000:09:00.0' as PciAddress;
  const { address, netdevs, ...rest } = readPciDevice(host.files, gone);
  expect([address, netdevs]).toEqual([gone, []]);
  expect(Object.values(rest).every((value) => value === undefined)).toBe(true);
  expect([isDevicePresent(host.files, gone), isDevicePresent(host.files, pf)]).toEqual([false, true]);
});

test('a link that is down, or speaks an older dialect', () => {
  const path = devicePath(pf);
  host.write(`${path}/current_link_speed`, '8 GT/s\n');
  expect(readPciDevice(host.files, pf).currentSpeedGTps).toBe(8);
  host.write(`${path}/current_link_speed`, 'Unknown\n');
  expect(readPciDevice(host.files, pf)).toMatchObject({ currentSpeedGTps: undefined, currentWidth: 1 });
  host.write(`${path}/max_link_width`, '255\n');
  expect(readPciDevice(host.files, pf).maxWidth).toBeUndefined();
  host.write(`${path}/current_link_width`, '0\n');
  expect(readPciDevice(host.files, pf)).toMatchObject({ currentWidth: undefined, maxSpeedGTps: undefined });
});

test('rubbish in the files is undefined, not zero', () => {
  for (const file of ['vendor', 'device', 'class', 'numa_node', 'current_link_width']) {
    host.write(`${devicePath(pf)}/${file}`, new Uint8Array([0, 0xff, 0x0a]));
  }
  host.link(`${devicePath(pf)}/iommu_group`, '/sys/kernel/iommu_groups/none');
  expect(readPciDevice(host.files, pf)).toMatchObject({
    vendorId: undefined,
    deviceId: undefined,
    classCode: undefined,
    numaNode: undefined,
    currentWidth: undefined,
    iommuGroup: undefined,
  });
});

test('the driver override is a name, or none', async () => {
  expect(await readDriverOverride(host.files, vfs[1], 60_000)).toBeUndefined();
  host.write(`${devicePath(vfs[1])}/driver_override`, '\n');
  expect(await readDriverOverride(host.files, vfs[1], 60_000)).toBeUndefined();
  host.write(`${devicePath(vfs[1])}/driver_override`, 'vfio-pci\n');
  expect(await readDriverOverride(host.files, vfs[1], 60_000)).toBe('vfio-pci');
});

test('a device on another bus has a folder, a driver and interfaces as well', () => {
  const nsim = 'netdevsim/netdevsim1' as DevlinkHandle;
  expect(devicePath(nsim)).toBe('/sys/bus/netdevsim/devices/netdevsim1');
  expect(readDriver(host.files, nsim)).toBe('netdevsim');
  expect(listNetdevs(host.files, nsim)).toEqual(['eni1np1']);
  expect(readNumaNode(host.files, nsim)).toBeUndefined();
});

test('a host without PCI has no devices', () => {
  const bare = emptyHost();
  expect(listPciDevices(bare.files)).toEqual([]);
  bare.remove('/');
});

test('this machine: every PCI device has IDs and a class', () => {
  const files = localFiles();
  for (const address of listPciDevices(files)) {
    const device = readPciDevice(files, address);
    expect(device.vendorId).toMatch(/^[0-9a-f]{4}$/);
    expect(device.classCode).toMatch(/^[0-9a-f]{6}$/);
  }
});
