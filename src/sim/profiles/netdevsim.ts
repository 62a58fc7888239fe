// Owns the profile `netdevsim`: the kernel's own test device with 256 VFs, as the lab makes it. It is no PCI device.
// Quirks: drivers/net/netdevsim (bus.c, dev.c, netdev.c).

import type { SimProfile } from '../profile.ts';

export const netdevsimProfile: SimProfile = {
  name: 'netdevsim',
  title: 'netdevsim/netdevsim1, 256 VFs: no PCI, takes every setting, switchdev at any time',
  hostName: 'sim-netdevsim',
  kernelRelease: '6.12.48+deb13-amd64',
  numaNodes: [0],
  iommu: true,
  rootPorts: [],
  pfs: [
    {
      address: 'netdevsim/netdevsim1',
      card: {
        model: 'netdevsim',
        driver: 'netdevsim',
        firmware: '',
        totalVfs: 256,
        speedMbps: 0,
        minMtu: 68,
        maxMtu: 65_535,
        vfMaxMtu: 65_535,
        rules: {
          supported: ['mac', 'vlan', 'rate', 'spoofCheck', 'linkState', 'rssQuery', 'trust'],
          initial: { spoofCheck: false, trust: false, linkState: 'auto', rssQuery: false },
          stackedVlan: true,
          minTxRate: true,
          rateUnbounded: true,
          refusedInSwitchdev: ['rate'],
        },
        devlink: {
          serialNumber: '',
          fixed: {},
          running: {},
          stored: {},
          healthReporters: ['empty', 'dummy'],
          parameters: [
            { name: 'max_macs', generic: true, value: 32, bits: 32, mode: 'driverinit' },
            { name: 'test1', value: true, mode: 'driverinit' },
          ],
        },
        eswitch: 'any-time',
        remembersVfs: true,
        vfCreationMs: 0,
        vfProbeMs: 0,
        namesPorts: true,
      },
      netdev: 'eni1np1',
      vfNetdevPrefix: 'eni1v',
      mac: '3e:8a:52:11:6c:01',
      up: true,
      port: 0,
      firstVfOffset: 0,
      vfStride: 0,
    },
  ],
  plainNics: [],
  modules: ['vfio-pci'],
};
