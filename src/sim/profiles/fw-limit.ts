// Owns the profile `fw-limit`: a ConnectX-6 Dx whose firmware is set to 8 VFs per port (NUM_OF_VFS) where it can do 127.
// Driver as in mlx5.ts; newer kernels show the firmware's setting as devlink parameter total_vfs.

import type { SimCard, SimPfProfile, SimProfile } from '../profile.ts';
import { connectX6Dx } from './mlx5.ts';
import { serverRootPort } from './root-port.ts';

const vfsPerPort = 8;

const limitedConnectX6Dx: SimCard = {
  ...connectX6Dx,
  totalVfs: vfsPerPort,
  devlink: {
    ...devlinkOf(connectX6Dx),
    parameters: [
      ...devlinkOf(connectX6Dx).parameters,
      { name: 'enable_sriov', generic: true, value: true, mode: 'permanent' },
      { name: 'total_vfs', generic: true, value: vfsPerPort, bits: 32, mode: 'permanent' },
    ],
  },
};

function devlinkOf(card: SimCard): NonNullable<SimCard['devlink']> {
  if (card.devlink === undefined) throw new TypeError('the card has devlink');
  return card.devlink;
}

function pf(fn: number): SimPfProfile {
  return {
    address: `0000:81:00.${fn}`,
    card: limitedConnectX6Dx,
    rootPort: '0000:80:01.1',
    numaNode: 1,
    netdev: `enp129s0f${fn}np${fn}`,
    vfNetdevPrefix: `enp129s0f${fn}v`,
    mac: `b8:3f:d2:9e:51:a${fn}`,
    up: true,
    port: fn,
    firstVfOffset: fn === 0 ? 2 : 1 + vfsPerPort,
    vfStride: 1,
    rdma: `mlx5_${fn}`,
    flowControlPriorities: [],
  };
}

export const fwLimitProfile: SimProfile = {
  name: 'fw-limit',
  title: 'ConnectX-6 Dx, two ports, firmware set to 8 VFs each instead of 127',
  hostName: 'sim-fw-limit',
  kernelRelease: '6.18.5+deb14-amd64',
  numaNodes: [0, 1],
  iommu: true,
  rootPorts: [serverRootPort('0000:80:01.1', 0x81, 1, { speedGTps: 16, width: 16, slot: '4' })],
  pfs: [pf(0), pf(1)],
  plainNics: [],
  modules: ['vfio-pci', 'mlx5_vfio_pci'],
};
