// Owns the profile `bare`: a host whose only card has no SR-IOV.

import type { SimProfile } from '../profile.ts';
import { serverRootPort } from './root-port.ts';

export const bareProfile: SimProfile = {
  name: 'bare',
  title: 'a host without any SR-IOV card and without an IOMMU',
  hostName: 'sim-bare',
  kernelRelease: '6.12.48+deb13-amd64',
  numaNodes: [0],
  iommu: false,
  rootPorts: [serverRootPort('0000:00:1c.0', 2, 0, { speedGTps: 8, width: 1 })],
  pfs: [],
  plainNics: [
    {
      address: '0000:02:00.0',
      rootPort: '0000:00:1c.0',
      vendorId: '8086',
      deviceId: '10d3',
      driver: 'e1000e',
      netdev: 'eno1',
      mac: '00:1b:21:6d:0a:10',
      speedMbps: 1000,
      numaNode: 0,
    },
  ],
  modules: ['vfio-pci'],
};
