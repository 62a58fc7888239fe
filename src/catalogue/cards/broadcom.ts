// Owns the rows of Broadcom's NetXtreme-E cards: driver bnxt_en for PFs and VFs.

import type { Card, FirmwareSwitch } from '../card.ts';

const ids = 'Linux drivers/net/ethernet/broadcom/bnxt/bnxt.c (bnxt_pci_tbl)';
const sriov = 'Linux drivers/net/ethernet/broadcom/bnxt/bnxt_sriov.c';
const niccli = 'WEKA documentation, Broadcom adapter setup for WEKA system (niccli)';
const inventories = 'inxi inventories in github.com/TUM-DSE/doctor-cluster-config (8 GT/s, 8 lanes)';

const switches: readonly FirmwareSwitch[] = [
  {
    name: 'enable_sriov',
    purpose: 'enables-sriov',
    tool: 'kernel',
    command: 'devlink dev param set pci/PF name enable_sriov value true cmode permanent',
    takesEffect: 'reset',
    source: 'Linux Documentation/networking/devlink/bnxt.rst, devlink-params.rst',
  },
  {
    name: 'enable_sriov',
    purpose: 'enables-sriov',
    tool: 'niccli',
    command: 'niccli -dev DEVICE nvm -setoption enable_sriov -value 1',
    takesEffect: 'reboot',
    notes: 'DEVICE is the number of the card in `niccli --list`.',
    source: niccli,
  },
  {
    name: 'number_of_vfs_per_pf',
    purpose: 'sets-vf-count',
    tool: 'niccli',
    command: 'niccli -dev DEVICE nvm -setoption number_of_vfs_per_pf -scope FUNCTION -value COUNT',
    takesEffect: 'reboot',
    notes:
      'DEVICE is the number of the card in `niccli --list`, FUNCTION that of the PF, COUNT in hexadecimal (0x40).',
    source: niccli,
  },
];

const bnxt = {
  vendorId: '14e4',
  pfDriver: 'bnxt_en',
  vfDriver: 'bnxt_en',
  source: ids,
  vfs: { setByFirmware: true, source: niccli },
  rdma: {
    protocols: ['roce' as const],
    driver: 'bnxt_re',
    source: 'Linux drivers/infiniband/hw/bnxt_re/Kconfig',
  },
  firmwareSwitches: [...switches],
  quirks: [
    {
      text: 'While the interface of the PF is down, a write to sriov_numvfs succeeds and makes no VF.',
      source: `${sriov} (bnxt_sriov_configure)`,
    },
    {
      text: 'The card can make fewer VFs than asked for: each needs a receive ring, a transmit ring and an RSS context of what the PF leaves.',
      source: `${sriov} (bnxt_sriov_enable)`,
    },
    {
      text: 'Rings and vectors are divided equally among the VFs: the more VFs, the fewer queues each.',
      source: `${sriov} (bnxt_hwrm_func_vf_resc_cfg)`,
    },
  ],
};

const twoSpeeds = {
  text: 'On some cards with two ports both must run at compatible speeds: 10 and 25 Gb/s are not.',
  source: 'Broadcom bnxt_en Linux driver README, port speeds',
};

function npar(...partitionDeviceIds: string[]): NonNullable<Card['npar']> {
  return {
    partitionsPerDevice: 16,
    partitionDeviceIds,
    source: `Broadcom NetXtreme-E user guide UG100, NPAR (8 PFs, 16 with ARI); ${ids}`,
  };
}

const bcm574 = { ...bnxt, vfDeviceId: '16dc', quirks: [...bnxt.quirks, twoSpeeds] };
const bcm575 = { ...bnxt, vfDeviceId: '1806' };
const bcm576 = { ...bnxt, vfDeviceId: '1819' };

function upTo(...speedsMbps: number[]): NonNullable<Card['ports']> {
  return { speedsMbps, source: `${ids}, names of the boards` };
}

function gen3x8(): NonNullable<Card['pcie']> {
  return { generation: 3, lanes: 8, source: inventories };
}

export const broadcomCards: readonly Card[] = [
  {
    ...bcm574,
    deviceId: '16d6',
    name: 'Broadcom BCM57412',
    ports: upTo(10_000),
    pcie: gen3x8(),
    npar: npar('16de', '16eb'),
  },
  {
    ...bcm574,
    deviceId: '16d7',
    name: 'Broadcom BCM57414',
    ports: upTo(10_000, 25_000),
    npar: npar('16ec', '16ed'),
  },
  {
    ...bcm574,
    deviceId: '16d7',
    subsystem: { vendorId: '14e4', deviceId: '4140' },
    name: 'Broadcom BCM57414, two 25G ports (daughter card)',
    ports: { count: 2, speedsMbps: [10_000, 25_000], source: 'pci.ids 2023.04.10 (pci-ids.ucw.cz)' },
    npar: npar('16ec', '16ed'),
  },
  {
    ...bcm574,
    deviceId: '16d7',
    subsystem: { vendorId: '14e4', deviceId: '4146' },
    name: 'Broadcom BCM957414N4140C, two 25G ports',
    ports: { count: 2, speedsMbps: [10_000, 25_000], source: 'pci.ids 2023.04.10 (pci-ids.ucw.cz)' },
    npar: npar('16ec', '16ed'),
  },
  {
    ...bcm574,
    deviceId: '16d8',
    name: 'Broadcom BCM57416 (10GBASE-T)',
    ports: upTo(10_000),
    pcie: gen3x8(),
    npar: npar('16ee', '16ef'),
  },
  {
    ...bcm574,
    deviceId: '16d9',
    name: 'Broadcom BCM57417 (10GBASE-T)',
    ports: upTo(10_000),
    pcie: {
      generation: 3,
      lanes: 8,
      source: `${ids}, probe message of BCM57417 cards (63.008 Gb/s, 8 GT/s x8 link)`,
    },
    npar: npar('16cc'),
  },
  {
    ...bcm574,
    deviceId: '16e2',
    name: 'Broadcom BCM57417 (SFP28)',
    ports: upTo(10_000, 25_000),
    npar: npar('16cc'),
  },
  {
    ...bcm574,
    deviceId: '16e3',
    name: 'Broadcom BCM57416 (SFP+)',
    ports: upTo(10_000),
    npar: npar('16ee', '16ef'),
  },
  {
    ...bcm575,
    deviceId: '1750',
    name: 'Broadcom BCM57508',
    ports: upTo(10_000, 25_000, 50_000, 100_000, 200_000),
    npar: npar('1802', '1805'),
  },
  {
    ...bcm575,
    deviceId: '1750',
    subsystem: { vendorId: '14e4', deviceId: '2100' },
    name: 'Broadcom BCM957508-P2100G, two 100G ports',
    ports: { count: 2, speedsMbps: [100_000], source: 'pci.ids 2023.04.10 (pci-ids.ucw.cz)' },
    pcie: { generation: 4, lanes: 16, source: 'pci.ids 2023.04.10 (pci-ids.ucw.cz): PCIe4.0 x16 Adapter' },
    npar: npar('1802', '1805'),
  },
  {
    ...bcm575,
    deviceId: '1751',
    name: 'Broadcom BCM57504',
    ports: upTo(10_000, 25_000, 50_000, 100_000, 200_000),
    npar: npar('1801', '1804'),
  },
  {
    ...bcm575,
    deviceId: '1751',
    subsystem: { vendorId: '14e4', deviceId: '5045' },
    name: 'Broadcom BCM57504, four 25G ports (OCP 3.0)',
    ports: { count: 4, speedsMbps: [25_000], source: 'pci.ids 2023.04.10 (pci-ids.ucw.cz)' },
    npar: npar('1801', '1804'),
  },
  {
    ...bcm575,
    deviceId: '1752',
    name: 'Broadcom BCM57502',
    ports: upTo(10_000, 25_000, 50_000),
    npar: npar('1800', '1803'),
  },
  {
    ...bcm576,
    deviceId: '1760',
    name: 'Broadcom BCM57608',
    ports: upTo(10_000, 25_000, 50_000, 100_000, 200_000, 400_000),
  },
  {
    ...bcm576,
    deviceId: '1761',
    name: 'Broadcom BCM57604',
    ports: upTo(10_000, 25_000, 50_000, 100_000, 200_000),
  },
  { ...bcm576, deviceId: '1762', name: 'Broadcom BCM57602', ports: upTo(10_000, 25_000, 50_000, 100_000) },
  {
    ...bcm576,
    deviceId: '1763',
    name: 'Broadcom BCM57601',
    ports: upTo(10_000, 25_000, 50_000, 100_000, 200_000, 400_000),
  },
];
