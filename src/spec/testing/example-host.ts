// Owns the example host of the spec's tests: an 82576 with two ports and a netdevsim device.
// For tests only.

import type { Netdev, Pf } from '../../model/pf.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { Vf } from '../../model/vf.ts';

const untouchedSettings: Vf['settings'] = {
  mac: '00:00:00:00:00:00',
  vlan: 0,
  qos: 0,
  vlanProtocol: '802.1Q',
  minTxRateMbps: 0,
  maxTxRateMbps: 0,
  spoofCheck: true,
  trust: false,
  linkState: 'auto',
};

export function exampleNetdev(change: Partial<Netdev> = {}): Netdev {
  return {
    name: 'enp1s0',
    ifIndex: 2,
    mac: '52:54:00:00:01:00',
    mtu: 1500,
    minMtu: 68,
    maxMtu: 9216,
    up: true,
    speedMbps: 1000,
    ...change,
  };
}

export function exampleVf(index: number, change: Partial<Vf> = {}): Vf {
  return {
    index,
    address: `0000:01:1${Math.floor(index / 4)}.${(index % 4) * 2}`,
    vendorId: '8086',
    deviceId: '10ca',
    driver: 'igbvf',
    netdev: `enp1s0v${index}`,
    settings: untouchedSettings,
    holders: [],
    ...change,
  };
}

/** A VF that differs in some of its settings. */
export function exampleVfWith(index: number, settings: Vf['settings'], change: Partial<Vf> = {}): Vf {
  return exampleVf(index, { ...change, settings: { ...untouchedSettings, ...settings } });
}

export function examplePf(change: Partial<Pf> = {}): Pf {
  return {
    address: '0000:01:00.0',
    vendorId: '8086',
    deviceId: '10c9',
    driver: 'igb',
    numaNode: 0,
    sriov: { totalVfs: 7, numVfs: change.vfs?.length ?? 0, driversAutoprobe: true },
    netdevs: [exampleNetdev()],
    vfs: [],
    ...change,
  };
}

/** The second port: no VFs, link down. */
export const secondPf: Pf = examplePf({
  address: '0000:02:00.0',
  numaNode: 1,
  netdevs: [
    {
      name: 'enp2s0',
      ifIndex: 3,
      mac: '52:54:00:00:02:00',
      mtu: 1500,
      minMtu: 68,
      maxMtu: 9216,
      up: false,
    },
  ],
});

export const netdevsimPf: Pf = {
  address: 'netdevsim/netdevsim1',
  driver: 'netdevsim',
  sriov: { totalVfs: 0, numVfs: 2 },
  netdevs: [
    { name: 'eni1np1', ifIndex: 9, mac: '52:54:00:00:09:00', mtu: 1500, minMtu: 68, maxMtu: 0, up: true },
  ],
  devlink: {
    handle: 'netdevsim/netdevsim1',
    versions: { fixed: {}, running: {}, stored: {} },
    eswitchMode: 'legacy',
    ports: [],
    healthReporters: [],
    parameters: [],
  },
  vfs: [0, 1].map((index) => ({ index, settings: untouchedSettings, holders: [] })),
};

export function exampleHost(...pfs: readonly Pf[]): Snapshot {
  return {
    apiVersion: 'vfleet/v1',
    kind: 'Snapshot',
    snapshotVersion: 1,
    takenAt: '2025-01-01T00:00:00Z',
    host: {
      name: 'host-1',
      kernelRelease: '6.12.0',
      bootId: 'boot-1',
      machineId: '0123456789abcdef0123456789abcdef',
      numaNodes: [0, 1],
      iommuGroupCount: 12,
    },
    pfs: [...pfs],
    unread: [],
  };
}
