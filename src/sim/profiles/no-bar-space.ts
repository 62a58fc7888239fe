// Owns the profile `no-bar-space`: an X520 for whose VF BARs the firmware left no room, as with SR-IOV off in its setup.
// Driver as in ixgbe.ts. The kernel says "not enough MMIO resources for SR-IOV" and ENOMEM (drivers/pci/iov.c).

import type { SimPfProfile, SimProfile } from '../profile.ts';
import { intelX520 } from './ixgbe.ts';
import { serverRootPort } from './root-port.ts';

function pf(fn: number): SimPfProfile {
  return {
    address: `0000:03:00.${fn}`,
    card: intelX520,
    rootPort: '0000:00:02.0',
    numaNode: 0,
    netdev: `enp3s0f${fn}`,
    vfNetdevPrefix: `enp3s0f${fn}v`,
    mac: `90:e2:ba:52:1a:1${fn}`,
    up: true,
    port: fn,
    firstVfOffset: 128,
    vfStride: 2,
    withoutVfSpace: true,
  };
}

export const noBarSpaceProfile: SimProfile = {
  name: 'no-bar-space',
  title: 'Intel X520, two ports, 63 VFs each, but no address space for them: ENOMEM',
  hostName: 'sim-no-bar-space',
  kernelRelease: '6.12.48+deb13-amd64',
  numaNodes: [0],
  iommu: true,
  rootPorts: [serverRootPort('0000:00:02.0', 3, 0, { speedGTps: 8, width: 8, slot: '3' })],
  pfs: [pf(0), pf(1)],
  plainNics: [],
  modules: ['vfio-pci'],
};
