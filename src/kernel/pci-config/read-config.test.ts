import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PciAddress } from '../../base/identifiers.ts';
import { localFiles } from '../local-files.ts';
import { devicePath } from '../sysfs/device.ts';
import { listPciDevices } from '../sysfs/pci-device.ts';
import type { HostFolder } from '../sysfs/igb-host.fixture.ts';
import { igbHost, pf, rootPort, vfs } from '../sysfs/igb-host.fixture.ts';
import { rootPortConfig } from './captured-config.fixture.ts';
import { listBridgesAbove, readAcsIsolation, readConfigSpace } from './read-config.ts';

let host: HostFolder;
beforeEach(() => {
  host = igbHost();
});
afterEach(() => host.remove('/'));

// Registers of the captured root port: PCI Express flags at 0x56, ACS capability and control at 0x14c and 0x14e.
function setRootPort(offset: number, value: number): void {
  const bytes = rootPortConfig();
  new DataView(bytes.buffer).setUint16(offset, value, true);
  host.write(`${devicePath(rootPort)}/config`, bytes);
}

test('reads the configuration space of a device, and none of one that is gone', () => {
  expect(readConfigSpace(host.files, pf)?.sriov?.numVfs).toBe(3);
  expect(readConfigSpace(host.files, '0000:09:00.0' as PciAddress)).toBeUndefined();
});

test('the bridges above a device are in the path of its link, for VFs as well', () => {
  expect(listBridgesAbove(host.files, pf)).toEqual([rootPort]);
  expect(listBridgesAbove(host.files, vfs[2])).toEqual([rootPort]);
  expect(listBridgesAbove(host.files, rootPort)).toEqual([]);
  expect(listBridgesAbove(host.files, '0000:09:00.0' as PciAddress)).toBeUndefined();
});

test('a root port with its redirects on isolates; without one of them it does not', () => {
  expect(readAcsIsolation(host.files, pf)).toBe(true);
  for (const control of [0x1c, 0x19, 0x15, 0x0d, 0x00]) {
    setRootPort(0x14e, control);
    expect(readAcsIsolation(host.files, pf)).toBe(false);
  }
});

test('a control that the port does not list counts as on', () => {
  // Upstream forwarding is neither listed nor set.
  const bytes = rootPortConfig();
  const view = new DataView(bytes.buffer);
  view.setUint16(0x14c, 0x0f, true);
  view.setUint16(0x14e, 0x0d, true);
  host.write(`${devicePath(rootPort)}/config`, bytes);
  expect(readAcsIsolation(host.files, pf)).toBe(true);
});

test('a port without the capability, and a bridge to PCI, do not isolate', () => {
  setRootPort(0x148, 0x000b);
  expect(readAcsIsolation(host.files, pf)).toBe(false);
  setRootPort(0x56, 0x0172);
  expect(readAcsIsolation(host.files, pf)).toBe(false);
});

test('a switch’s upstream port needs it only as one of several functions', () => {
  setRootPort(0x56, 0x0152);
  expect(readAcsIsolation(host.files, pf)).toBe(true);
  const bytes = rootPortConfig();
  bytes[0x56] = 0x52;
  bytes[0x0e] = 0x81;
  bytes[0x14e] = 0;
  host.write(`${devicePath(rootPort)}/config`, bytes);
  expect(readAcsIsolation(host.files, pf)).toBe(false);
});

test('unknown where the bridge’s capabilities cannot be read, true without a bridge', () => {
  host.write(`${devicePath(rootPort)}/config`, rootPortConfig().subarray(0, 64));
  expect(readAcsIsolation(host.files, pf)).toBeUndefined();
  host.write(`${devicePath(rootPort)}/config`, rootPortConfig().subarray(0, 256));
  expect(readAcsIsolation(host.files, pf)).toBeUndefined();
  host.remove(`${devicePath(rootPort)}/config`);
  expect(readAcsIsolation(host.files, pf)).toBeUndefined();
  expect(readAcsIsolation(host.files, rootPort)).toBe(true);
  expect(readAcsIsolation(host.files, '0000:09:00.0' as PciAddress)).toBeUndefined();
});

test('this machine: every configuration space is readable and sound', () => {
  const files = localFiles();
  for (const address of listPciDevices(files)) {
    const config = readConfigSpace(files, address);
    expect(config?.sizeBytes).toBeGreaterThanOrEqual(64);
    expect(config?.problems).toEqual([]);
  }
});
