// Owns a copy of the files of a host with one igb PF, three VFs and a netdevsim device, laid out as on a running machine
// (Linux 6.12 on QEMU's igb), written into a temporary folder. For tests only.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { PciAddress } from '../../base/identifiers.ts';
import { localFiles } from '../local-files.ts';
import type { FileTree } from '../kernel.ts';
import { igbPfConfig, igbVfConfig, rootPortConfig } from '../pci-config/captured-config.fixture.ts';

export const pf = '0000:01:00.0' as PciAddress;
export const rootPort = '0000:00:04.0' as PciAddress;
/** VFs in the order of their index. VF 0 has igbvf, VF 1 vfio-pci, VF 2 no driver. */
export const vfs = [
  '0000:01:10.0' as PciAddress,
  '0000:01:10.2' as PciAddress,
  '0000:01:10.4' as PciAddress,
] as const;

/** A folder that stands for `/`, and ways to change it. */
export interface HostFolder {
  readonly root: string;
  readonly files: FileTree;
  write(path: string, content: string | Uint8Array): void;
  /** Makes a link at one path that leads to another, relative as in sysfs. */
  link(path: string, target: string): void;
  /** Makes a link with a target as it is, which need not exist (`/dev/vfio/12`, `net:[1]`). */
  linkText(path: string, target: string): void;
  folder(path: string): void;
  remove(path: string): void;
}

/** An empty folder; `remove('/')` takes it away again. */
export function emptyHost(): HostFolder {
  const root = mkdtempSync(join(tmpdir(), 'vfleet-host-'));
  const at = (path: string): string => join(root, path);
  const parentOf = (path: string): void => {
    mkdirSync(dirname(at(path)), { recursive: true });
  };
  return {
    root,
    files: localFiles({ root }),
    write(path, content) {
      parentOf(path);
      writeFileSync(at(path), content);
    },
    link(path, target) {
      parentOf(path);
      rmSync(at(path), { force: true });
      symlinkSync(relative(dirname(at(path)), at(target)), at(path));
    },
    linkText(path, target) {
      parentOf(path);
      symlinkSync(target, at(path));
    },
    folder(path) {
      mkdirSync(at(path), { recursive: true });
    },
    remove(path) {
      rmSync(at(path), { recursive: true, force: true });
    },
  };
}

/** The host with the igb. */
export function igbHost(): HostFolder {
  const host = emptyHost();
  const portFolder = `/sys/devices/pci0000:00/${rootPort}`;
  addPciDevice(host, portFolder, rootPort, { vendor: '1b36', device: '000c', class: '060400' });
  host.write(`${portFolder}/config`, rootPortConfig());
  addPf(host, `${portFolder}/${pf}`);
  vfs.forEach((address, index) => addVf(host, portFolder, address, index));
  addDrivers(host);
  addNetdevsim(host);
  host.write('/sys/devices/system/node/node0/cpulist', '0-1\n');
  host.write('/sys/devices/system/node/node1/cpulist', '2-3\n');
  host.write('/sys/devices/system/node/possible', '0-1\n');
  return host;
}

function addPf(host: HostFolder, folder: string): void {
  addPciDevice(host, folder, pf, { vendor: '8086', device: '10c9', class: '020000' });
  const values = {
    config: igbPfConfig(),
    sriov_totalvfs: '7\n',
    sriov_numvfs: '3\n',
    sriov_offset: '128\n',
    sriov_stride: '2\n',
    sriov_vf_device: '10ca\n',
    sriov_drivers_autoprobe: '1\n',
    current_link_speed: '2.5 GT/s PCIe\n',
    current_link_width: '1\n',
    max_link_speed: '5.0 GT/s PCIe\n',
    max_link_width: '4\n',
    aer_dev_correctable: 'RxErr 1\nBadTLP 2\nTOTAL_ERR_COR 3\n',
    aer_dev_fatal: 'Undefined 0\nTOTAL_ERR_FATAL 0\n',
    'hwmon/hwmon2/temp10_input': '99000\n',
    'hwmon/hwmon2/temp2_input': '51500\n',
  };
  for (const [name, value] of Object.entries(values)) host.write(`${folder}/${name}`, value);
  addNetdev(host, folder, 'eth0', '52:54:00:00:01:00');
  addGroup(host, folder, pf, 7);
}

function addVf(host: HostFolder, portFolder: string, address: PciAddress, index: number): void {
  const folder = `${portFolder}/${address}`;
  addPciDevice(host, folder, address, { vendor: '8086', device: '10ca', class: '020000' });
  host.write(`${folder}/config`, igbVfConfig());
  // A VF has these files, too; its link is the PF's.
  host.write(`${folder}/current_link_width`, '0\n');
  host.link(`${folder}/physfn`, `${portFolder}/${pf}`);
  host.link(`${portFolder}/${pf}/virtfn${index}`, folder);
  addGroup(host, folder, address, 9 + index);
}

function addDrivers(host: HostFolder): void {
  const port = `/sys/devices/pci0000:00/${rootPort}`;
  for (const driver of ['igb', 'igbvf', 'vfio-pci']) {
    host.write(`/sys/bus/pci/drivers/${driver}/bind`, '');
    host.write(`/sys/bus/pci/drivers/${driver}/unbind`, '');
  }
  host.write('/sys/bus/pci/drivers_probe', '');
  host.link(`${port}/${pf}/driver`, '/sys/bus/pci/drivers/igb');
  host.link(`${port}/${vfs[0]}/driver`, '/sys/bus/pci/drivers/igbvf');
  host.link(`${port}/${vfs[1]}/driver`, '/sys/bus/pci/drivers/vfio-pci');
  addNetdev(host, `${port}/${vfs[0]}`, 'eth2', '02:00:00:00:00:01');
  host.write(`${port}/${vfs[1]}/vfio-dev/vfio0/dev`, '511:0\n');
}

function addNetdevsim(host: HostFolder): void {
  const folder = '/sys/devices/netdevsim1';
  host.link('/sys/bus/netdevsim/devices/netdevsim1', folder);
  host.write(`${folder}/sriov_numvfs`, '0\n');
  host.link(`${folder}/driver`, '/sys/bus/netdevsim/drivers/netdevsim');
  addNetdev(host, folder, 'eni1np1', '02:00:00:00:00:09');
  host.write('/sys/kernel/debug/netdevsim/netdevsim1/max_vfs', '256\n');
}

interface Ids {
  readonly vendor: string;
  readonly device: string;
  readonly class: string;
}

function addPciDevice(host: HostFolder, folder: string, address: string, ids: Ids): void {
  host.write(`${folder}/vendor`, `0x${ids.vendor}\n`);
  host.write(`${folder}/device`, `0x${ids.device}\n`);
  host.write(`${folder}/subsystem_vendor`, '0x1af4\n');
  host.write(`${folder}/subsystem_device`, '0x1100\n');
  host.write(`${folder}/class`, `0x${ids.class}\n`);
  host.write(`${folder}/numa_node`, '-1\n');
  host.write(`${folder}/driver_override`, '(null)\n');
  host.link(`/sys/bus/pci/devices/${address}`, folder);
}

function addGroup(host: HostFolder, folder: string, address: string, group: number): void {
  const groupFolder = `/sys/kernel/iommu_groups/${group}`;
  host.write(`${groupFolder}/type`, 'DMA-FQ\n');
  host.link(`${groupFolder}/devices/${address}`, folder);
  host.link(`${folder}/iommu_group`, groupFolder);
}

function addNetdev(host: HostFolder, folder: string, name: string, mac: string): void {
  const netdev = `${folder}/net/${name}`;
  host.write(`${netdev}/ifindex`, '2\n');
  host.write(`${netdev}/address`, `${mac}\n`);
  host.write(`${netdev}/mtu`, '1500\n');
  host.write(`${netdev}/flags`, '0x1003\n');
  host.write(`${netdev}/dev_port`, '0\n');
  host.write(`${netdev}/phys_port_name`, 'p0\n');
  host.write(`${netdev}/speed`, '1000\n');
  host.write(`${netdev}/duplex`, 'full\n');
  host.write(`${netdev}/carrier`, '1\n');
  host.link(`/sys/class/net/${name}`, netdev);
}
