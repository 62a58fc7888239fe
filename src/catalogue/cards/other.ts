// Owns the rows of Chelsio (cxgb4), Marvell QLogic FastLinQ (qede) and Solarflare (sfc).

import type { Card, FirmwareSwitch } from '../card.ts';

const pciIds = 'pci.ids 2023.04.10 (pci-ids.ucw.cz)';

const chelsioIds = 'Linux drivers/net/ethernet/chelsio/cxgb4/t4_pci_id_tbl.h';
const chelsioPorts = 'FreeBSD sys/dev/cxgbe/t4_iov.c';
const chelsio = {
  vendorId: '1425',
  pfDriver: 'cxgb4',
  vfDriver: 'cxgb4vf',
  source: chelsioIds,
  rdma: {
    protocols: ['iwarp' as const],
    driver: 'iw_cxgb4',
    source: 'Linux drivers/infiniband/hw/cxgb4/Kconfig',
  },
  firmwareSwitches: [],
  quirks: [
    {
      text: 'The interfaces belong to function 4; VFs are made on functions 0 to 3, one function for each port.',
      source: 'FreeBSD commit f91fca5ba7de (driver for VFs of Chelsio T4/T5)',
    },
    {
      text: 'A function without a port makes no VFs: a card with two ports makes them on functions 0 and 1.',
      source: 'FreeBSD commit f91fca5ba7de (driver for VFs of Chelsio T4/T5)',
    },
  ],
};
const t6Vfs = {
  perPf: 16,
  setByFirmware: true,
  source: 'linux-firmware cxgb4/configs/t6-config-default.txt (nvf)',
};

/** A Chelsio card by the ID of its functions 0 to 3; the VFs have an 8 in the second place. */
function terminator(deviceId: string, model: string, count: number, ...speedsMbps: number[]): Card {
  const isT6 = deviceId.startsWith('6');
  return {
    ...chelsio,
    deviceId,
    vfDeviceId: `${deviceId.slice(0, 1)}8${deviceId.slice(2)}`,
    name: `Chelsio ${model}`,
    ports: { count, speedsMbps, source: chelsioPorts },
    ...(isT6 ? { vfs: t6Vfs } : {}),
  };
}

const qedeIds = 'Linux drivers/net/ethernet/qlogic/qede/qede_main.c (qede_pci_tbl)';
const qede = {
  vendorId: '1077',
  pfDriver: 'qede',
  vfDriver: 'qede',
  source: `${qedeIds}; ${pciIds}`,
  rdma: {
    protocols: ['roce' as const, 'iwarp' as const],
    driver: 'qedr',
    source: 'Linux drivers/infiniband/hw/qedr',
  },
  firmwareSwitches: [],
  quirks: [],
};
const ql45000 = {
  ...qede,
  vfDeviceId: '1664',
  vfs: {
    perDevice: 120,
    setByFirmware: true,
    source: 'Linux include/linux/qed/common_hsi.h (MAX_NUM_VFS_BB)',
  },
};

const sfcIds = 'Linux drivers/net/ethernet/sfc/efx.c (efx_pci_table)';
const sfcGuide = 'Solarflare Server Adapter User Guide SF-103837-CD issue 20';
const sfboot: readonly FirmwareSwitch[] = [
  {
    name: 'switch-mode, vf-count',
    purpose: 'enables-sriov',
    tool: 'sfboot',
    command: 'sfboot --adapter=INTERFACE switch-mode=sriov vf-count=COUNT',
    takesEffect: 'power-cycle',
    notes: 'INTERFACE is the name of an interface of the card.',
    source: `${sfcGuide}, SR-IOV virtualization`,
  },
];
const sfc = {
  vendorId: '1924',
  pfDriver: 'sfc',
  vfDriver: 'sfc',
  source: `${sfcIds}; ${pciIds}`,
  vfs: {
    perDevice: 240,
    setByFirmware: true,
    source: `${sfcGuide}, introduction (240 virtual functions per adapter)`,
  },
  perVf: { msixVectors: 8, source: `${sfcGuide}, sfboot SR-IOV options (vf-msix-limit, default)` },
  npar: { partitionsPerDevice: 16, source: `${sfcGuide}, introduction (16 physical functions per adapter)` },
  firmwareSwitches: [...sfboot],
  quirks: [
    {
      text: 'A card comes with switch-mode=default, in which it has no VFs.',
      source: `${sfcGuide}, sfboot SR-IOV options`,
    },
    {
      text: 'All PFs and VFs of an adapter share 2048 MSI-X vectors.',
      source: `${sfcGuide}, sfboot SR-IOV options`,
    },
  ],
};

export const otherCards: readonly Card[] = [
  terminator('5001', 'T520-CR', 2, 10_000),
  terminator('5002', 'T522-CR', 4, 1000, 10_000),
  terminator('5003', 'T540-CR', 4, 10_000),
  terminator('5007', 'T520-SO', 2, 10_000),
  terminator('5009', 'T520-BT', 2, 10_000),
  terminator('500a', 'T504-BT', 4, 1000),
  terminator('500d', 'T580-CR', 2, 40_000),
  terminator('500e', 'T540-LP-CR', 4, 10_000),
  terminator('5010', 'T580-LP-CR', 2, 40_000),
  terminator('5011', 'T520-LL-CR', 2, 10_000),
  terminator('5014', 'T580-LP-SO-CR', 2, 40_000),
  terminator('5015', 'T502-BT', 2, 1000),
  terminator('6001', 'T6225-CR', 2, 10_000, 25_000),
  terminator('6002', 'T6225-SO-CR', 2, 10_000, 25_000),
  terminator('6003', 'T6425-CR', 4, 10_000, 25_000),
  terminator('6007', 'T62100-LP-CR', 2, 40_000, 50_000, 100_000),
  terminator('6008', 'T62100-SO-CR', 2, 40_000, 50_000, 100_000),
  terminator('6009', 'T6210-BT', 2, 10_000),
  terminator('600d', 'T62100-CR', 2, 40_000, 50_000, 100_000),
  terminator('6011', 'T6225-LL-CR', 2, 10_000, 25_000),
  {
    ...ql45000,
    deviceId: '1634',
    name: 'FastLinQ QL45000 40GbE',
    ports: { speedsMbps: [40_000], source: pciIds },
  },
  {
    ...ql45000,
    deviceId: '1644',
    name: 'FastLinQ QL45000 100GbE',
    ports: { speedsMbps: [100_000], source: pciIds },
  },
  {
    ...ql45000,
    deviceId: '1654',
    name: 'FastLinQ QL45000 50GbE',
    ports: { speedsMbps: [50_000], source: pciIds },
  },
  {
    ...ql45000,
    deviceId: '1656',
    name: 'FastLinQ QL45000 25GbE',
    ports: { speedsMbps: [25_000], source: pciIds },
  },
  {
    ...ql45000,
    deviceId: '1666',
    name: 'FastLinQ QL45000 10GbE',
    ports: { speedsMbps: [10_000], source: qedeIds },
  },
  {
    ...qede,
    deviceId: '8070',
    vfDeviceId: '8090',
    name: 'FastLinQ QL41000',
    vfs: {
      perDevice: 192,
      setByFirmware: true,
      source: 'Linux include/linux/qed/common_hsi.h (MAX_NUM_VFS_K2)',
    },
    ports: { speedsMbps: [10_000, 25_000, 40_000, 50_000], source: pciIds },
    pcie: {
      generation: 3,
      lanes: 8,
      source:
        'inxi inventory of a card in github.com/TUM-DSE/doctor-cluster-config (8 GT/s, link-max 8 lanes)',
    },
  },
  {
    ...sfc,
    deviceId: '0903',
    vfDeviceId: '1903',
    name: 'Solarflare SFC9120',
    ports: { speedsMbps: [10_000], source: pciIds },
  },
  {
    ...sfc,
    deviceId: '0923',
    vfDeviceId: '1923',
    name: 'Solarflare SFC9140',
    ports: { speedsMbps: [10_000, 40_000], source: pciIds },
  },
  {
    ...sfc,
    deviceId: '0a03',
    vfDeviceId: '1a03',
    name: 'Solarflare SFC9220',
    ports: { speedsMbps: [10_000, 40_000], source: pciIds },
  },
  {
    ...sfc,
    deviceId: '0b03',
    vfDeviceId: '1b03',
    name: 'Solarflare SFC9250',
    ports: { speedsMbps: [10_000, 25_000, 40_000, 50_000, 100_000], source: pciIds },
  },
];
