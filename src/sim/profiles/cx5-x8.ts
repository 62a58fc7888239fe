// Owns the profile `cx5-x8`: a ConnectX-5 with two 100G ports, made for 16 lanes, in a slot with 8.
// Driver as in mlx5.ts.

import type { SimCard, SimPfProfile, SimProfile } from '../profile.ts';
import { lldpOutput } from './lldp-output.ts';
import { connectX6Dx } from './mlx5.ts';
import { serverRootPort } from './root-port.ts';

const connectX5: SimCard = {
  ...connectX6Dx,
  model: 'NVIDIA ConnectX-5',
  firmware: '16.35.3502 (MT_0000000012)',
  pci: {
    vendorId: '15b3',
    deviceId: '1017',
    vfDeviceId: '1018',
    subsystemVendorId: '15b3',
    subsystemDeviceId: '0007',
    revision: 0,
    linkSpeedGTps: 8,
    linkWidth: 16,
    msixVectors: 64,
    vfMsixVectors: 12,
    vfBars: [{ index: 0, sizeBytes: 1_048_576, is64Bit: true, prefetchable: true }],
    multifunction: true,
    vpd: { product: 'CX516A - ConnectX-5 QSFP28', partNumber: 'MCX516A-CCAT' },
    vfTotalMsix: 2048,
  },
  devlink: {
    serialNumber: 'MT1932X00412',
    fixed: { 'fw.psid': 'MT_0000000012' },
    running: { 'fw.version': '16.35.3502', fw: '16.35.3502' },
    stored: { 'fw.version': '16.35.3502', fw: '16.35.3502' },
    healthReporters: ['fw', 'fw_fatal', 'vnic'],
    parameters: [{ name: 'enable_roce', generic: true, value: true, mode: 'driverinit' }],
  },
};

function pf(fn: number): SimPfProfile {
  return {
    address: `0000:3b:00.${fn}`,
    card: connectX5,
    rootPort: '0000:3a:00.0',
    numaNode: 0,
    netdev: `enp59s0f${fn}np${fn}`,
    vfNetdevPrefix: `enp59s0f${fn}v`,
    mac: `0c:42:a1:5c:35:7${fn}`,
    up: true,
    port: fn,
    firstVfOffset: fn === 0 ? 2 : 128,
    vfStride: 1,
    rdma: `mlx5_${fn}`,
    flowControlPriorities: [3],
  };
}

export const cx5X8Profile: SimProfile = {
  name: 'cx5-x8',
  title: 'ConnectX-5, two 100G ports, 127 VFs each, in a Gen3 slot with 8 of its 16 lanes: starved',
  hostName: 'sim-cx5-x8',
  kernelRelease: '6.12.48+deb13-amd64',
  numaNodes: [0, 1],
  iommu: true,
  rootPorts: [serverRootPort('0000:3a:00.0', 0x3b, 0, { speedGTps: 8, width: 8, slot: '2' })],
  pfs: [pf(0), pf(1)],
  plainNics: [],
  modules: ['vfio-pci', 'mlx5_vfio_pci'],
  platform: {
    programs: {
      qemu: '10.0.2',
      libvirt: '11.3.0',
      lldpcli: lldpOutput(
        [0, 1].map((fn) => ({
          netdev: `enp59s0f${fn}np${fn}`,
          chassis: `leaf-${fn + 1}`,
          port: 'Ethernet7/1',
          maxFrameBytes: 9216,
          vlans: [1, 100, 200],
        })),
      ),
    },
  },
};
