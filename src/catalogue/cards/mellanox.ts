// Owns the rows of Mellanox and NVIDIA: ConnectX-3 to ConnectX-8, BlueField; drivers mlx4_core and mlx5_core.

import type { Card, FirmwareSwitch, Quirk } from '../card.ts';

const pciIds = 'pci.ids 2023.04.10 (pci-ids.ucw.cz)';
const mlx5Ids = 'Linux drivers/net/ethernet/mellanox/mlx5/core/main.c (mlx5_core_pci_table)';
const mft = 'NVIDIA Firmware Tools (MFT) documentation 4.30, supported configurations and parameters';
const speeds = 'NVIDIA MLNX_EN documentation 5.8, introduction (uplink speeds)';
const laterSpeeds = 'NVIDIA MLNX_EN documentation 5.8-7.0.6.1, release notes (uplink speeds)';
const oneSpeedEach = [1000, 10_000, 25_000, 40_000, 50_000];

const mlxconfig: FirmwareSwitch = {
  name: 'SRIOV_EN, NUM_OF_VFS',
  purpose: 'enables-sriov',
  tool: 'mlxconfig',
  command: 'mlxconfig -d PF set SRIOV_EN=1 NUM_OF_VFS=COUNT',
  takesEffect: 'reboot',
  notes: 'In the package of NVIDIA Firmware Tools (MFT).',
  source: 'k8snetworkplumbingwg/sriov-cni docs/vf-setup.md',
};
const mstconfig: FirmwareSwitch = {
  name: 'SRIOV_EN, NUM_OF_VFS',
  purpose: 'enables-sriov',
  tool: 'mstconfig',
  command: 'mstconfig -d PF set SRIOV_EN=1 NUM_OF_VFS=COUNT',
  takesEffect: 'reboot',
  notes: 'In the package mstflint of the distributions.',
  source: 'NVIDIA RHEL 9.4 driver documentation, SR-IOV configuration',
};

const mayNotBoot: Quirk = {
  text: 'A number of VFs that the server cannot map can keep it from booting.',
  source: mft,
};
const vectors: Quirk = {
  text: 'The number of vectors of a VF can be changed in sysfs sriov_vf_msix_count while the VF has no driver.',
  source: 'Linux Documentation/ABI/testing/sysfs-bus-pci; drivers/net/ethernet/mellanox/mlx5/core/sriov.c',
};

const mellanox = { vendorId: '15b3', firmwareSwitches: [mlxconfig, mstconfig] };

const mlx4 = {
  ...mellanox,
  pfDriver: 'mlx4_core',
  vfDriver: 'mlx4_core',
  vfDeviceId: '1004',
  source: `${pciIds}; Linux drivers/net/ethernet/mellanox/mlx4/main.c`,
  vfs: {
    perDevice: 126,
    setByFirmware: true,
    source: 'Linux include/linux/mlx4/device.h (MLX4_MAX_NUM_VF); NVIDIA MLNX_OFED documentation 4.5, SR-IOV',
  },
  ports: { speedsMbps: [10_000, 40_000], source: `${pciIds}: 10 and 40 GbE adapters` },
  rdma: {
    protocols: ['infiniband' as const, 'roce' as const],
    driver: 'mlx4_ib',
    source: 'Linux drivers/infiniband/hw/mlx4/Kconfig',
  },
  quirks: [
    {
      text: 'VFs are made by num_vfs of the module mlx4_core when it is loaded, not by sriov_numvfs.',
      source: 'NVIDIA RHEL 9.4 driver documentation, SR-IOV configuration',
    },
    {
      text: 'One PF carries both ports, and a VF has as many ports as its PF.',
      source: 'NVIDIA MLNX_OFED documentation 4.5, SR-IOV',
    },
    {
      text: 'At most 63 VFs can be on one port when VFs are divided between two.',
      source: 'Mellanox OFED for Linux user manual 2.3-1.0.1 (num_vfs)',
    },
    { text: 'NUM_OF_VFS times the size of a BAR in MB must not exceed 512.', source: mft },
    mayNotBoot,
  ],
};

const mlx5 = {
  ...mellanox,
  pfDriver: 'mlx5_core',
  vfDriver: 'mlx5_core',
  source: mlx5Ids,
  vfs: {
    perPf: 127,
    setByFirmware: true,
    source: `NVIDIA MLNX_OFED documentation 23.10, SR-IOV (127 VFs for each port); ${mft}`,
  },
  rdma: {
    protocols: ['roce' as const],
    driver: 'mlx5_ib',
    source: 'Linux drivers/infiniband/hw/mlx5/Kconfig',
  },
  quirks: [mayNotBoot, vectors],
};

/** Cards whose ports can be InfiniBand as well. */
const vpi = {
  ...mlx5,
  rdma: { ...mlx5.rdma, protocols: ['infiniband' as const, 'roce' as const] },
};

const connectX4 = {
  ...vpi,
  deviceId: '1013',
  vfDeviceId: '1014',
  pcie: {
    generation: 3,
    lanes: 16,
    source: 'NVIDIA ConnectX-4 InfiniBand/Ethernet adapter cards user manual, interfaces; some cards have x8',
  },
  quirks: [
    ...mlx5.quirks,
    {
      text: 'Firmware of the time of MLNX_OFED 4.5 makes at most 62 VFs.',
      source: 'NVIDIA MLNX_OFED documentation 4.5, SR-IOV',
    },
  ],
};
const connectX4Lx = {
  ...mlx5,
  deviceId: '1015',
  vfDeviceId: '1016',
  pcie: { generation: 3, lanes: 8, source: `${pciIds}: ConnectX-4 Lx EN, PCIe3.0 x8` },
};
const connectX5 = {
  ...vpi,
  deviceId: '1017',
  vfDeviceId: '1018',
  pcie: {
    generation: 3,
    lanes: 16,
    source: `NVIDIA ConnectX-5 user manual for OCP 2.0, interfaces; ${pciIds}: ConnectX-5 EN, PCIe3.0 x16`,
  },
};
const connectX5Ex = {
  ...vpi,
  deviceId: '1019',
  vfDeviceId: '101a',
  pcie: {
    generation: 4,
    lanes: 16,
    source: 'NVIDIA ConnectX-5 user manual for OCP 2.0, interfaces (ConnectX-5 Ex)',
  },
};
const shared = { vfDeviceId: '101e' };
const upTo200 = [10_000, 25_000, 40_000, 50_000, 100_000, 200_000];

const blueField3Platforms = 'NVIDIA BlueField DPU BSP 4.2.2 documentation, supported platforms';

/** Host side of a BlueField: its own firmware parameter decides, per PF. */
const blueField = {
  ...mlx5,
  ...shared,
  vfs: {
    perPf: 126,
    setByFirmware: true,
    source: 'NVIDIA DOCA documentation 2.9, BlueField SR-IOV (up to 126 VFs per port in the host)',
  },
  quirks: [
    ...mlx5.quirks,
    {
      text: 'Once PF_NUM_OF_VF_VALID=1 is set in the BlueField, PF_NUM_OF_VF of each PF counts and NUM_OF_VFS does not.',
      source: 'NVIDIA DOCA documentation 2.9, BlueField SR-IOV',
    },
    {
      text: 'The driver on the Arm side of a BlueField makes at most 32 VFs per port.',
      source: 'NVIDIA DOCA documentation 2.9, BlueField SR-IOV',
    },
  ],
};

function of(deviceId: string): NonNullable<Card['subsystem']> {
  return { vendorId: '15b3', deviceId };
}

function ports(count: number, speedMbps: number): NonNullable<Card['ports']> {
  return { count, speedsMbps: [speedMbps], source: pciIds };
}

export const mellanoxCards: readonly Card[] = [
  { ...mlx4, deviceId: '1003', name: 'ConnectX-3' },
  {
    ...mlx4,
    deviceId: '1003',
    subsystem: of('0079'),
    name: 'ConnectX-3, two 40G ports',
    ports: ports(2, 40_000),
  },
  {
    ...mlx4,
    deviceId: '1003',
    subsystem: of('0080'),
    name: 'ConnectX-3, two 10G ports',
    ports: ports(2, 10_000),
  },
  { ...mlx4, deviceId: '1007', name: 'ConnectX-3 Pro' },
  {
    ...mlx4,
    deviceId: '1007',
    subsystem: of('0006'),
    name: 'ConnectX-3 Pro, two 40G ports',
    ports: ports(2, 40_000),
  },
  {
    ...mlx4,
    deviceId: '1007',
    subsystem: of('0080'),
    name: 'ConnectX-3 Pro, two 10G ports',
    ports: ports(2, 10_000),
  },
  { ...connectX4, name: 'ConnectX-4', ports: { speedsMbps: [...oneSpeedEach, 100_000], source: speeds } },
  {
    ...connectX4,
    subsystem: of('0005'),
    name: 'ConnectX-4 MCX415A-BCAT, one 40G port',
    ports: ports(1, 40_000),
  },
  {
    ...connectX4,
    subsystem: of('0008'),
    name: 'ConnectX-4 MCX416A-CCAT, two 100G ports',
    ports: ports(2, 100_000),
  },
  { ...connectX4Lx, name: 'ConnectX-4 Lx', ports: { speedsMbps: oneSpeedEach, source: speeds } },
  { ...connectX4Lx, subsystem: of('0001'), name: 'ConnectX-4 Lx, one 25G port', ports: ports(1, 25_000) },
  {
    ...connectX4Lx,
    subsystem: of('0003'),
    name: 'ConnectX-4 Lx MCX4121A-ACAT, two 25G ports',
    ports: ports(2, 25_000),
  },
  {
    ...connectX4Lx,
    subsystem: of('0004'),
    name: 'ConnectX-4 Lx MCX4121A-XCAT, two 10G ports',
    ports: ports(2, 10_000),
  },
  { ...connectX5, name: 'ConnectX-5', ports: { speedsMbps: [...oneSpeedEach, 100_000], source: speeds } },
  {
    ...connectX5,
    subsystem: of('0006'),
    name: 'ConnectX-5 MCX515A, one 100G port',
    ports: ports(1, 100_000),
  },
  {
    ...connectX5,
    subsystem: of('0020'),
    name: 'ConnectX-5 MCX512A, two 25G ports',
    ports: ports(2, 25_000),
    pcie: {
      generation: 3,
      lanes: 8,
      source: `${pciIds}: ConnectX-5 EN, 10/25GbE dual-port SFP28, PCIe3.0 x8`,
    },
  },
  {
    ...connectX5Ex,
    name: 'ConnectX-5 Ex',
    ports: { speedsMbps: [...oneSpeedEach, 100_000], source: speeds },
  },
  {
    ...connectX5Ex,
    subsystem: of('0008'),
    name: 'ConnectX-5 Ex MCX516A, two 100G ports',
    ports: ports(2, 100_000),
  },
  {
    ...vpi,
    deviceId: '101b',
    vfDeviceId: '101c',
    name: 'ConnectX-6',
    ports: { speedsMbps: upTo200, source: speeds },
    pcie: {
      generation: 4,
      lanes: 16,
      source: 'NVIDIA ConnectX-6 Ethernet adapter cards for OCP 3.0 user manual, interfaces',
    },
  },
  {
    ...mlx5,
    ...shared,
    deviceId: '101d',
    name: 'ConnectX-6 Dx',
    ports: { speedsMbps: upTo200, source: speeds },
    pcie: {
      generation: 4,
      lanes: 16,
      source: 'lspci of a card in github.com/NVIDIA/l2fwd-nv issue 6 (16GT/s, Width x16)',
    },
  },
  {
    ...mlx5,
    ...shared,
    deviceId: '101f',
    name: 'ConnectX-6 Lx',
    ports: { speedsMbps: oneSpeedEach, source: speeds },
    pcie: {
      generation: 4,
      lanes: 8,
      source: 'inxi inventory of a card in github.com/TUM-DSE/doctor-cluster-config (16 GT/s, 8 lanes)',
    },
  },
  {
    ...vpi,
    ...shared,
    deviceId: '1021',
    name: 'ConnectX-7',
    ports: { speedsMbps: [...oneSpeedEach, 100_000, 200_000, 400_000], source: laterSpeeds },
    pcie: {
      generation: 5,
      lanes: 16,
      source: 'NVIDIA ConnectX-7 cards for OCP 3.0 user manual, supported interfaces',
    },
  },
  { ...vpi, ...shared, deviceId: '1023', name: 'ConnectX-8' },
  {
    ...blueField,
    deviceId: 'a2d2',
    vfDeviceId: 'a2d3',
    name: 'BlueField (ConnectX-5)',
    ports: { speedsMbps: [...oneSpeedEach, 100_000], source: laterSpeeds },
  },
  {
    ...blueField,
    deviceId: 'a2d6',
    name: 'BlueField-2 (ConnectX-6 Dx)',
    ports: {
      speedsMbps: [...oneSpeedEach, 100_000, 200_000],
      source: `${speeds}; NVIDIA BlueField-2 Ethernet DPU user guide, introduction (up to 200 Gb/s)`,
    },
    pcie: {
      generation: 4,
      lanes: 16,
      source: 'NVIDIA BlueField-2 Ethernet DPU user guide, introduction; some cards have x8',
    },
  },
  {
    ...blueField,
    deviceId: 'a2dc',
    name: 'BlueField-3 (ConnectX-7)',
    ports: { speedsMbps: [100_000, 200_000, 400_000], source: `${blueField3Platforms} (default modes)` },
    pcie: { generation: 5, lanes: 16, source: `${blueField3Platforms}; some cards have Gen4` },
  },
];
