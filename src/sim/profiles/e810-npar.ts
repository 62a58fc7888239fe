// Owns the profile `e810-npar`: an E810 cut into partitions, four PFs on each of its two physical ports.
// Driver as in ice.ts. The PFs of a port name the same phys_port_id and phys_switch_id, and share speed and VFs.

import type { SimCard, SimPfProfile, SimProfile } from '../profile.ts';
import { intelE810 } from './ice.ts';
import { serverRootPort } from './root-port.ts';

const partitionsPerPort = 4;
const partitions = [0, 1, 2, 3, 4, 5, 6, 7];
/** Of the 256 of the device. */
const vfsPerPartition = 32;

const partitionedE810: SimCard = {
  ...intelE810,
  model: 'Intel E810-CQDA2, partitioned',
  pci: { ...pciOf(intelE810), subsystemDeviceId: '0001', multifunction: true, msixVectors: 128 },
  totalVfs: vfsPerPartition,
};

function pciOf(card: SimCard): NonNullable<SimCard['pci']> {
  if (card.pci === undefined) throw new TypeError('the card is a PCI device');
  return {
    ...card.pci,
    vpd: { product: 'Intel(R) Ethernet Network Adapter E810-CQDA2', partNumber: 'K91258-008' },
  };
}

/** The VFs of all PFs follow each other from function 8 on, the last on the next bus. */
function pf(fn: number): SimPfProfile {
  const port = Math.floor(fn / partitionsPerPort);
  return {
    address: `0000:17:00.${fn}`,
    card: partitionedE810,
    rootPort: '0000:16:02.0',
    numaNode: 0,
    netdev: `enp23s0f${fn}np${port}`,
    vfNetdevPrefix: `enp23s0f${fn}v`,
    mac: `40:a6:b7:81:10:${fn}0`,
    up: true,
    port,
    physPortId: `40a6b7811${port}00`,
    physSwitchId: '40a6b78110000000',
    firstVfOffset: 8 + fn * (vfsPerPartition - 1),
    vfStride: 1,
    flowControlPriorities: [],
  };
}

export const e810NparProfile: SimProfile = {
  name: 'e810-npar',
  title: 'Intel E810-C in partitions: four PFs with 32 VFs each on either of two 100G ports',
  hostName: 'sim-e810-npar',
  kernelRelease: '6.12.48+deb13-amd64',
  numaNodes: [0],
  iommu: true,
  rootPorts: [
    serverRootPort('0000:16:02.0', 0x17, 0, { speedGTps: 16, width: 16, subordinateBus: 0x18, slot: '1' }),
  ],
  pfs: partitions.map(pf),
  plainNics: [],
  modules: ['vfio-pci'],
};
