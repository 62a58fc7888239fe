// Owns the profile `mixed-numa`: cards of two makers on two NUMA nodes, one port of each in a bond that carries the
// host's own default route, and bridges for VMs. Drivers as in ice.ts and mlx5.ts.

import type { SimPfProfile, SimProfile } from '../profile.ts';
import { e810Pf } from './ice.ts';
import { lldpOutput } from './lldp-output.ts';
import { connectX6Dx } from './mlx5.ts';
import { serverRootPort } from './root-port.ts';

function connectXPf(fn: number): SimPfProfile {
  return {
    address: `0000:98:00.${fn}`,
    card: connectX6Dx,
    rootPort: '0000:97:01.0',
    numaNode: 1,
    netdev: `enp152s0f${fn}np${fn}`,
    vfNetdevPrefix: `enp152s0f${fn}v`,
    mac: `b8:3f:d2:9e:60:a${fn}`,
    up: true,
    port: fn,
    firstVfOffset: fn === 0 ? 2 : 128,
    vfStride: 1,
    rdma: `mlx5_${fn}`,
    flowControlPriorities: [3],
  };
}

export const mixedNumaProfile: SimProfile = {
  name: 'mixed-numa',
  title:
    'Intel E810-C on node 0 and ConnectX-6 Dx on node 1, bonded, default route on a VLAN; br0 and br-int',
  hostName: 'sim-mixed-numa',
  kernelRelease: '6.12.48+deb13-amd64',
  numaNodes: [0, 1],
  iommu: true,
  rootPorts: [
    serverRootPort('0000:16:02.0', 0x17, 0, { speedGTps: 16, width: 16, subordinateBus: 0x18, slot: '1' }),
    serverRootPort('0000:97:01.0', 0x98, 1, { speedGTps: 16, width: 16, slot: '5' }),
  ],
  pfs: [e810Pf(0x17, '0000:16:02.0', 0), connectXPf(0), connectXPf(1)],
  plainNics: [],
  upperLinks: [
    { name: 'bond0', kind: 'bond', mac: '40:a6:b7:66:17:70', members: ['enp23s0', 'enp152s0f0np0'] },
    {
      name: 'bond0.100',
      kind: 'vlan',
      mac: '40:a6:b7:66:17:70',
      lower: 'bond0',
      addresses: ['192.0.2.17/24'],
    },
    { name: 'br0', kind: 'bridge', mac: '40:a6:b7:66:17:80' },
    { name: 'br-int', kind: 'openvswitch', mac: '40:a6:b7:66:17:81' },
  ],
  defaultRoute: 'bond0.100',
  modules: ['vfio-pci', 'mlx5_vfio_pci'],
  platform: {
    programs: {
      qemu: '10.0.2',
      libvirt: '11.3.0',
      lldpcli: lldpOutput([
        { netdev: 'enp23s0', chassis: 'leaf-1', port: 'Ethernet9/1', maxFrameBytes: 9216, vlans: [1, 100] },
        {
          netdev: 'enp152s0f0np0',
          chassis: 'leaf-2',
          port: 'Ethernet9/1',
          maxFrameBytes: 9216,
          vlans: [1, 100],
        },
        { netdev: 'enp152s0f1np1', chassis: 'leaf-2', port: 'Ethernet10/1', maxFrameBytes: 1522, vlans: [7] },
      ]),
    },
  },
};
