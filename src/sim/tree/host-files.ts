// Owns the files of the whole host in sysfs: NUMA nodes, IOMMU groups, modules, netdevsim's debugfs.

import type { SimHost } from '../host.ts';
import { loadedDrivers } from '../driver-binding.ts';
import { isVfioDriver } from '../host-index.ts';
import type { SimPf } from '../state.ts';
import type { FileNode, FolderNode } from './node.ts';
import { folderOf, line, link, listFolder } from './node.ts';
import { functionPath } from './places.ts';

const cpusPerNode = 16;

export function nodesFolder(host: SimHost): FolderNode {
  const { numaNodes } = host.profile;
  const nodes = numaNodes.map((node) => {
    const firstCpu = node * cpusPerNode;
    return [`node${node}`, folderOf({ cpulist: line(`${firstCpu}-${firstCpu + cpusPerNode - 1}`) })] as const;
  });
  return folderOf({ ...Object.fromEntries(nodes), online: line(numaNodes.join(',')) });
}

export function kernelFolder(host: SimHost): FolderNode {
  const groups = listFolder(
    () => [...host.index.groups.keys()].map(String),
    (name) => (/^(?:0|[1-9][0-9]*)$/.test(name) ? groupFolder(host, Number(name)) : undefined),
  );
  return folderOf({ iommu_groups: groups, debug: debugFolder(host) });
}

function groupFolder(host: SimHost, group: number): FolderNode | undefined {
  const members = host.index.groups.get(group);
  if (members === undefined) return undefined;
  const devices = Object.fromEntries(members.map((fn) => [fn.address, link(functionPath(fn))]));
  return folderOf({
    devices: folderOf(devices),
    type: line('DMA-FQ'),
    reserved_regions: line('0x00000000fee00000 0x00000000feefffff msi'),
  });
}

/** debugfs of netdevsim: `max_vfs` of each device, which can be raised. */
function debugFolder(host: SimHost): FolderNode {
  const devices = host.state.pfs.flatMap((pf) => {
    const [bus, device] = pf.address.split('/');
    return device === undefined ? [] : [{ bus: bus ?? '', device, pf }];
  });
  if (devices.length === 0) return folderOf({});
  const folders = devices.map(
    ({ device, pf }) => [device, folderOf({ max_vfs: maxVfsFile(host, pf) })] as const,
  );
  return folderOf({ netdevsim: folderOf(Object.fromEntries(folders)) });
}

function maxVfsFile(host: SimHost, pf: SimPf): FileNode {
  return {
    kind: 'file',
    about: { pf: pf.address },
    read: () => `${pf.totalVfs}\n`,
    write: (text) => {
      const count = /^[0-9]{1,5}\n?$/.test(text) ? Number(text) : undefined;
      if (count === undefined || count > 0xffff) return 'EINVAL';
      // Not below what is there (drivers/net/netdevsim/dev.c nsim_dev_max_vfs_write).
      if (pf.vfs.length > count) return 'EBUSY';
      pf.totalVfs = count;
      host.commit();
      return undefined;
    },
  };
}

/** Modules that are loaded, with the parameters that decide what vfio allows. */
export function modulesFolder(host: SimHost): FolderNode {
  const modules = loadedDrivers(host).map((driver) => [driver.replaceAll('-', '_'), folderOf({})] as const);
  const hasVfio = loadedDrivers(host).some(isVfioDriver);
  const vfio = hasVfio
    ? {
        vfio: folderOf({ parameters: folderOf({ enable_unsafe_noiommu_mode: line('N') }) }),
        vfio_iommu_type1: folderOf({ parameters: folderOf({ allow_unsafe_interrupts: line('N') }) }),
      }
    : {};
  return folderOf({ ...Object.fromEntries(modules), ...vfio });
}
