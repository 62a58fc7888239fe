// Owns a server on which the doctor finds nothing to complain about, for tests to break one thing at a time.

import type { PcieDevice } from '../../model/pcie.ts';
import type { Pf } from '../../model/pf.ts';
import type { Platform } from '../../model/platform.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { Vf } from '../../model/vf.ts';

/** Groups of the PFs; those of VFs follow. */
const pfGroup = 40;

function healthyPlatform(groups: Platform['iommu']['groups']): Platform {
  return {
    kvm: true,
    processors: {
      vendor: 'intel',
      modelName: 'Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz',
      virtualisation: 'vmx',
      isGuest: false,
      onlineCount: 8,
      isolated: [6, 7],
      governors: ['performance'],
      deepestIdle: { name: 'C1E', exitLatencyUs: 4 },
    },
    numa: [0, 1].map((node) => ({
      node,
      cores: [[4 * node], [4 * node + 1], [4 * node + 2], [4 * node + 3]],
      socket: node,
      memoryTotalMb: 131_072,
      memoryFreeMb: 98_304,
      hugepages: [{ sizeKb: 1_048_576, total: 32, free: 32 }],
    })),
    firmware: {
      vendor: 'Dell Inc.',
      product: 'PowerEdge R750',
      version: '1.13.2',
      uefi: true,
      acpiTables: ['APIC', 'DMAR', 'FACP'],
      dmar: { interruptRemapping: true, x2apicOptOut: false, dmaProtection: true, unitCount: 2 },
      secureBoot: true,
      tpm: { majorVersion: 2, pcrBanks: ['sha256'] },
    },
    iommu: {
      units: ['dmar0', 'dmar1'],
      groups,
      interruptRemapping: true,
      allowUnsafeInterrupts: false,
      noIommuMode: false,
      iommufd: true,
    },
    kernel: {
      commandLine: 'BOOT_IMAGE=/vmlinuz root=/dev/sda2 ro intel_iommu=on iommu=pt',
      lockdown: 'none',
      modules: {
        'kvm-intel': 'loaded',
        'kvm-amd': 'available',
        'vfio-pci': 'available',
        mlx5_core: 'loaded',
      },
    },
    programs: { qemu: '10.0.2', libvirt: '11.3.0', lldp: true },
  };
}

function healthyPath(fn: number): PcieDevice[] {
  const link = { currentSpeedGTps: 16, currentWidth: 16, maxSpeedGTps: 16, maxWidth: 16 };
  const sizes = { maxPayloadBytes: 512, maxPayloadSupportedBytes: 512, maxReadRequestBytes: 512 };
  const acs: NonNullable<PcieDevice['acs']>['capable'] = [
    'sourceValidation',
    'requestRedirect',
    'completionRedirect',
    'upstreamForwarding',
  ];
  return [
    {
      address: `0000:98:00.${fn}`,
      vendorId: '15b3',
      deviceId: '101d',
      kind: 'endpoint',
      link,
      ...sizes,
      alsoBelow: [],
    },
    {
      address: '0000:97:01.0',
      vendorId: '8086',
      deviceId: '347a',
      kind: 'root-port',
      link,
      acs: { capable: acs, enabled: acs },
      ...sizes,
      alsoBelow: [],
    },
  ];
}

function healthyVf(fn: number, index: number): Vf {
  return {
    index,
    address: `0000:98:0${1 + fn}.${index}`,
    driver: 'mlx5_core',
    iommuGroup: pfGroup + 2 + fn * 2 + index,
    settings: { vlan: 100 + index },
    holders: [],
  };
}

function healthyPf(fn: number): Pf {
  const name = `ens1f${fn}np${fn}`;
  return {
    address: `0000:98:00.${fn}`,
    vendorId: '15b3',
    deviceId: '101d',
    subsystemVendorId: '15b3',
    subsystemDeviceId: '0043',
    driver: 'mlx5_core',
    driverVersion: '6.12.48',
    firmware: '22.41.1000',
    numaNode: 1,
    iommuGroup: pfGroup + fn,
    pcieLink: { currentSpeedGTps: 16, currentWidth: 16, maxSpeedGTps: 16, maxWidth: 16 },
    pciePath: healthyPath(fn),
    resetMethods: ['flr', 'bus'],
    rdma: [{ name: `mlx5_${fn}`, linkLayer: 'Ethernet', activeMtuBytes: 4096 }],
    acsIsolates: true,
    aer: { correctable: 3, fatal: 0, nonFatal: 0 },
    sriov: {
      totalVfs: 127,
      numVfs: 2,
      driversAutoprobe: true,
      firstVfOffset: 2,
      vfStride: 1,
      ariCapableHierarchy: fn === 0,
      capabilityTotalVfs: 127,
      devlinkTotalVfs: 127,
      vfTotalMsix: 2048,
      msixPerVf: 12,
      vfBars: [
        {
          index: 0,
          address: '0x3000000000',
          is64Bit: true,
          prefetchable: true,
          sizeBytes: 1_048_576,
          assigned: true,
        },
      ],
    },
    netdevs: [
      {
        name,
        ifIndex: 4 + fn,
        mac: `52:54:00:00:00:0${fn}`,
        mtu: 9000,
        up: true,
        carrier: true,
        speedMbps: 100_000,
        duplex: 'full',
        physPortName: `p${fn}`,
        physSwitchId: `aa${fn}`,
        defaultRoute: false,
        lldp: { chassis: 'leaf-3', port: `Ethernet${fn}`, maxFrameBytes: 9216, vlans: [100, 101] },
        flowControlPriorities: [3],
      },
    ],
    devlink: {
      handle: `pci/0000:98:00.${fn}`,
      driver: 'mlx5_core',
      serialNumber: 'MT2039X01234',
      versions: { fixed: {}, running: { fw: '22.41.1000' }, stored: { fw: '22.41.1000' } },
      eswitchMode: 'legacy',
      ports: [{ index: fn, flavour: 'physical', netdev: name, portNumber: fn }],
      healthReporters: [{ name: 'fw', state: 'healthy', errorCount: 0, recoverCount: 0 }],
      parameters: [{ name: 'enable_sriov', values: { permanent: 'true' } }],
    },
    vfs: [healthyVf(fn, 0), healthyVf(fn, 1)],
  };
}

/** A new copy each time: two ports of 100 Gb/s on one card, with two VFs each. */
export function healthyHost(): Snapshot {
  const pfs = [healthyPf(0), healthyPf(1)];
  const devices = pfs.flatMap((pf) => [pf, ...pf.vfs]);
  const groups = devices.flatMap(({ iommuGroup, address }) =>
    iommuGroup === undefined || address === undefined
      ? []
      : [{ id: iommuGroup, domain: 'identity', devices: [address] }],
  );
  return {
    apiVersion: 'vfleet/v1',
    kind: 'Snapshot',
    snapshotVersion: 1,
    takenAt: '2026-03-01T12:00:00.000Z',
    host: {
      name: 'web-7',
      kernelRelease: '6.12.48+deb13-amd64',
      bootId: '5f0a6f0e-0000-4000-8000-000000000001',
      numaNodes: [0, 1],
      iommuGroupCount: groups.length,
    },
    platform: healthyPlatform(groups),
    pfs,
    unread: [],
  };
}
