// Owns the rows of Intel's 1 and 10 Gb/s cards with the drivers igb and ixgbe.

import type { Card } from '../card.ts';

const intel = { vendorId: '8086', firmwareSwitches: [] };
const pciIds = 'pci.ids 2023.04.10 (pci-ids.ucw.cz)';
const igbIds = 'Linux drivers/net/ethernet/intel/igb/e1000_hw.h, igbvf/vf.h';
const ixgbeIds = 'Linux drivers/net/ethernet/intel/ixgbe/ixgbe_type.h';

const pfMustBeUp = 'VFs send and receive only while their PF is administratively up.';

const igb = {
  ...intel,
  pfDriver: 'igb',
  vfDriver: 'igbvf',
  source: igbIds,
  vfs: { perPf: 7, source: 'Linux drivers/net/ethernet/intel/igb/igb_main.c (igb_probe_vfs)' },
  quirks: [
    { text: pfMustBeUp, source: 'Linux drivers/net/ethernet/intel/igb/igb_main.c (igb_reset)' },
    {
      text: 'At most 32 VLANs are shared by the VFs of a PF.',
      source: 'Linux Documentation/networking/device_drivers/ethernet/intel/igbvf.rst',
    },
  ],
};

const gigabit = [100, 1000];
const igb82576 = {
  ...igb,
  vfDeviceId: '10ca',
  pcie: {
    generation: 1,
    lanes: 4,
    source:
      'Linux drivers/net/ethernet/intel/igb/igb_main.c, probe message of 82576 cards (PCIe:2.5Gb/s:Width x4)',
  },
};
const i350 = {
  ...igb,
  vfDeviceId: '1520',
  pcie: {
    generation: 2,
    lanes: 4,
    source:
      'Linux drivers/net/ethernet/intel/igb/igb_main.c, probe message of I350 cards (PCIe:5.0Gb/s:Width x4)',
  },
};

const ixgbe = {
  ...intel,
  pfDriver: 'ixgbe',
  vfDriver: 'ixgbevf',
  source: ixgbeIds,
  vfs: {
    perPf: 63,
    source: 'Linux drivers/net/ethernet/intel/ixgbe/ixgbe_sriov.h (IXGBE_MAX_VFS_DRV_LIMIT)',
  },
  quirks: [
    { text: pfMustBeUp, source: 'Linux drivers/net/ethernet/intel/ixgbe/ixgbe_main.c (ixgbe_down)' },
    {
      text: 'With data center bridging the PF makes fewer VFs: 32 with four traffic classes, 16 with eight.',
      source: 'Linux drivers/net/ethernet/intel/ixgbe/ixgbe_sriov.h (IXGBE_MAX_VFS_4TC, IXGBE_MAX_VFS_8TC)',
    },
  ],
};

function gen2x8(mac: string): NonNullable<Card['pcie']> {
  return {
    generation: 2,
    lanes: 8,
    source: `Linux drivers/net/ethernet/intel/ixgbe/ixgbe_main.c, probe message of ${mac} cards (32.000 Gb/s, 5.0 GT/s PCIe x8 link)`,
  };
}

const ixgbe82599 = { ...ixgbe, vfDeviceId: '10ed', pcie: gen2x8('82599 (MAC: 2)') };
const x540 = { ...ixgbe, vfDeviceId: '1515', pcie: gen2x8('X540 (MAC: 3)') };
const x550 = {
  ...ixgbe,
  vfDeviceId: '1565',
  pcie: {
    generation: 3,
    lanes: 4,
    source:
      'Linux drivers/net/ethernet/intel/ixgbe/ixgbe_main.c, probe message of X550 (MAC: 4) cards (31.504 Gb/s, 8.0 GT/s PCIe x4 link)',
  },
};

function ports(count: number, speedsMbps: number[], source: string): NonNullable<Card['ports']> {
  return { count, speedsMbps, source };
}

export const intelGigabitCards: readonly Card[] = [
  {
    ...igb82576,
    deviceId: '10c9',
    name: 'Intel 82576 (copper, two ports)',
    ports: ports(2, gigabit, `${pciIds}: Gigabit ET Dual Port Server Adapter`),
  },
  {
    ...igb82576,
    deviceId: '10e6',
    name: 'Intel 82576 (fibre)',
    ports: { speedsMbps: [1000], source: igbIds },
  },
  {
    ...igb82576,
    deviceId: '10e7',
    name: 'Intel 82576 (SerDes)',
    ports: { speedsMbps: [1000], source: igbIds },
  },
  {
    ...igb82576,
    deviceId: '10e8',
    name: 'Intel 82576 (copper, four ports)',
    ports: ports(4, gigabit, `${pciIds}: Gigabit ET Quad Port Server Adapter`),
  },
  {
    ...igb82576,
    deviceId: '1526',
    name: 'Intel 82576 (copper, four ports, ET2)',
    ports: ports(4, gigabit, `${igbIds} (82576_QUAD_COPPER_ET2)`),
  },
  { ...igb82576, deviceId: '150a', name: 'Intel 82576NS', ports: { speedsMbps: gigabit, source: igbIds } },
  {
    ...igb82576,
    deviceId: '1518',
    name: 'Intel 82576NS (SerDes)',
    ports: { speedsMbps: [1000], source: igbIds },
  },
  {
    ...igb82576,
    deviceId: '150d',
    name: 'Intel 82576 (SerDes, four ports)',
    ports: ports(4, [1000], `${igbIds} (82576_SERDES_QUAD)`),
  },
  { ...i350, deviceId: '1521', name: 'Intel I350', ports: { speedsMbps: gigabit, source: igbIds } },
  {
    ...i350,
    deviceId: '1521',
    subsystem: { vendorId: '8086', deviceId: '0001' },
    name: 'Intel I350-T4',
    ports: ports(4, gigabit, pciIds),
  },
  {
    ...i350,
    deviceId: '1521',
    subsystem: { vendorId: '8086', deviceId: '0002' },
    name: 'Intel I350-T2',
    ports: ports(2, gigabit, pciIds),
  },
  { ...i350, deviceId: '1522', name: 'Intel I350 (fibre)', ports: { speedsMbps: [1000], source: igbIds } },
  {
    ...i350,
    deviceId: '1523',
    name: 'Intel I350 (backplane)',
    ports: { speedsMbps: [1000], source: igbIds },
  },
  { ...i350, deviceId: '1524', name: 'Intel I350 (SGMII)', ports: { speedsMbps: gigabit, source: igbIds } },
  {
    ...ixgbe82599,
    deviceId: '10fb',
    name: 'Intel 82599ES, X520 (SFP+)',
    ports: { speedsMbps: [1000, 10_000], source: ixgbeIds },
  },
  {
    ...ixgbe82599,
    deviceId: '10fb',
    subsystem: { vendorId: '8086', deviceId: '0002' },
    name: 'Intel X520-DA2',
    ports: ports(2, [1000, 10_000], pciIds),
  },
  {
    ...ixgbe82599,
    deviceId: '10fb',
    subsystem: { vendorId: '8086', deviceId: '0006' },
    name: 'Intel X520-1',
    ports: ports(1, [1000, 10_000], pciIds),
  },
  {
    ...ixgbe82599,
    deviceId: '154d',
    name: 'Intel X520 (two ports, SFP+)',
    ports: ports(2, [1000, 10_000], pciIds),
  },
  {
    ...x540,
    deviceId: '1528',
    name: 'Intel X540-AT2',
    ports: { speedsMbps: [100, 1000, 10_000], source: ixgbeIds },
  },
  {
    ...x540,
    deviceId: '1528',
    subsystem: { vendorId: '8086', deviceId: '0001' },
    name: 'Intel X540-T2',
    ports: ports(2, [100, 1000, 10_000], pciIds),
  },
  {
    ...x540,
    deviceId: '1528',
    subsystem: { vendorId: '8086', deviceId: '0002' },
    name: 'Intel X540-T1',
    ports: ports(1, [100, 1000, 10_000], pciIds),
  },
  {
    ...x540,
    deviceId: '1560',
    name: 'Intel X540 (one port)',
    ports: ports(1, [100, 1000, 10_000], `${ixgbeIds} (X540T1)`),
  },
  {
    ...x550,
    deviceId: '1563',
    name: 'Intel X550-AT2',
    ports: ports(2, [100, 1000, 10_000], `${pciIds}: X550-T2; Intel Ethernet Controller X550 datasheet`),
  },
  {
    ...x550,
    deviceId: '15d1',
    name: 'Intel X550-AT (one port)',
    ports: ports(1, [100, 1000, 10_000], `${ixgbeIds} (X550T1)`),
  },
];
