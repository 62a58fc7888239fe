// Owns the profile `bnxt`: one Broadcom BCM57508 with two ports and 64 VFs each, ports down at the start.
// Quirks: drivers/net/ethernet/broadcom/bnxt/bnxt_sriov.c (bnxt_sriov_configure answers 0 while the port is down).

import type { SimCard, SimPfProfile, SimProfile } from '../profile.ts';
import { serverRootPort } from './root-port.ts';

const bcm57508: SimCard = {
  model: 'Broadcom BCM57508',
  driver: 'bnxt_en',
  vfDriver: 'bnxt_en',
  firmware: '229.0.163.0/pkg 229.1.123.0',
  pci: {
    vendorId: '14e4',
    deviceId: '1750',
    vfDeviceId: '1806',
    subsystemVendorId: '14e4',
    subsystemDeviceId: '2100',
    revision: 17,
    linkSpeedGTps: 16,
    linkWidth: 16,
    msixVectors: 146,
    vfMsixVectors: 64,
    vfBars: [
      { index: 0, sizeBytes: 16_384, is64Bit: true, prefetchable: true },
      { index: 2, sizeBytes: 1_048_576, is64Bit: true, prefetchable: true },
      { index: 4, sizeBytes: 16_384, is64Bit: true, prefetchable: true },
    ],
    multifunction: true,
  },
  // 128 per device.
  totalVfs: 64,
  speedMbps: 100_000,
  minMtu: 60,
  maxMtu: 9500,
  vfMaxMtu: 9500,
  rules: {
    supported: ['mac', 'vlan', 'rate', 'spoofCheck', 'linkState', 'trust'],
    initial: { spoofCheck: false, trust: false, linkState: 'auto' },
    minTxRate: true,
    reportsGuestMac: true,
  },
  devlink: {
    serialNumber: '84-16-0c-ff-fe-c4-18-20',
    fixed: { 'asic.id': 'D818', 'asic.rev': '01' },
    running: { 'fw.psid': '0.0.0', fw: '229.1.123.0', 'fw.mgmt': '229.0.163.0', 'fw.mgmt.api': '1.10.3' },
    stored: { fw: '229.1.123.0', 'fw.mgmt': '229.0.163.0' },
    healthReporters: ['fw'],
    parameters: [{ name: 'enable_sriov', generic: true, value: true, mode: 'permanent' }],
  },
  eswitch: 'any-time',
  needsPfUp: true,
  vfCreationMs: 60,
  vfProbeMs: 200,
  temperatureCelsius: 55,
  aer: true,
  namesPorts: true,
};

/** The VFs of both PFs follow each other from function 2 on. */
function pf(fn: number): SimPfProfile {
  return {
    address: `0000:21:00.${fn}`,
    card: bcm57508,
    rootPort: '0000:20:01.0',
    numaNode: 0,
    netdev: `enp33s0f${fn}np${fn}`,
    vfNetdevPrefix: `enp33s0f${fn}v`,
    mac: `84:16:0c:c4:18:2${fn}`,
    up: false,
    port: fn,
    firstVfOffset: fn === 0 ? 2 : 65,
    vfStride: 1,
  };
}

export const bnxtProfile: SimProfile = {
  name: 'bnxt',
  title: 'BCM57508, two ports, 64 VFs each: no VF and no error while the port is down',
  hostName: 'sim-bnxt',
  kernelRelease: '6.12.48+deb13-amd64',
  numaNodes: [0],
  iommu: true,
  rootPorts: [serverRootPort('0000:20:01.0', 0x21, 0, { speedGTps: 16, width: 16 })],
  pfs: [pf(0), pf(1)],
  plainNics: [],
  modules: ['vfio-pci'],
};
