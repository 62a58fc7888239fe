import { describe, expect, it } from 'vitest';
import type { PciAddress, PfAddress } from '../base/identifiers.ts';
import { NetlinkClient } from '../kernel/netlink/client.ts';
import { listNetns } from '../kernel/proc/netns.ts';
import { readProcess } from '../kernel/proc/process.ts';
import { vfioHostAddressesOf, vmNameOf } from '../kernel/proc/qemu-command.ts';
import { listVfioUsers } from '../kernel/proc/vfio-users.ts';
import { listLinks } from '../kernel/rtnetlink/link.ts';
import { listNetdevs, readDriver } from '../kernel/sysfs/device.ts';
import { listVfioNodes } from '../kernel/sysfs/iommu.ts';
import { numVfsPath, readSriov } from '../kernel/sysfs/sriov.ts';
import { createSimKernel } from './sim-kernel.ts';

const pf = '0000:01:00.0' as PfAddress;
const vf0 = '0000:01:10.0' as PciAddress;
const timeoutMs = 60_000;

async function igbWith(count: number) {
  const kernel = createSimKernel({ profile: 'igb' });
  await kernel.files.write(numVfsPath(pf), String(count), timeoutMs);
  return kernel;
}

describe('a VF in use', () => {
  it.each([false, true])('by a VM is open in its process (iommufd: %s)', async (iommufd) => {
    const kernel = await igbWith(2);
    kernel.holdVf(pf, 0, { kind: 'vm', name: 'web-1', iommufd });
    expect(readDriver(kernel.files, vf0)).toBe('vfio-pci');
    expect(listNetdevs(kernel.files, vf0)).toEqual([]);
    const nodes = listVfioNodes(kernel.files, vf0);
    const [user] = listVfioUsers(kernel.files).byNode.get(nodes[iommufd ? 1 : 0] ?? '') ?? [];
    const { commandLine = [] } = readProcess(kernel.files, user?.pid ?? 0) ?? {};
    expect(vmNameOf(commandLine)).toBe('web-1');
    expect(vfioHostAddressesOf(commandLine)).toEqual([vf0]);
    kernel.releaseVf(pf, 0);
    expect(listVfioUsers(kernel.files).byNode.size).toBe(0);
    expect(readDriver(kernel.files, vf0)).toBe('vfio-pci');
  });

  it('through vfio makes whoever takes it away wait', async () => {
    const kernel = await igbWith(1);
    kernel.holdVf(pf, 0, { kind: 'vfio', name: 'dpdk-testpmd' });
    await expect(kernel.files.write(numVfsPath(pf), '0', 1000)).rejects.toMatchObject({
      code: 'kernel.timeout',
    });
    expect(readSriov(kernel.files, pf)?.numVfs).toBe(1);
    const unbind = kernel.files.write('/sys/bus/pci/drivers/vfio-pci/unbind', vf0, timeoutMs);
    kernel.releaseVf(pf, 0);
    expect(await unbind).toBeUndefined();
  });

  it('in a network namespace is listed there and not here', async () => {
    const kernel = await igbWith(2);
    kernel.holdVf(pf, 0, { kind: 'netns', name: 'blue' });
    kernel.holdVf(pf, 1, { kind: 'netns', name: 'pause', unnamed: true });
    const namespaces = listNetns(kernel.files);
    expect(namespaces.map(({ path }) => path)).toEqual(['/run/netns/blue', '/proc/4200/ns/net']);
    const names: string[][] = [];
    for (const { path } of namespaces) {
      const links = await listLinks(new NetlinkClient(kernel.openNetlink('route', { netns: path })));
      names.push(links.map(({ name, attributes }) => `${name} ${attributes.parentDeviceName}`));
    }
    expect(names).toEqual([['enp1s0v0 0000:01:10.0'], ['enp1s0v1 0000:01:10.2']]);
    expect(listNetdevs(kernel.files, vf0)).toEqual([]);
    const here = await listLinks(new NetlinkClient(kernel.openNetlink('route')));
    expect(here.map(({ name }) => name)).toEqual(['lo', 'enp1s0', 'enp2s0']);
    expect(() => kernel.openNetlink('route', { netns: '/run/netns/red' })).toThrow('red');
    kernel.releaseVf(pf, 0);
    kernel.releaseVf(pf, 1);
    expect(listNetns(kernel.files)).toEqual([]);
    expect(listNetdevs(kernel.files, vf0)).toEqual(['enp1s0v0']);
  });

  it('cannot be one that is not there', async () => {
    const kernel = await igbWith(1);
    expect(() => kernel.holdVf(pf, 1, { kind: 'vm', name: 'x' })).toThrow('no VF 1');
    expect(() => kernel.holdVf('0000:09:00.0', 0, { kind: 'vm', name: 'x' })).toThrow('no VF 0');
  });
});
