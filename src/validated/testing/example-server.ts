// Owns the example server of the validated list's tests: two ports of an E810 in a PowerEdge, and the list that covers it.
// For tests only.

import type { Pf } from '../../model/pf.ts';
import type { Platform } from '../../model/platform.ts';
import { snapshotVersion, type Snapshot } from '../../model/snapshot.ts';

export function exampleCard(change: Partial<Pf> = {}): Pf {
  return {
    address: '0000:17:00.0',
    vendorId: '8086',
    deviceId: '1592',
    subsystemVendorId: '8086',
    subsystemDeviceId: '0002',
    driver: 'ice',
    driverVersion: '6.12.9-amd64',
    firmware: '4.40 0x8001c967 1.3534.0',
    sriov: { totalVfs: 128, numVfs: 0 },
    netdevs: [],
    vfs: [],
    ...change,
  };
}

export function exampleServer(change: Partial<Snapshot> = {}): Snapshot {
  return {
    apiVersion: 'vfleet/v1',
    kind: 'Snapshot',
    snapshotVersion,
    takenAt: '2026-03-01T10:00:00Z',
    host: { name: 'web-7', kernelRelease: '6.12.9-amd64', bootId: 'b', numaNodes: [0], iommuGroupCount: 9 },
    platform: examplePlatform(),
    pfs: [exampleCard(), exampleCard({ address: '0000:17:00.1' })],
    unread: [],
    ...change,
  };
}

export function examplePlatform(change: Partial<Pick<Platform, 'firmware' | 'programs'>> = {}): Platform {
  return {
    kvm: true,
    processors: {
      vendor: 'intel',
      virtualisation: 'vmx',
      isGuest: false,
      onlineCount: 2,
      isolated: [],
      governors: [],
    },
    numa: [],
    firmware: { vendor: 'Dell Inc.', product: 'PowerEdge R740', uefi: true },
    iommu: { units: [], groups: [], iommufd: false },
    kernel: { commandLine: '', modules: {} },
    programs: { qemu: '10.0.2', libvirt: '11.3.0', lldp: false },
    ...change,
  };
}

/** A list of two entries with comments of people; the first covers the example server. */
export const exampleList = `# What we have tested.
apiVersion: vfleet/v1
kind: ValidatedHardware

entries:
  # rack 1 to 4
  - name: web servers
    server: { vendor: Dell Inc., product: PowerEdge R740 }
    nic: { id: '8086:1592', subsystem: '8086:0002' }
    firmware: 4.40.*   # 4.20 drops packets
    driver: { name: ice }
    kernel: '>=6.1 <6.13'
    hypervisor: { qemu: '>=7.2', libvirt: '>=9.0' }

  - name: storage
    nic: { id: '15b3:101d' }
    firmware: '22.41.1000'
    driver: { name: mlx5_core }
`;
