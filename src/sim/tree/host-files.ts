// Owns /sys/kernel and the IOMMU units of a simulated host, and netdevsim's debugfs.

import type { SimHost } from '../host.ts';
import { iommuUnitsOf, platformOf } from '../platform.ts';
import type { SimPf } from '../state.ts';
import { securityFolder } from './firmware-folders.ts';
import type { FileNode, FolderNode } from './node.ts';
import { folderOf, line, link, listFolder } from './node.ts';
import { functionPath } from './places.ts';

export function kernelFolder(host: SimHost): FolderNode {
  const groups = listFolder(
    () => [...host.index.groups.keys()].map(String),
    (name) => (/^(?:0|[1-9][0-9]*)$/.test(name) ? groupFolder(host, Number(name)) : undefined),
  );
  return folderOf({ iommu_groups: groups, debug: debugFolder(host), security: securityFolder(host) });
}

/** /sys/devices/virtual/iommu. */
export function iommuUnitsFolder({ profile }: SimHost): FolderNode {
  return folderOf(Object.fromEntries(iommuUnitsOf(profile).map((unit) => [unit, folderOf({})] as const)));
}

/** /sys/class/iommu. */
export function iommuClassFolder({ profile }: SimHost): FolderNode {
  const units = iommuUnitsOf(profile).map(
    (unit) => [unit, link(`/sys/devices/virtual/iommu/${unit}`)] as const,
  );
  return folderOf(Object.fromEntries(units));
}

function groupFolder(host: SimHost, group: number): FolderNode | undefined {
  const members = host.index.groups.get(group);
  if (members === undefined) return undefined;
  const devices = Object.fromEntries(members.map((fn) => [fn.address, link(functionPath(fn))]));
  return folderOf({
    devices: folderOf(devices),
    type: line(platformOf(host.profile).iommuDomain),
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
