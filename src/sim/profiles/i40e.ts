// Owns the profile `i40e`: an Intel XL710 with two ports of 64 VFs and an X710 with four ports of 32.
// Quirks: drivers/net/ethernet/intel/i40e/i40e_virtchnl_pf.c (EAGAIN while a VF is in reset).

import type { SimCard, SimPfProfile, SimProfile } from '../profile.ts';
import { serverRootPort } from './root-port.ts';

const intelXl710: SimCard = {
  model: 'Intel XL710-QDA2',
  driver: 'i40e',
  vfDriver: 'iavf',
  firmware: '9.20 0x8000d9c5 1.3353.0',
  pci: {
    vendorId: '8086',
    deviceId: '1583',
    vfDeviceId: '154c',
    subsystemVendorId: '8086',
    subsystemDeviceId: '0002',
    revision: 2,
    linkSpeedGTps: 8,
    linkWidth: 8,
    msixVectors: 129,
    vfMsixVectors: 5,
    vfBars: [
      { index: 0, sizeBytes: 65_536, is64Bit: true, prefetchable: true },
      { index: 3, sizeBytes: 16_384, is64Bit: true, prefetchable: true },
    ],
    multifunction: true,
  },
  totalVfs: 64,
  speedMbps: 40_000,
  minMtu: 68,
  maxMtu: 9702,
  vfMaxMtu: 9702,
  rules: {
    supported: ['mac', 'vlan', 'rate', 'spoofCheck', 'linkState', 'trust'],
    initial: { spoofCheck: true, trust: false, linkState: 'auto' },
    unready: { errno: 'EAGAIN', durationMs: 2000 },
    reportsGuestMac: true,
    macReachesVf: true,
    counts: true,
  },
  devlink: {
    serialNumber: '3c-fd-fe-ff-ff-9d-5e-40',
    fixed: { 'board.id': 'K65849-001' },
    running: {
      'fw.mgmt': '9.120.73026',
      'fw.mgmt.api': '1.14',
      'fw.psid.api': '9.20',
      'fw.bundle_id': '0x8000d9c5',
    },
    stored: {},
    healthReporters: [],
    parameters: [],
  },
  // 22 s for 64 VFs.
  vfCreationMs: 250,
  vfProbeMs: 90,
  vfNetdevDelayMs: 300,
  temperatureCelsius: 58,
  aer: true,
};

const intelX710: SimCard = {
  ...intelXl710,
  model: 'Intel X710-DA4',
  pci: { ...pciOf(intelXl710), deviceId: '1572', subsystemDeviceId: '0001' },
  totalVfs: 32,
  speedMbps: 10_000,
};

function pciOf(card: SimCard): NonNullable<SimCard['pci']> {
  if (card.pci === undefined) throw new TypeError('the card is a PCI device');
  return card.pci;
}

/** The VFs of all PFs of a device follow each other from function 16 on. */
function pf(card: SimCard, bus: string, busNumber: number, fn: number, numaNode: number): SimPfProfile {
  return {
    address: `0000:${bus}:00.${fn}`,
    card,
    rootPort: numaNode === 0 ? '0000:3a:00.0' : '0000:ae:00.0',
    numaNode,
    netdev: `enp${busNumber}s0f${fn}np${fn}`,
    vfNetdevPrefix: `enp${busNumber}s0f${fn}v`,
    mac: `3c:fd:fe:9d:${bus}:0${fn}`,
    up: true,
    port: fn,
    firstVfOffset: 16 + fn * (card.totalVfs - 1),
    vfStride: 1,
  };
}

export const i40eProfile: SimProfile = {
  name: 'i40e',
  title:
    'Intel XL710 (2 × 64 VFs) and X710 (4 × 32): settings refused for 2 s after creation, late interfaces',
  hostName: 'sim-i40e',
  kernelRelease: '6.12.48+deb13-amd64',
  numaNodes: [0, 1],
  iommu: true,
  rootPorts: [
    serverRootPort('0000:3a:00.0', 0x3b, 0, { speedGTps: 8, width: 8 }),
    serverRootPort('0000:ae:00.0', 0xaf, 1, { speedGTps: 8, width: 8 }),
  ],
  pfs: [
    ...[0, 1].map((fn) => pf(intelXl710, '3b', 59, fn, 0)),
    ...[0, 1, 2, 3].map((fn) => pf(intelX710, 'af', 175, fn, 1)),
  ],
  plainNics: [],
  modules: ['vfio-pci'],
};
