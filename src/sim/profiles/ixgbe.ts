// Owns the profile `ixgbe`: one Intel X520 with two ports, and a plain card beside it.
// Quirks: drivers/net/ethernet/intel/ixgbe/ixgbe_sriov.c.

import type { SimCard, SimPfProfile, SimProfile } from '../profile.ts';
import { serverRootPort } from './root-port.ts';

export const intelX520: SimCard = {
  model: 'Intel X520-DA2 (82599ES)',
  driver: 'ixgbe',
  vfDriver: 'ixgbevf',
  firmware: '0x800006da, 18.3.6',
  pci: {
    vendorId: '8086',
    deviceId: '10fb',
    vfDeviceId: '10ed',
    subsystemVendorId: '8086',
    subsystemDeviceId: '000c',
    revision: 1,
    linkSpeedGTps: 5,
    linkWidth: 8,
    msixVectors: 64,
    vfMsixVectors: 3,
    vfBars: [
      { index: 0, sizeBytes: 16_384, is64Bit: true, prefetchable: true },
      { index: 3, sizeBytes: 16_384, is64Bit: true, prefetchable: true },
    ],
    multifunction: true,
  },
  totalVfs: 63,
  speedMbps: 10_000,
  minMtu: 68,
  maxMtu: 9710,
  vfMaxMtu: 9710,
  rules: {
    supported: ['mac', 'vlan', 'rate', 'spoofCheck', 'linkState', 'rssQuery', 'trust'],
    initial: { spoofCheck: true, trust: false, linkState: 'auto', rssQuery: false },
    rateNeedsLink: true,
    lowestMaxTxRateMbps: 11,
    reportsGuestMac: true,
    counts: true,
  },
  // More than 60 s for 60 VFs.
  vfCreationMs: 1000,
  vfProbeMs: 20,
  vfDriverDelayMs: 400,
  temperatureCelsius: 51,
  aer: true,
};

function pf(fn: number): SimPfProfile {
  return {
    address: `0000:03:00.${fn}`,
    card: intelX520,
    rootPort: '0000:00:02.0',
    numaNode: 0,
    netdev: `enp3s0f${fn}`,
    vfNetdevPrefix: `enp3s0f${fn}v`,
    mac: `90:e2:ba:52:0f:1${fn}`,
    up: true,
    port: fn,
    // Both PFs' VFs lie between each other: 03:10.0, 03:10.2 … and 03:10.1, 03:10.3 …
    firstVfOffset: 128,
    vfStride: 2,
  };
}

export const ixgbeProfile: SimProfile = {
  name: 'ixgbe',
  title: 'Intel X520, two ports, 63 VFs each: slow to create, drivers arrive late, no minimum rate',
  hostName: 'sim-ixgbe',
  kernelRelease: '6.12.48+deb13-amd64',
  numaNodes: [0],
  iommu: true,
  rootPorts: [
    serverRootPort('0000:00:02.0', 3, 0, { speedGTps: 8, width: 8 }),
    serverRootPort('0000:00:1c.0', 4, 0, { speedGTps: 8, width: 1 }),
  ],
  pfs: [pf(0), pf(1)],
  plainNics: [
    {
      address: '0000:04:00.0',
      rootPort: '0000:00:1c.0',
      vendorId: '14e4',
      deviceId: '165f',
      driver: 'tg3',
      netdev: 'eno1',
      mac: '18:66:da:9c:01:10',
      speedMbps: 1000,
      numaNode: 0,
    },
  ],
  modules: ['vfio-pci'],
};
