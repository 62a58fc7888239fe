// Drivers of VFs as sysfs has them: igbvf, vfio-pci, none, and back; and a driver that must learn a new address.

import { existsSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applySpec, vfleetOk } from './command.ts';
import {
  devicePath,
  driverOf,
  interfaceOf,
  listVfs,
  makeFolder,
  pf0,
  readIpLink,
  readSys,
  resetLab,
  vfOf,
} from './lab-host.ts';

describe('drivers of VFs', () => {
  const state = makeFolder();

  beforeAll(resetLab);
  afterAll(resetLab);

  async function applyDrivers(...drivers: readonly string[]): Promise<void> {
    const vfs = drivers.map((driver, index) => `      ${index}: { driver: ${driver} }\n`).join('');
    await applySpec(
      state,
      `  - match: { address: '${pf0}' }\n    up: true\n    vfs:\n      count: 3\n${vfs}`,
    );
  }

  function drivers(): readonly (string | undefined)[] {
    return listVfs(pf0).map((vf) => driverOf(vf));
  }

  function hasVfioNode(vf: string): boolean {
    return existsSync(`/dev/vfio/${basename(readlinkSync(`${devicePath(vf)}/iommu_group`))}`);
  }

  it('are what the spec names, from the first moment', async () => {
    await applyDrivers('vfio-pci', 'none', 'kernel');
    expect(drivers()).toEqual(['vfio-pci', undefined, 'igbvf']);
    expect(listVfs(pf0).map(hasVfioNode)).toEqual([true, false, false]);
    expect(interfaceOf(vfOf(pf0, 2))).not.toBe('');
  });

  it('go from each to each, and leave no override', async () => {
    await applyDrivers('none', 'igbvf', 'vfio-pci');
    expect(drivers()).toEqual([undefined, 'igbvf', 'vfio-pci']);
    await applyDrivers('igbvf', 'vfio-pci', 'none');
    expect(drivers()).toEqual(['igbvf', 'vfio-pci', undefined]);
    expect(listVfs(pf0).map(hasVfioNode)).toEqual([false, true, false]);
    expect(listVfs(pf0).map((vf) => readSys(`${devicePath(vf)}/driver_override`))).toEqual(
      Array.from({ length: 3 }, () => '(null)'),
    );
    expect(readSys(`${devicePath(pf0)}/sriov_drivers_autoprobe`)).toBe('1');
  });

  it('come back by revert', async () => {
    await vfleetOk(state, ['revert', '--yes']);
    expect(drivers()).toEqual([undefined, 'igbvf', 'vfio-pci']);
  });

  it('see a new address: the interface has it', async () => {
    const mac = '52:54:00:aa:00:77';
    await applySpec(state, `  - match: { address: '${pf0}' }\n    vfs: { 1: { mac: '${mac}', vlan: 12 } }\n`);
    expect(await readIpLink(interfaceOf(vfOf(pf0, 1)))).toMatchObject({ address: mac });
    const { vfinfo_list: vfs = [] } = await readIpLink(interfaceOf(pf0));
    expect(vfs[1]).toMatchObject({ address: mac, vlan_list: [{ vlan: 12 }] });
  });
});
