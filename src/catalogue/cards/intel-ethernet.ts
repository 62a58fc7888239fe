// Owns the rows of Intel's 700 and 800 series: drivers i40e and ice, VF driver iavf.

import type { Card } from '../card.ts';

const intel = { vendorId: '8086', vfDriver: 'iavf', firmwareSwitches: [] };
const pciIds = 'pci.ids 2023.04.10 (pci-ids.ucw.cz)';
const i40eIds = 'Linux drivers/net/ethernet/intel/i40e/i40e_devids.h, iavf/iavf_main.c';
const iceIds = 'Linux drivers/net/ethernet/intel/ice/ice_devids.h, iavf/iavf_main.c';
const e810Names = `${pciIds}; FreeBSD sys/dev/ice/ice_drv_info.h; 8086:159b:8086:4003 as on the netdev mailing list`;
const undi = 'Intel UEFI UNDI driver for the 800 series (IntelUndiPkg), branding table';
const intelGuide = 'Intel Ethernet Adapters and Devices User Guide 705831';

const preboot = {
  text: 'Some adapters have a switch for SR-IOV in their preboot (UEFI) menu; while it is off there is no SR-IOV capability.',
  source: `${intelGuide}, Single Root I/O Virtualization`,
};

const i40eProbe = 'Linux drivers/net/ethernet/intel/i40e/i40e_main.c, probe messages';
const i40e = {
  ...intel,
  pfDriver: 'i40e',
  source: i40eIds,
  perVf: {
    queuePairs: 16,
    source: 'Linux drivers/net/ethernet/intel/i40e/i40e.h (I40E_MAX_VF_QUEUES)',
  },
};

function i40eVfs(perPf?: number): NonNullable<Card['vfs']> {
  return {
    ...(perPf === undefined ? {} : { perPf }),
    perDevice: 128,
    source: `${i40eProbe} (VFs: ${perPf ?? '32 or 64'}); i40e_main.c (I40E_MAX_VF_COUNT)`,
  };
}

const fewQueues = {
  text: 'A VF starts with four queue pairs; it can ask for up to 16.',
  source: 'Linux drivers/net/ethernet/intel/i40e/i40e.h (I40E_DEFAULT_QUEUES_PER_VF, I40E_MAX_VF_QUEUES)',
};

const series700 = {
  ...i40e,
  vfDeviceId: '154c',
  vfs: i40eVfs(),
  pcie: {
    generation: 3,
    lanes: 8,
    source: `${i40eProbe} of the series, on 8086:1572, 1583 and 1589 (PCI-Express: Speed 8.0GT/s Width x8)`,
  },
  npar: { source: 'Dell knowledge base 000202342 (Intel X710 NIC partitioning)' },
  quirks: [
    {
      text: 'The 128 VFs of the device are divided among its ports: 32 on each of four, 64 on each of two.',
      source: `${i40eProbe} (VFs: 32, VFs: 64); i40e_main.c (I40E_MAX_VF_COUNT)`,
    },
    fewQueues,
    {
      text: 'The minimum shares of the partitions of a port add up to 100 %, each at least 1 %.',
      source: 'Dell knowledge base 000202342 (Intel X710 NIC partitioning)',
    },
    preboot,
  ],
};
const x722 = {
  ...i40e,
  vfDeviceId: '37cd',
  vfs: i40eVfs(32),
  rdma: {
    protocols: ['iwarp' as const],
    driver: 'irdma',
    source: 'Linux drivers/infiniband/hw/irdma/Kconfig',
  },
  quirks: [fewQueues, preboot],
};

const ice = {
  ...intel,
  pfDriver: 'ice',
  vfDeviceId: '1889',
  source: iceIds,
  vfs: {
    perDevice: 256,
    source: 'Linux drivers/net/ethernet/intel/ice/ice_vf_lib.h (ICE_MAX_SRIOV_VFS)',
  },
  perVf: {
    msixVectors: 17,
    queuePairs: 16,
    source:
      'Linux drivers/net/ethernet/intel/ice/ice_sriov.h (ICE_NUM_VF_MSIX_MED), ice_vf_lib.h (ICE_MAX_RSS_QS_PER_VF)',
  },
  quirks: [
    {
      text: 'The more VFs, the fewer vectors each: 17, 5, 3 or 2, whatever the vectors of the PF allow for all.',
      source: 'Linux drivers/net/ethernet/intel/ice/ice_sriov.c (ice_set_per_vf_res)',
    },
    {
      text: 'The eswitch mode can be changed only while there are no VFs.',
      source: 'Linux drivers/net/ethernet/intel/ice/ice_eswitch.c (ice_eswitch_mode_set)',
    },
    preboot,
  ],
};

const e830 = {
  ...ice,
  source: `${iceIds}; DPDK release notes, tested platforms (8086:12d2 and 12d3, VF 8086:1889)`,
};

const e810 = {
  ...ice,
  rdma: {
    protocols: ['roce' as const, 'iwarp' as const],
    driver: 'irdma',
    source: 'Linux drivers/infiniband/hw/irdma/Kconfig',
  },
};

const gen4x16 = {
  generation: 4,
  lanes: 16,
  source: 'inxi inventories of E810-C cards in github.com/TUM-DSE/doctor-cluster-config (16 GT/s, 16 lanes)',
};
const xxv4x16 = {
  generation: 4,
  lanes: 16,
  source:
    'Linux drivers/net/ethernet/intel/ice, probe message of an E810-XXVDA4 (capable of 252.048 Gb/s, 16.0 GT/s PCIe x16 link)',
};

function ports(count: number | undefined, speedsMbps: number[], source: string): NonNullable<Card['ports']> {
  return { ...(count === undefined ? {} : { count }), speedsMbps, source };
}

function oneOf(vendorId: string, deviceId: string): NonNullable<Card['subsystem']> {
  return { vendorId, deviceId };
}

const x710 = { ...series700, deviceId: '1572' };
const xl710 = { ...series700, deviceId: '1583' };
const xxv710 = { ...series700, deviceId: '158b' };
const e810Qsfp = { ...e810, deviceId: '1592', pcie: gen4x16 };
const e810Sfp = { ...e810, deviceId: '1593' };
const e810XxvSfp = { ...e810, deviceId: '159b' };

export const intelEthernetCards: readonly Card[] = [
  { ...x710, name: 'Intel X710 (SFP+)', ports: ports(undefined, [10_000], pciIds) },
  {
    ...x710,
    subsystem: oneOf('8086', '0001'),
    name: 'Intel X710-4',
    vfs: i40eVfs(32),
    ports: ports(4, [10_000], pciIds),
  },
  {
    ...x710,
    subsystem: oneOf('8086', '0002'),
    name: 'Intel X710-4',
    vfs: i40eVfs(32),
    ports: ports(4, [10_000], pciIds),
  },
  {
    ...x710,
    subsystem: oneOf('8086', '0005'),
    name: 'Intel X710 (four ports)',
    vfs: i40eVfs(32),
    ports: ports(4, [10_000], pciIds),
  },
  {
    ...x710,
    subsystem: oneOf('8086', '0006'),
    name: 'Intel X710 (two ports)',
    vfs: i40eVfs(64),
    ports: ports(2, [10_000], pciIds),
  },
  {
    ...x710,
    subsystem: oneOf('8086', '0007'),
    name: 'Intel X710-2',
    vfs: i40eVfs(64),
    ports: ports(2, [10_000], pciIds),
  },
  {
    ...x710,
    subsystem: oneOf('8086', '0008'),
    name: 'Intel X710-2',
    vfs: i40eVfs(64),
    ports: ports(2, [10_000], pciIds),
  },
  {
    ...series700,
    deviceId: '1580',
    name: 'Intel XL710 (backplane)',
    ports: ports(undefined, [40_000], pciIds),
  },
  {
    ...series700,
    deviceId: '1581',
    name: 'Intel X710 (backplane)',
    ports: ports(undefined, [10_000], pciIds),
  },
  { ...xl710, name: 'Intel XL710 (QSFP+)', ports: ports(undefined, [40_000], pciIds) },
  ...['0000', '0001', '0002', '0006'].map((deviceId) => ({
    ...xl710,
    subsystem: oneOf('8086', deviceId),
    name: 'Intel XL710-Q2',
    vfs: i40eVfs(64),
    ports: ports(2, [40_000], pciIds),
  })),
  { ...series700, deviceId: '1584', name: 'Intel XL710 (QSFP+)', ports: ports(undefined, [40_000], pciIds) },
  { ...series700, deviceId: '1585', name: 'Intel X710 (QSFP+)', ports: ports(undefined, [10_000], pciIds) },
  {
    ...series700,
    deviceId: '1586',
    name: 'Intel X710 (10GBASE-T)',
    ports: ports(undefined, [10_000], pciIds),
  },
  {
    ...series700,
    deviceId: '1589',
    name: 'Intel X710-T (10GBASE-T)',
    ports: ports(undefined, [10_000], pciIds),
  },
  ...['0001', '0002', '00a0'].map((deviceId) => ({
    ...series700,
    deviceId: '1589',
    subsystem: oneOf('8086', deviceId),
    name: 'Intel X710-T4',
    vfs: i40eVfs(32),
    ports: ports(4, [10_000], pciIds),
  })),
  {
    ...series700,
    deviceId: '15ff',
    name: 'Intel X710-TL (10GBASE-T)',
    ports: ports(undefined, [10_000], pciIds),
  },
  ...['0001', '0002', '0009', '000a'].map((deviceId) => ({
    ...series700,
    deviceId: '15ff',
    subsystem: oneOf('8086', deviceId),
    name: 'Intel X710-T4L',
    vfs: i40eVfs(32),
    ports: ports(4, [10_000], pciIds),
  })),
  ...['0003', '0004', '000b', '000c'].map((deviceId) => ({
    ...series700,
    deviceId: '15ff',
    subsystem: oneOf('8086', deviceId),
    name: 'Intel X710-T2L',
    vfs: i40eVfs(64),
    ports: ports(2, [10_000], pciIds),
  })),
  {
    ...series700,
    deviceId: '158a',
    name: 'Intel XXV710 (backplane)',
    ports: ports(undefined, [25_000], pciIds),
  },
  { ...xxv710, name: 'Intel XXV710 (SFP28)', ports: ports(undefined, [25_000], pciIds) },
  ...['0001', '0002', '0009'].map((deviceId) => ({
    ...xxv710,
    subsystem: oneOf('8086', deviceId),
    name: 'Intel XXV710-2',
    vfs: i40eVfs(64),
    ports: ports(2, [25_000], pciIds),
  })),
  ...['0003', '0004'].map((deviceId) => ({
    ...xxv710,
    subsystem: oneOf('8086', deviceId),
    name: 'Intel XXV710-1',
    ports: ports(1, [25_000], pciIds),
  })),
  { ...x722, deviceId: '37d0', name: 'Intel X722 (SFP+)', ports: ports(undefined, [10_000], pciIds) },
  { ...x722, deviceId: '37d1', name: 'Intel X722 (1GBASE-T)', ports: ports(undefined, [1000], pciIds) },
  {
    ...x722,
    deviceId: '37d2',
    name: 'Intel X722 (10GBASE-T)',
    ports: ports(undefined, [10_000], pciIds),
  },
  { ...x722, deviceId: '37d3', name: 'Intel X722 (SFP+)', ports: ports(undefined, [10_000], pciIds) },
  { ...e810, deviceId: '1591', name: 'Intel E810-C (backplane)' },
  {
    ...e810Qsfp,
    name: 'Intel E810-C (QSFP28)',
    ports: ports(undefined, [100_000], `${pciIds}: E810-C adapters`),
  },
  ...['0001', '0003', '0009'].map((deviceId) => ({
    ...e810Qsfp,
    subsystem: oneOf('8086', deviceId),
    name: 'Intel E810-C-Q1',
    ports: ports(1, [100_000], e810Names),
  })),
  ...['0005', '0007'].map((deviceId) => ({
    ...e810Qsfp,
    subsystem: oneOf('8086', deviceId),
    name: 'Intel E810-C-Q1 (OCP 3.0)',
    ports: ports(1, [100_000], e810Names),
  })),
  ...['0002', '0004', '000b'].map((deviceId) => ({
    ...e810Qsfp,
    subsystem: oneOf('8086', deviceId),
    name: 'Intel E810-C-Q2',
    ports: ports(2, [100_000], e810Names),
  })),
  ...['0006', '0008'].map((deviceId) => ({
    ...e810Qsfp,
    subsystem: oneOf('8086', deviceId),
    name: 'Intel E810-C-Q2 (OCP 3.0)',
    ports: ports(2, [100_000], e810Names),
  })),
  {
    ...e810Sfp,
    name: 'Intel E810-C (SFP28)',
    ports: ports(undefined, [25_000], `${pciIds}: E810-XXV adapters`),
  },
  ...['0005', '0006', '0007', '000a', '4010'].map((deviceId) => ({
    ...e810Sfp,
    subsystem: oneOf('8086', deviceId),
    name: 'Intel E810-XXV-4',
    ports: ports(4, [25_000], e810Names),
    pcie: xxv4x16,
  })),
  {
    ...e810Sfp,
    subsystem: oneOf('8086', '000c'),
    name: 'Intel E810-XXV-4 (OCP 3.0)',
    ports: ports(4, [25_000], e810Names),
  },
  { ...e810, deviceId: '1599', name: 'Intel E810-XXV (backplane)' },
  { ...e810, deviceId: '159a', name: 'Intel E810-XXV (QSFP28)' },
  {
    ...e810XxvSfp,
    name: 'Intel E810-XXV (SFP28)',
    ports: ports(undefined, [25_000], `${pciIds}: E810-XXV adapters`),
  },
  ...['0002', '0003', '0004', '4001', '4003'].map((deviceId) => ({
    ...e810XxvSfp,
    subsystem: oneOf('8086', deviceId),
    name: 'Intel E810-XXV-2',
    ports: ports(2, [25_000], e810Names),
  })),
  ...['0005', '0006'].map((deviceId) => ({
    ...e810XxvSfp,
    subsystem: oneOf('8086', deviceId),
    name: 'Intel E810-XXV-2 (OCP 3.0)',
    ports: ports(2, [25_000], e810Names),
  })),
  ...['12d1', '12d2', '12d3', '12d4'].map((deviceId) => ({ ...e830, deviceId, name: 'Intel E830-CC' })),
  ...['12d5', '12d8', '12da'].map((deviceId) => ({ ...e830, deviceId, name: 'Intel E830-C' })),
  ...['12dc', '12dd', '12de'].map((deviceId) => ({ ...e830, deviceId, name: 'Intel E830-XXV' })),
  ...['0003', '0004'].map((deviceId) => ({
    ...e830,
    deviceId: '12d2',
    subsystem: oneOf('8086', deviceId),
    name: deviceId === '0003' ? 'Intel E830-CC-Q1' : 'Intel E830-CC-Q1 (OCP 3.0)',
    ports: ports(1, [200_000], undi),
  })),
  ...['12d3', '12de'].flatMap((deviceId) =>
    ['0001', '0003'].map((subsystem) => ({
      ...e830,
      deviceId,
      subsystem: oneOf('8086', subsystem),
      name: subsystem === '0003' ? 'Intel E830-XXV-2' : 'Intel E830-XXV-2 (OCP 3.0)',
      ports: ports(2, [25_000], undi),
    })),
  ),
  {
    ...e830,
    deviceId: '12d3',
    subsystem: oneOf('8086', '0004'),
    name: 'Intel E830-XXV-4 (OCP 3.0)',
    ports: ports(4, [25_000], undi),
  },
];
