// Owns the profile `ice`: two Intel E810-C with one 100G port and 256 VFs each; the VF list of such a PF wraps.
// Quirks: drivers/net/ethernet/intel/ice (ice_sriov.c, ice_eswitch.c).

import type { SimCard, SimPfProfile, SimProfile } from '../profile.ts';
import { serverRootPort } from './root-port.ts';

export const intelE810: SimCard = {
  model: 'Intel E810-CQDA1',
  driver: 'ice',
  vfDriver: 'iavf',
  firmware: '4.40 0x8001c967 1.3534.0',
  pci: {
    vendorId: '8086',
    deviceId: '1592',
    vfDeviceId: '1889',
    subsystemVendorId: '8086',
    subsystemDeviceId: '0002',
    revision: 2,
    linkSpeedGTps: 16,
    linkWidth: 16,
    msixVectors: 1024,
    vfMsixVectors: 17,
    vfBars: [
      { index: 0, sizeBytes: 131_072, is64Bit: true, prefetchable: true },
      { index: 3, sizeBytes: 16_384, is64Bit: true, prefetchable: true },
    ],
    vpd: { product: 'Intel(R) Ethernet Network Adapter E810-CQDA1', partNumber: 'K91258-006' },
    vfTotalMsix: 832,
  },
  totalVfs: 256,
  speedMbps: 100_000,
  minMtu: 68,
  maxMtu: 9702,
  vfMaxMtu: 9702,
  rules: {
    supported: ['mac', 'vlan', 'rate', 'spoofCheck', 'linkState', 'trust'],
    initial: { spoofCheck: true, trust: false, linkState: 'auto' },
    minTxRate: true,
    unready: { errno: 'EBUSY', durationMs: 500 },
    refusedInSwitchdev: ['trust'],
    reportsGuestMac: true,
    macReachesVf: true,
    counts: true,
  },
  devlink: {
    serialNumber: '40-a6-b7-ff-ff-66-8b-70',
    fixed: { 'board.id': 'K91258-006' },
    running: {
      'fw.mgmt': '7.4.13',
      'fw.mgmt.api': '1.7.11',
      'fw.mgmt.build': '0xded4446f',
      'fw.undi': '1.3534.0',
      'fw.psid.api': '4.40',
      'fw.bundle_id': '0x8001c967',
      'fw.app.name': 'ICE OS Default Package',
      'fw.app': '1.3.36.0',
      'fw.netlist': '4.4.5000-1.14.0',
    },
    stored: {
      'fw.undi': '1.3534.0',
      'fw.psid.api': '4.40',
      'fw.bundle_id': '0x8001c967',
      'fw.netlist': '4.4.5000-1.14.0',
    },
    healthReporters: ['tx_hang', 'mdd'],
    parameters: [
      { name: 'enable_roce', generic: true, value: false, mode: 'runtime' },
      { name: 'enable_iwarp', generic: true, value: true, mode: 'runtime' },
    ],
  },
  eswitch: 'without-vfs',
  vfCreationMs: 20,
  vfProbeMs: 20,
  vfNetdevDelayMs: 300,
  temperatureCelsius: 62,
  aer: true,
  namesPorts: true,
};

/** A PF of an E810-C: its VFs begin at function 8, and the last of 256 lie on the next bus. */
export function e810Pf(bus: number, rootPort: string, numaNode: number): SimPfProfile {
  const digits = bus.toString(16).padStart(2, '0');
  return {
    address: `0000:${digits}:00.0`,
    card: intelE810,
    rootPort,
    numaNode,
    netdev: `enp${bus}s0`,
    vfNetdevPrefix: `enp${bus}s0v`,
    mac: `40:a6:b7:66:${digits}:70`,
    up: true,
    port: 0,
    firstVfOffset: 8,
    vfStride: 1,
    flowControlPriorities: [],
  };
}

export const iceProfile: SimProfile = {
  name: 'ice',
  title: 'two Intel E810-C, 256 VFs each: the VF list wraps; eswitch mode changes only without VFs',
  hostName: 'sim-ice',
  kernelRelease: '6.12.48+deb13-amd64',
  numaNodes: [0, 1],
  iommu: true,
  rootPorts: [
    serverRootPort('0000:16:02.0', 0x17, 0, { speedGTps: 16, width: 16, subordinateBus: 0x18 }),
    serverRootPort('0000:97:02.0', 0x98, 1, { speedGTps: 16, width: 16, subordinateBus: 0x99 }),
  ],
  pfs: [e810Pf(0x17, '0000:16:02.0', 0), e810Pf(0x98, '0000:97:02.0', 1)],
  plainNics: [],
  modules: ['vfio-pci'],
};
