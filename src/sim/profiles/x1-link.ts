// Owns the profile `x1-link`: an X520, made for 8 lanes, behind a port with one: 4 Gb/s for two 10G ports.
// Driver as in ixgbe.ts.

import type { SimPfProfile, SimProfile } from '../profile.ts';
import { intelX520 } from './ixgbe.ts';
import { serverRootPort } from './root-port.ts';

function pf(fn: number): SimPfProfile {
  return {
    address: `0000:05:00.${fn}`,
    card: intelX520,
    rootPort: '0000:00:1c.4',
    numaNode: 0,
    netdev: `enp5s0f${fn}`,
    vfNetdevPrefix: `enp5s0f${fn}v`,
    mac: `90:e2:ba:52:2b:1${fn}`,
    up: true,
    port: fn,
    firstVfOffset: 128,
    vfStride: 2,
    flowControlPriorities: [],
  };
}

export const x1LinkProfile: SimProfile = {
  name: 'x1-link',
  title: 'Intel X520, two 10G ports, 63 VFs each, behind a port with one lane',
  hostName: 'sim-x1-link',
  kernelRelease: '6.12.48+deb13-amd64',
  numaNodes: [0],
  iommu: true,
  rootPorts: [serverRootPort('0000:00:1c.4', 5, 0, { speedGTps: 8, width: 1 })],
  pfs: [pf(0), pf(1)],
  plainNics: [],
  modules: ['vfio-pci'],
};
