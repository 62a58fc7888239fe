import { describe, expect, it } from 'vitest';
import type { PciAddress, PfAddress } from '../base/identifiers.ts';
import { readDriver, listNetdevs } from '../kernel/sysfs/device.ts';
import { bindDriver, unbindDriver } from '../kernel/sysfs/driver-binding.ts';
import { listIommuGroupDevices, listVfioNodes } from '../kernel/sysfs/iommu.ts';
import { listVirtfns, numVfsPath, readNumVfs, readSriov } from '../kernel/sysfs/sriov.ts';
import { writeDriversAutoprobe, writeNumVfs } from '../kernel/sysfs/sriov-change.ts';
import { simProfileOf } from './profiles/profile-table.ts';
import { createSimKernel } from './sim-kernel.ts';
import type { SimKernel } from './sim-kernel.ts';

const pf = '0000:01:00.0' as PciAddress;
const timeoutMs = 60_000;

function vfOf(kernel: SimKernel, index: number): PciAddress {
  const address = [...listVirtfns(kernel.files, pf).values()][index];
  if (address === undefined) throw new Error(`VF ${index} is not there`);
  return address;
}

async function igbWith(count: number): Promise<SimKernel> {
  const kernel = createSimKernel({ profile: 'igb' });
  await writeNumVfs(kernel.files, pf, count, timeoutMs);
  return kernel;
}

describe('sriov_numvfs', () => {
  it('makes VFs where offset and stride say, each with driver, interface and IOMMU group', async () => {
    const { files } = await igbWith(4);
    expect([...listVirtfns(files, pf)]).toEqual([
      [0, '0000:01:10.0'],
      [1, '0000:01:10.2'],
      [2, '0000:01:10.4'],
      [3, '0000:01:10.6'],
    ]);
    expect(readDriver(files, '0000:01:10.2' as PciAddress)).toBe('igbvf');
    expect(listNetdevs(files, '0000:01:10.2' as PciAddress)).toEqual(['enp1s0v1']);
    const groups = files.readLink('/sys/bus/pci/devices/0000:01:10.2/iommu_group')?.split('/').at(-1);
    expect(listIommuGroupDevices(files, Number(groups))).toEqual(['0000:01:10.2']);
    expect(await readNumVfs(files, pf, timeoutMs)).toBe(4);
    expect(readSriov(files, pf)).toMatchObject({ totalVfs: 7, numVfs: 4, offset: 128, stride: 2 });
  });

  it('takes the number that is there, refuses another one, and passes 0', async () => {
    const { files } = await igbWith(2);
    expect(await files.write(numVfsPath(pf), '2\n', timeoutMs)).toBeUndefined();
    expect(await files.write(numVfsPath(pf), '3', timeoutMs)).toEqual({ errno: 'EBUSY' });
    expect(await files.write(numVfsPath(pf), '0', timeoutMs)).toBeUndefined();
    expect(files.list('/sys/bus/pci/devices')).not.toContain('0000:01:10.0');
    expect(await files.write(numVfsPath(pf), '3', timeoutMs)).toBeUndefined();
    expect(listVirtfns(files, pf).size).toBe(3);
  });

  it.each([
    ['8', 'ERANGE'],
    ['65536', 'EINVAL'],
    ['-1', 'EINVAL'],
    ['two', 'EINVAL'],
    ['08', 'EINVAL'],
  ])('answers %j with %s', async (text, errno) => {
    const { files } = createSimKernel({ profile: 'igb' });
    expect(await files.write(numVfsPath(pf), text, timeoutMs)).toEqual({ errno });
  });

  it('answers ENOENT without a PF driver', async () => {
    const { files } = await igbWith(1);
    await unbindDriver(files, pf, timeoutMs);
    expect(listNetdevs(files, pf)).toEqual([]);
    expect(listVirtfns(files, pf).size).toBe(0);
    expect(await files.write(numVfsPath(pf), '1', timeoutMs)).toEqual({ errno: 'ENOENT' });
    await bindDriver(files, pf, 'igb', timeoutMs);
    expect(listNetdevs(files, pf)).toEqual(['enp1s0']);
  });

  it('makes VFs without drivers when autoprobe is off', async () => {
    const { files } = createSimKernel({ profile: 'igb' });
    await writeDriversAutoprobe(files, pf, false, timeoutMs);
    await writeNumVfs(files, pf, 1, timeoutMs);
    expect(readDriver(files, '0000:01:10.0' as PciAddress)).toBeUndefined();
    // A probe says nothing of it, a bind does.
    expect(await files.write('/sys/bus/pci/drivers_probe', '0000:01:10.0', timeoutMs)).toBeUndefined();
    expect(readDriver(files, '0000:01:10.0' as PciAddress)).toBeUndefined();
    const bind = '/sys/bus/pci/drivers/igbvf/bind';
    expect(await files.write(bind, '0000:01:10.0', timeoutMs)).toEqual({ errno: 'ENODEV' });
    await bindDriver(files, '0000:01:10.0' as PciAddress, 'igbvf', timeoutMs);
    expect(readDriver(files, '0000:01:10.0' as PciAddress)).toBe('igbvf');
  });

  it('does nothing and says nothing on a bnxt_en port that is down', async () => {
    const { files, state } = createSimKernel({ profile: 'bnxt' });
    const port = '0000:21:00.0' as PfAddress;
    expect(await files.write(numVfsPath(port), '4', timeoutMs)).toBeUndefined();
    expect(readSriov(files, port)?.numVfs).toBe(0);
    if (state.pfs[0]?.netdev !== undefined) state.pfs[0].netdev.up = true;
    await writeNumVfs(files, port, 4, timeoutMs);
    expect(readSriov(files, port)?.numVfs).toBe(4);
  });

  it('shows the number grow on a slow card, while a reader of the file waits', async () => {
    const kernel = createSimKernel({ profile: 'mlx5' });
    const port = '0000:81:00.0' as PfAddress;
    const seen: number[] = [];
    const write = kernel.files.write(numVfsPath(port), '20', 600_000);
    expect(() => kernel.files.readBytes(numVfsPath(port))).toThrow('readWaiting');
    const read = readNumVfs(kernel.files, port, 600_000);
    while (seen.at(-1) !== 20) {
      seen.push(readSriov(kernel.files, port)?.numVfs ?? 0);
      await kernel.clock.sleep(200);
    }
    await write;
    expect(seen.some((count) => count > 0 && count < 20)).toBe(true);
    expect(await read).toBe(20);
  });

  it('answers kernel.timeout when the write takes longer than allowed, and goes on', async () => {
    const kernel = createSimKernel({ profile: 'ixgbe' });
    const port = '0000:03:00.0' as PfAddress;
    await expect(writeNumVfs(kernel.files, port, 20, 5000)).rejects.toMatchObject({ code: 'kernel.timeout' });
    expect(await readNumVfs(kernel.files, port, 600_000)).toBe(20);
  });

  it('lets drivers and interfaces arrive late', async () => {
    const profile = simProfileOf('ixgbe');
    const late = { vfCreationMs: 0, vfDriverDelayMs: 86_400_000 };
    const pfs = profile.pfs.map((each) => ({ ...each, card: { ...each.card, ...late } }));
    const kernel = createSimKernel({ profile: { ...profile, pfs } });
    await writeNumVfs(kernel.files, '0000:03:00.0' as PfAddress, 1, timeoutMs);
    const vf = '0000:03:10.0' as PciAddress;
    expect(readDriver(kernel.files, vf)).toBeUndefined();
    kernel.change(({ arrivals }) => {
      for (const arrival of arrivals) arrival.atMs = 0;
    });
    expect(readDriver(kernel.files, vf)).toBe('ixgbevf');
    expect(listNetdevs(kernel.files, vf)).toEqual(['enp3s0f0v0']);
  });

  it('works on netdevsim up to max_vfs of its debugfs', async () => {
    const { files } = createSimKernel({ profile: 'netdevsim' });
    const device = 'netdevsim/netdevsim1' as PfAddress;
    expect(await files.write(numVfsPath(device), '257', timeoutMs)).toEqual({ errno: 'ENOMEM' });
    expect(
      await files.write('/sys/kernel/debug/netdevsim/netdevsim1/max_vfs', '300', timeoutMs),
    ).toBeUndefined();
    await writeNumVfs(files, device, 257, timeoutMs);
    expect(readSriov(files, device)).toMatchObject({ totalVfs: 300, numVfs: 257 });
  });

  it('finds the settings of netdevsim as they were before the VFs were removed', async () => {
    const { files, state } = createSimKernel({ profile: 'netdevsim' });
    const device = 'netdevsim/netdevsim1' as PfAddress;
    await writeNumVfs(files, device, 2, timeoutMs);
    const settings = state.pfs[0]?.vfs[1]?.settings;
    if (settings !== undefined) settings.vlan = 77;
    await writeNumVfs(files, device, 0, timeoutMs);
    await writeNumVfs(files, device, 2, timeoutMs);
    expect(state.pfs[0]?.vfs.map((vf) => vf.settings.vlan)).toEqual([0, 77]);
  });
});

describe('drivers', () => {
  it('gives a VF to vfio-pci by override and probe, with a node for its group', async () => {
    const kernel = await igbWith(2);
    const vf = vfOf(kernel, 1);
    expect(kernel.files.list('/sys/bus/pci/drivers')).not.toContain('vfio-pci');
    expect(await kernel.loadModule('vfio_pci', timeoutMs)).toBeUndefined();
    await unbindDriver(kernel.files, vf, timeoutMs);
    expect(listNetdevs(kernel.files, vf)).toEqual([]);
    await bindDriver(kernel.files, vf, 'vfio-pci', timeoutMs);
    const [group = '', device = ''] = listVfioNodes(kernel.files, vf);
    expect(kernel.files.identity(group)).toBeDefined();
    expect(kernel.files.identity(device)).toBeDefined();
    expect(kernel.files.list('/sys/bus/pci/drivers/vfio-pci')).toContain(vf);
    await unbindDriver(kernel.files, vf, timeoutMs);
    expect(kernel.files.identity(group)).toBeUndefined();
    expect(await bindDriver(kernel.files, vf, 'usual', timeoutMs)).toBe('igbvf');
  });

  it('refuses a driver that does not take the device, one that is not there, and a second one', async () => {
    const kernel = await igbWith(1);
    const vf = vfOf(kernel, 0);
    const { files } = kernel;
    expect(await files.write('/sys/bus/pci/drivers/igb/bind', vf, timeoutMs)).toEqual({ errno: 'ENODEV' });
    expect(await files.write('/sys/bus/pci/drivers/igbvf/bind', vf, timeoutMs)).toEqual({ errno: 'EBUSY' });
    expect(await files.write('/sys/bus/pci/drivers/igb/unbind', vf, timeoutMs)).toEqual({ errno: 'ENODEV' });
    expect(await files.write('/sys/bus/pci/drivers/none/bind', vf, timeoutMs)).toEqual({ errno: 'ENOENT' });
    expect(await kernel.loadModule('none', timeoutMs)).toEqual({ errno: 'ENOENT' });
  });

  it('grabs every free VF of an ID that is given to new_id', async () => {
    const kernel = createSimKernel({ profile: 'igb' });
    await writeDriversAutoprobe(kernel.files, pf, false, timeoutMs);
    await writeNumVfs(kernel.files, pf, 2, timeoutMs);
    await writeDriversAutoprobe(kernel.files, pf, true, timeoutMs);
    await kernel.loadModule('vfio-pci', timeoutMs);
    expect(
      await kernel.files.write('/sys/bus/pci/drivers/vfio-pci/new_id', '8086 10ca', timeoutMs),
    ).toBeUndefined();
    expect([0, 1].map((index) => readDriver(kernel.files, vfOf(kernel, index)))).toEqual([
      'vfio-pci',
      'vfio-pci',
    ]);
  });

  it('takes vfio-pci only where there is an IOMMU', async () => {
    const kernel = createSimKernel({ profile: { ...simProfileOf('igb'), iommu: false } });
    await writeNumVfs(kernel.files, pf, 1, timeoutMs);
    await kernel.loadModule('vfio-pci', timeoutMs);
    const vf = vfOf(kernel, 0);
    expect(kernel.files.readLink(`/sys/bus/pci/devices/${vf}/iommu_group`)).toBeUndefined();
    await unbindDriver(kernel.files, vf, timeoutMs);
    await expect(bindDriver(kernel.files, vf, 'vfio-pci', timeoutMs)).rejects.toMatchObject({
      details: { errno: 'EINVAL' },
    });
  });
});

describe('files', () => {
  it('refuses as the kernel does', async () => {
    const { files } = createSimKernel({ profile: 'igb' });
    const device = `/sys/bus/pci/devices/${pf}`;
    expect(files.readBytes(`${device}/nothing`)).toEqual({ errno: 'ENOENT' });
    expect(files.readBytes(`${device}/net`)).toEqual({ errno: 'EISDIR' });
    expect(files.readBytes(`${device}/vendor/x`)).toEqual({ errno: 'ENOTDIR' });
    expect(files.readBytes('/sys/bus/pci/drivers_probe')).toEqual({ errno: 'EACCES' });
    expect(await files.write(`${device}/vendor`, 'x', timeoutMs)).toEqual({ errno: 'EACCES' });
    expect(await files.write(`${device}/toString`, 'x', timeoutMs)).toEqual({ errno: 'ENOENT' });
    expect(() => files.list('/sys/../etc')).toThrow('normalised');
    await expect(files.write(device, '', timeoutMs)).rejects.toMatchObject({ code: 'internal.bug' });
  });

  it('knows who asks', async () => {
    const kernel = createSimKernel({ profile: 'igb' });
    const config = `/sys/bus/pci/devices/${pf}/config`;
    expect(kernel.files.readBytes(config)).toHaveLength(4096);
    kernel.change((state) => {
      state.capEff = '0000000000000000';
    });
    expect(kernel.files.readBytes(config)).toHaveLength(64);
    expect(await kernel.files.write(numVfsPath(pf), '1', timeoutMs)).toEqual({ errno: 'EACCES' });
    expect(kernel.files.list('/proc/1/fd')).toEqual([]);
    expect(kernel.files.readBytes('/proc/1/fd')).toEqual({ errno: 'EACCES' });
  });
});
