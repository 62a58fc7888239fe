// Owns the profile `big`: eight Intel E810-C with all their 256 VFs made and bound, to measure time and memory.

import type { SimProfile } from '../profile.ts';
import { e810Pf, intelE810 } from './ice.ts';
import { serverRootPort } from './root-port.ts';

const buses = [0x17, 0x31, 0x4b, 0x65, 0x98, 0xb1, 0xca, 0xe3];

function rootPortAddress(bus: number): string {
  return `0000:${(bus - 1).toString(16).padStart(2, '0')}:02.0`;
}

function numaNodeOf(bus: number): number {
  return bus < 0x80 ? 0 : 1;
}

export const bigProfile: SimProfile = {
  name: 'big',
  title: 'eight Intel E810-C with 256 VFs each, all made: 2048 VFs',
  hostName: 'sim-big',
  kernelRelease: '6.12.48+deb13-amd64',
  numaNodes: [0, 1],
  iommu: true,
  rootPorts: buses.map((bus) =>
    serverRootPort(rootPortAddress(bus), bus, numaNodeOf(bus), {
      speedGTps: 16,
      width: 16,
      subordinateBus: bus + 1,
    }),
  ),
  pfs: buses.map((bus) => ({
    ...e810Pf(bus, rootPortAddress(bus), numaNodeOf(bus)),
    initialVfs: intelE810.totalVfs,
  })),
  plainNics: [],
  modules: ['vfio-pci'],
};
