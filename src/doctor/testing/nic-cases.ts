// Owns one way to bring about each kind of finding about cards: what to break, and what the finding then says.

import type { Cases } from './case.ts';
import { deviceOf, netdev, netdevOf, notRead, pf, pfOf, platform, unread } from './case.ts';

export const nicCases: Cases<'nic'> = {
  'nic.unread': { breakIt: unread('pfs.0000:98:00.1.resetMethods'), says: notRead },
  'nic.none': {
    breakIt: (host) => {
      host.pfs = [];
    },
    says: /sriov_totalvfs/,
  },
  'nic.driver.none': { breakIt: pf((each) => delete each.driver), says: /its driver is mlx5_core/ },
  'nic.driver.vfio': { breakIt: pf((each) => (each.driver = 'vfio-pci')), says: /bound to vfio-pci/ },
  'nic.vf-driver.absent': {
    breakIt: platform((each) => (each.kernel.modules['mlx5_core'] = 'absent')),
    says: /mlx5_core of the VFs is not on the disk/,
  },
  'nic.total-vfs.zero': {
    breakIt: pf(({ sriov }) => {
      sriov.totalVfs = 0;
      sriov.numVfs = 0;
    }),
    says: /sysfs 0, configuration space 127, devlink 127/,
  },
  'nic.total-vfs.differs': {
    breakIt: pf(({ sriov }) => (sriov.capabilityTotalVfs = 128)),
    says: /sysfs 127, configuration space 128, devlink 127/,
  },
  'nic.total-vfs.below-catalogue': {
    breakIt: pf(({ sriov }) => {
      sriov.totalVfs = 8;
      sriov.capabilityTotalVfs = 8;
      sriov.devlinkTotalVfs = 8;
    }),
    says: /8 VFs, ConnectX-6 Dx can have 127/,
  },
  'nic.vf-bars.unassigned': {
    breakIt: pf(({ sriov }) => {
      sriov.numVfs = 0;
      for (const bar of sriov.vfBars ?? []) bar.assigned = false;
    }),
    says: /VF BAR 0 without address space; 130048 KB are needed for 127 VFs/,
  },
  'nic.ari.off': {
    breakIt: pf(({ sriov }) => (sriov.ariCapableHierarchy = false)),
    says: /offset 2, stride 1/,
  },
  'nic.msix.few': { breakIt: pf(({ sriov }) => (sriov.msixPerVf = 2)), says: /2 MSI-X vectors for each VF/ },
  'nic.reset.no-flr': { breakIt: pf((each) => (each.resetMethods = ['bus'])), says: /bus/ },
  'nic.firmware.sriov-off': {
    breakIt: pf(({ devlink, sriov }) => {
      sriov.numVfs = 0;
      for (const parameter of devlink?.parameters ?? []) parameter.values = { permanent: 'false' };
    }),
    says: /enable_sriov is false/,
  },
  'nic.firmware.sriov-off-next': {
    breakIt: pf(({ devlink }) => {
      for (const parameter of devlink?.parameters ?? []) parameter.values = { permanent: 'false' };
    }),
    says: /enable_sriov is false/,
  },
  'nic.firmware.waiting': {
    breakIt: pf(({ devlink }) => {
      if (devlink !== undefined) devlink.versions.stored = { fw: '22.43.1014' };
    }),
    says: /fw 22\.41\.1000 runs, 22\.43\.1014 is stored/,
  },
  'nic.firmware.mixed': {
    breakIt: (host) => (pfOf(host, 1).firmware = '22.39.2048'),
    says: /22\.41\.1000 on 0000:98:00\.0; 22\.39\.2048 on 0000:98:00\.1/,
  },
  'nic.health.error': {
    breakIt: pf(({ devlink }) => {
      for (const reporter of devlink?.healthReporters ?? []) {
        reporter.state = 'error';
        reporter.errorCount = 3;
      }
    }),
    says: /fw \(3 times\)/,
  },
  'nic.port.none': {
    breakIt: pf((each) => {
      each.netdevs = [];
    }),
    says: /mlx5_core, but no network interface/,
  },
  'nic.port.down': { breakIt: netdev((each) => (each.up = false)), says: /ens1f0np0 is down/ },
  'nic.port.no-link': {
    breakIt: netdev((each) => {
      each.carrier = false;
      delete each.speedMbps;
    }),
    says: /no link/,
  },
  'nic.port.slow': {
    breakIt: (host) => {
      // A card whose row in the catalogue stands for one kind of port only.
      Object.assign(pfOf(host), {
        vendorId: '8086',
        deviceId: '10c9',
        subsystemDeviceId: 'a03c',
        firmware: '1',
      });
      delete deviceOf(host, 0).link;
      delete pfOf(host).pcieLink;
      pfOf(host).sriov.totalVfs = 127;
      netdevOf(host).speedMbps = 100;
    },
    says: /runs at 100 Mb\/s, Intel 82576.* can do 1 Gb\/s/,
  },
  'nic.port.half-duplex': { breakIt: netdev((each) => (each.duplex = 'half')), says: /half duplex/ },
  'nic.npar.on': {
    breakIt: (host) => {
      for (const index of [0, 1]) netdevOf(host, index).physPortId = 'b8cef6aa0001';
    },
    says: /2 PFs on one physical port .*: 0000:98:00\.0, 0000:98:00\.1/,
  },
  'nic.bonded': {
    breakIt: netdev((each) => Object.assign(each, { master: 'bond0', masterKind: 'bond' })),
    says: /part of bond bond0/,
  },
  'nic.bridged': {
    breakIt: netdev((each) => Object.assign(each, { master: 'br0', masterKind: 'bridge' })),
    says: /part of bridge br0/,
  },
  'nic.default-route': { breakIt: netdev((each) => (each.defaultRoute = true)), says: /ens1f0np0/ },
  'nic.autoprobe.off': {
    breakIt: pf(({ sriov }) => (sriov.driversAutoprobe = false)),
    says: /sriov_drivers_autoprobe is 0/,
  },
};
