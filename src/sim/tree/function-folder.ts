// Owns the folder of a PCI function in sysfs: IDs, links, configuration space, driver, VFs.
// Sources: Documentation/ABI/testing/sysfs-bus-pci, drivers/pci/pci-sysfs.c and iov.c. Its net folder is netdev-folder.ts.

import { hex } from '../../base/identifiers.ts';
import { buildConfigSpace, modaliasOf } from '../config-space.ts';
import type { SimHost } from '../host.ts';
import { driverOf, hostNetns, iommuGroupOf, isVfioDriver, netnsOf, pciIdsOf } from '../host-index.ts';
import type { SimFunction, SimLink } from '../host-index.ts';
import { iommuUnitsOf } from '../platform.ts';
import type { SimPciCard } from '../profile.ts';
import { pcieLinkOf } from '../pcie-link.ts';
import { vfioDeviceName } from '../vfio-use.ts';
import { aerFiles } from './aer-files.ts';
import { cardFiles } from './card-files.ts';
import type { FunctionSubject } from './card-files.ts';
import { driverOverrideFile, driversAutoprobeFile, numVfsFile, resetFile } from './device-writes.ts';
import { netdevFolder } from './netdev-folder.ts';
import type { FileNode, FolderNode, FolderTable, OpenMembers, TreeNode } from './node.ts';
import { folder, folderOf, line, link, listFolder } from './node.ts';
import { functionPath } from './places.ts';

/** What a reader without CAP_SYS_ADMIN is given of configuration space (drivers/pci/pci-sysfs.c pci_read_config). */
const publicConfigBytes = 64;
/** Major number of vfio's own nodes; the kernel gives out another one at each boot. */
const vfioMajor = 511;
const ethernetClass = 0x020000;
const bridgeClass = 0x060400;

function classOf(fn: SimFunction): number {
  return fn.role === 'bridge' ? bridgeClass : ethernetClass;
}

function cardOf(fn: SimFunction): SimPciCard | undefined {
  return fn.role === 'pf' || fn.role === 'vf' ? fn.profile.card.pci : undefined;
}

function numaNodeOf(fn: SimFunction): number {
  if (fn.role === 'bridge') return fn.port.numaNode ?? -1;
  return (fn.role === 'nic' ? fn.nic.numaNode : fn.profile.numaNode) ?? -1;
}

function configFile({ host, fn }: FunctionSubject): FileNode {
  return {
    kind: 'file',
    about: aboutOf(fn),
    read: () => {
      const bytes = buildConfigSpace(host.profile, fn);
      return host.hasCapability('CAP_SYS_ADMIN') ? bytes : bytes.subarray(0, publicConfigBytes);
    },
  };
}

function aboutOf(fn: SimFunction): { pf?: string; vf?: number } {
  if (fn.role === 'pf') return { pf: fn.address };
  return fn.role === 'vf' ? { pf: fn.pf.address, vf: fn.vf.index } : {};
}

function speedFile({ host, fn }: FunctionSubject, which: 'speedGTps' | 'maxSpeedGTps'): TreeNode | undefined {
  const pcie = pcieLinkOf(host.profile, fn);
  if (pcie !== undefined) return line(`${pcie[which].toFixed(1)} GT/s PCIe`);
  // The files are there for VFs too, whose registers say nothing (drivers/pci/pci.c pci_speed_string).
  return fn.role === 'vf' ? line('Unknown') : undefined;
}

function widthFile({ host, fn }: FunctionSubject, which: 'width' | 'maxWidth'): TreeNode | undefined {
  const pcie = pcieLinkOf(host.profile, fn);
  if (pcie !== undefined) return line(pcie[which]);
  return fn.role === 'vf' ? line(0) : undefined;
}

const table: FolderTable<FunctionSubject> = {
  ...cardFiles,
  ari_enabled: ({ fn }) => (cardOf(fn) === undefined ? undefined : line(1)),
  class: ({ fn }) => line(`0x${hex(classOf(fn), 6)}`),
  config: configFile,
  current_link_speed: (subject) => speedFile(subject, 'speedGTps'),
  current_link_width: (subject) => widthFile(subject, 'width'),
  device: ({ fn }) => line(`0x${pciIdsOf(fn)?.device ?? 'ffff'}`),
  driver: ({ fn }) => {
    const driver = driverOf(fn);
    return driver === undefined ? undefined : link(`/sys/bus/pci/drivers/${driver}`);
  },
  driver_override: ({ host, fn }) => driverOverrideFile(host, fn),
  enable: ({ fn }) => line(driverOf(fn) === undefined ? 0 : 1),
  hwmon: ({ fn }) => hwmonFolder(fn),
  iommu: ({ host, fn }) => {
    const units = iommuUnitsOf(host.profile);
    const unit = units[host.profile.numaNodes.indexOf(numaNodeOf(fn))] ?? units[0];
    return unit === undefined ? undefined : link(`/sys/devices/virtual/iommu/${unit}`);
  },
  iommu_group: ({ host, fn }) => {
    const group = iommuGroupOf(host.profile, fn);
    return group === undefined ? undefined : link(`/sys/kernel/iommu_groups/${group}`);
  },
  max_link_speed: (subject) => speedFile(subject, 'maxSpeedGTps'),
  max_link_width: (subject) => widthFile(subject, 'maxWidth'),
  modalias: ({ fn }) => line(modaliasOf(pciIdsOf(fn) ?? { vendor: 'ffff', device: 'ffff' }, classOf(fn))),
  net: ({ host, fn }) => netFolder(host, fn),
  numa_node: ({ fn }) => line(numaNodeOf(fn)),
  physfn: ({ host, fn }) => {
    if (fn.role !== 'vf') return undefined;
    const pf = host.index.functions.get(fn.pf.address);
    return pf === undefined ? undefined : link(functionPath(pf));
  },
  reset: ({ host, fn }) => (fn.role === 'vf' ? resetFile(host, fn) : undefined),
  revision: ({ fn }) => line(`0x${hex(cardOf(fn)?.revision ?? 0, 2)}`),
  sriov_drivers_autoprobe: ({ host, fn }) =>
    fn.role === 'pf' ? driversAutoprobeFile(host, fn.pf) : undefined,
  sriov_numvfs: ({ host, fn }) => (fn.role === 'pf' ? numVfsFile(host, fn.address) : undefined),
  sriov_offset: ({ fn }) => (fn.role === 'pf' ? line(fn.profile.firstVfOffset) : undefined),
  sriov_stride: ({ fn }) => (fn.role === 'pf' ? line(fn.profile.vfStride) : undefined),
  sriov_totalvfs: ({ fn }) => (fn.role === 'pf' ? line(fn.pf.totalVfs) : undefined),
  sriov_vf_device: ({ fn }) => (fn.role === 'pf' ? line(cardOf(fn)?.vfDeviceId ?? '') : undefined),
  sriov_vf_msix_count: ({ fn }) => (fn.role === 'vf' ? line(cardOf(fn)?.vfMsixVectors ?? 0) : undefined),
  subsystem: () => link('/sys/bus/pci'),
  subsystem_device: ({ fn }) => line(`0x${cardOf(fn)?.subsystemDeviceId ?? '0000'}`),
  subsystem_vendor: ({ fn }) => line(`0x${cardOf(fn)?.subsystemVendorId ?? '0000'}`),
  uevent: ({ fn }) => line(ueventOf(fn)),
  vendor: ({ fn }) => line(`0x${pciIdsOf(fn)?.vendor ?? 'ffff'}`),
  'vfio-dev': ({ fn }) => {
    if (fn.role !== 'vf' || !isVfioDriver(fn.vf.driver) || fn.vf.iommuGroup === undefined) return undefined;
    const device = folderOf({ dev: line(`${vfioMajor}:${fn.vf.iommuGroup}`) });
    return folderOf({ [vfioDeviceName(fn.vf.iommuGroup)]: device });
  },
};

function ueventOf(fn: SimFunction): string {
  const ids = pciIdsOf(fn) ?? { vendor: 'ffff', device: 'ffff' };
  const driver = driverOf(fn);
  return [
    ...(driver === undefined ? [] : [`DRIVER=${driver}`]),
    `PCI_CLASS=${classOf(fn).toString(16).toUpperCase()}`,
    `PCI_ID=${ids.vendor}:${ids.device}`.toUpperCase(),
    `PCI_SLOT_NAME=${fn.address}`,
    `MODALIAS=${modaliasOf(ids, classOf(fn))}`,
  ].join('\n');
}

function hwmonFolder(fn: SimFunction): FolderNode | undefined {
  if (fn.role !== 'pf' || fn.pf.driver !== fn.profile.card.driver) return undefined;
  const { temperatureCelsius, driver } = fn.profile.card;
  if (temperatureCelsius === undefined) return undefined;
  const files = { name: line(driver), temp1_input: line(temperatureCelsius * 1000) };
  return folderOf({ [`hwmon${fn.profile.port + 2}`]: folderOf(files) });
}

/** Interfaces of a function in our own namespace, by name; undefined for functions that can have none. */
export function linksOfFunction(host: SimHost, fn: SimFunction): readonly SimLink[] | undefined {
  const { index } = host;
  const own = index.links.get(hostNetns);
  if (fn.role === 'bridge') return undefined;
  if (fn.role === 'nic') {
    const found = index.ownLinks.get(fn.nic.netdev);
    return found === undefined ? [] : [found];
  }
  const netdevs =
    fn.role === 'vf' ? [fn.vf.netdev] : [fn.pf.netdev, ...fn.pf.vfs.map(({ representor }) => representor)];
  return netdevs.flatMap((netdev) => {
    if (netdev === undefined || netnsOf(netdev) !== hostNetns) return [];
    return own?.get(netdev.ifIndex) ?? [];
  });
}

export function netFolder(host: SimHost, fn: SimFunction): FolderNode | undefined {
  const hasNetdev =
    fn.role === 'nic' ||
    (fn.role === 'pf' && fn.pf.netdev !== undefined) ||
    (fn.role === 'vf' && fn.vf.netdev !== undefined);
  if (!hasNetdev) return undefined;
  const links = (): readonly SimLink[] => linksOfFunction(host, fn) ?? [];
  return listFolder(
    () => links().map(({ netdev }) => netdev.name),
    (name) => {
      const found = links().find(({ netdev }) => netdev.name === name);
      return found === undefined ? undefined : netdevFolder(host, found);
    },
  );
}

/** `virtfnN` of a PF, the functions behind a bridge, AER counters. */
function membersOf(subject: FunctionSubject): OpenMembers {
  const { host, fn } = subject;
  const aer = aerFiles(fn);
  const behind = fn.role === 'bridge' ? (host.index.behind.get(fn.address) ?? []) : [];
  return {
    names: () => [
      ...aer.names(),
      ...(fn.role === 'pf' ? fn.pf.vfs.map(({ index }) => `virtfn${index}`) : []),
      ...behind.map(({ address }) => address),
    ],
    child: (name) => {
      if (fn.role === 'pf' && name.startsWith('virtfn')) return virtfnLink(host, fn, name);
      if (fn.role === 'bridge') {
        const child = host.index.functions.get(name);
        if (child !== undefined && behind.includes(child)) return functionFolder(host, child);
      }
      return aer.child(name);
    },
  };
}

function virtfnLink(
  host: SimHost,
  fn: Extract<SimFunction, { role: 'pf' }>,
  name: string,
): TreeNode | undefined {
  const [, index] = /^virtfn(0|[1-9][0-9]{0,4})$/.exec(name) ?? [];
  const vf = index === undefined ? undefined : fn.pf.vfs[Number(index)];
  const target = host.index.functions.get(vf?.address ?? '');
  return target === undefined ? undefined : link(functionPath(target));
}

export function functionFolder(host: SimHost, fn: SimFunction): FolderNode {
  return folder({ host, fn }, table, membersOf({ host, fn }));
}
