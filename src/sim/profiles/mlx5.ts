// Owns the profile `mlx5`: one ConnectX-6 Dx with two ports and 127 VFs each.
// Quirks: drivers/net/ethernet/mellanox/mlx5/core (eswitch.c, esw/legacy.c, eswitch_offloads.c).

import type { SimCard, SimPfProfile, SimProfile } from '../profile.ts';
import { serverRootPort } from './root-port.ts';

export const connectX6Dx: SimCard = {
  model: 'NVIDIA ConnectX-6 Dx',
  driver: 'mlx5_core',
  vfDriver: 'mlx5_core',
  firmware: '22.41.1000 (MT_0000000430)',
  pci: {
    vendorId: '15b3',
    deviceId: '101d',
    vfDeviceId: '101e',
    subsystemVendorId: '15b3',
    subsystemDeviceId: '0016',
    revision: 0,
    linkSpeedGTps: 16,
    linkWidth: 16,
    msixVectors: 64,
    vfMsixVectors: 12,
    vfBars: [{ index: 0, sizeBytes: 1_048_576, is64Bit: true, prefetchable: true }],
    multifunction: true,
    vpd: {
      product: 'ConnectX-6 Dx EN adapter card, 100GbE, Dual-port QSFP56',
      partNumber: 'MCX623106AN-CDAT',
    },
    vfTotalMsix: 2048,
  },
  totalVfs: 127,
  speedMbps: 100_000,
  minMtu: 68,
  maxMtu: 9978,
  vfMaxMtu: 9978,
  rules: {
    supported: ['mac', 'vlan', 'rate', 'spoofCheck', 'linkState', 'trust'],
    initial: { spoofCheck: false, trust: false, linkState: 'auto' },
    minTxRate: true,
    rateUnbounded: true,
    refusedInSwitchdev: ['vlan', 'spoofCheck', 'trust'],
    counts: true,
  },
  devlink: {
    serialNumber: 'MT2146X03512',
    fixed: { 'fw.psid': 'MT_0000000430' },
    running: { 'fw.version': '22.41.1000', fw: '22.41.1000' },
    stored: { 'fw.version': '22.41.1000', fw: '22.41.1000' },
    healthReporters: ['fw', 'fw_fatal', 'vnic'],
    parameters: [
      { name: 'enable_roce', generic: true, value: true, mode: 'driverinit' },
      { name: 'io_eq_size', generic: true, value: 1024, bits: 32, mode: 'driverinit' },
      { name: 'flow_steering_mode', value: 'smfs', mode: 'runtime' },
    ],
  },
  eswitch: 'vfs-unbound',
  vfDevlink: true,
  // 65 s for 125 VFs with their driver.
  vfCreationMs: 20,
  vfProbeMs: 500,
  temperatureCelsius: 64,
  aer: true,
  namesPorts: true,
};

/** The VFs of both PFs follow each other from function 2 on. */
function pf(fn: number): SimPfProfile {
  return {
    address: `0000:81:00.${fn}`,
    card: connectX6Dx,
    rootPort: '0000:80:01.1',
    numaNode: 1,
    netdev: `enp129s0f${fn}np${fn}`,
    vfNetdevPrefix: `enp129s0f${fn}v`,
    mac: `b8:3f:d2:9e:44:a${fn}`,
    up: true,
    port: fn,
    firstVfOffset: fn === 0 ? 2 : 128,
    vfStride: 1,
    rdma: `mlx5_${fn}`,
    flowControlPriorities: [],
  };
}

export const mlx5Profile: SimProfile = {
  name: 'mlx5',
  title: 'ConnectX-6 Dx, two ports, 127 VFs each: 0.5 s per VF, switchdev with representors, minimum rates',
  hostName: 'sim-mlx5',
  kernelRelease: '6.12.48+deb13-amd64',
  numaNodes: [0, 1],
  iommu: true,
  rootPorts: [serverRootPort('0000:80:01.1', 0x81, 1, { speedGTps: 16, width: 16, slot: '4' })],
  pfs: [pf(0), pf(1)],
  plainNics: [],
  modules: ['vfio-pci', 'mlx5_vfio_pci'],
};
