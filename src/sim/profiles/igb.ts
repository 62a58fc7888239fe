// Owns the profile `igb`: two Intel 82576 as the lab has them, each behind a port of its own.
// Quirks: drivers/net/ethernet/intel/igb/igb_main.c; seen in the lab (docs/lab.md).

import type { SimCard, SimPfProfile, SimProfile, SimRootPort } from '../profile.ts';

const intel82576: SimCard = {
  model: 'Intel 82576',
  driver: 'igb',
  vfDriver: 'igbvf',
  firmware: '1.2.1',
  pci: {
    vendorId: '8086',
    deviceId: '10c9',
    vfDeviceId: '10ca',
    subsystemVendorId: '1af4',
    subsystemDeviceId: '1100',
    revision: 1,
    linkSpeedGTps: 2.5,
    linkWidth: 1,
    msixVectors: 10,
    vfMsixVectors: 3,
    vfBars: [
      { index: 0, sizeBytes: 16_384, is64Bit: true, prefetchable: true },
      { index: 3, sizeBytes: 16_384, is64Bit: true, prefetchable: true },
    ],
  },
  totalVfs: 7,
  capabilityVfs: 8,
  speedMbps: 1000,
  speedWithoutLink: true,
  minMtu: 68,
  maxMtu: 9216,
  vfMaxMtu: 9216,
  rules: {
    supported: ['mac', 'vlan', 'rate', 'spoofCheck', 'trust'],
    initial: { spoofCheck: true, trust: false },
    rateNeedsLink: true,
    reportsGuestMac: true,
    vfNeedsPfUp: true,
    withoutVfs: { spoofCheck: 'EOPNOTSUPP' },
  },
  vfCreationMs: 20,
  vfProbeMs: 50,
  aer: true,
};

function rootPort(address: string, secondaryBus: number): SimRootPort {
  return {
    address,
    vendorId: '1b36',
    deviceId: '000c',
    secondaryBus,
    subordinateBus: secondaryBus,
    linkSpeedGTps: 16,
    linkWidth: 32,
    acs: true,
  };
}

function pf(bus: number, rootPortAddress: string): SimPfProfile {
  return {
    address: `0000:0${bus}:00.0`,
    card: intel82576,
    rootPort: rootPortAddress,
    netdev: `enp${bus}s0`,
    vfNetdevPrefix: `enp${bus}s0v`,
    mac: `52:54:00:82:57:0${bus}`,
    up: true,
    port: 0,
    firstVfOffset: 128,
    vfStride: 2,
  };
}

export const igbProfile: SimProfile = {
  name: 'igb',
  title: 'two Intel 82576 of the lab, 7 VFs each: link state refused, no minimum rate, random MACs',
  hostName: 'sim-igb',
  kernelRelease: '6.12.48+deb13-amd64',
  numaNodes: [0],
  iommu: true,
  rootPorts: [rootPort('0000:00:02.0', 1), rootPort('0000:00:03.0', 2)],
  pfs: [pf(1, '0000:00:02.0'), pf(2, '0000:00:03.0')],
  plainNics: [],
  modules: ['vfio-pci'],
};
