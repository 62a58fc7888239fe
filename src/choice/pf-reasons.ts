// Owns the reasons against all VFs of a PF at once: its pool, its port, its card.

import type { Network, Pool } from '../model/network.ts';
import type { Pf } from '../model/pf.ts';
import type { PfBandwidth } from './bandwidth.ts';
import { portName, rateText, shareText } from './wording.ts';

/** A reason for which a VF cannot be taken. */
export interface Exclusion {
  readonly code: string;
  readonly text: string;
}

export interface PfQuestion {
  readonly pf: Pf;
  readonly pool: Pool | undefined;
  readonly network: Network;
  readonly bandwidth: PfBandwidth;
  /** Set when spread is asked and the VM has a VF of the card: which one. */
  readonly usedBy: string | undefined;
  /** The kernel has no driver that gives a VF to a VM. */
  readonly lacksVfioDriver: boolean;
}

/** Reasons against every VF of a PF. What is not known is no reason. */
export function excludePf(question: PfQuestion): readonly Exclusion[] {
  const { pf, pool, network, usedBy, lacksVfioDriver } = question;
  const reasons: Exclusion[] = [];
  const exclude = (code: string, text: string): unknown => reasons.push({ code, text });
  if (pool === undefined) exclude('pool', 'the spec offers no VF of this PF to VMs');
  else if (!pool.networks.includes(network.name))
    exclude('network', `port ${portName(pf)} does not reach ${network.name}`);
  if (lacksVfioDriver) exclude('vfio', 'this kernel has no vfio-pci driver');
  excludeByPort(question, exclude);
  if (network.rdma === true && pf.rdma?.length === 0)
    exclude('rdma', `${network.name} needs RDMA, and this PF has none`);
  if (usedBy !== undefined) exclude('spread', `the VM has ${usedBy} on this card`);
  return reasons;
}

function excludeByPort(
  { pf, network, bandwidth }: PfQuestion,
  exclude: (code: string, text: string) => unknown,
): void {
  const [netdev] = pf.netdevs;
  if (netdev === undefined) {
    exclude('interface', 'its PF has no network interface here, through which its VFs are set');
    return;
  }
  const { name } = netdev;
  if (!netdev.up) exclude('down', `port ${name} is down`);
  if (network.mtu !== undefined && netdev.mtu < network.mtu)
    exclude('mtu', `port ${name} has an MTU of ${netdev.mtu}, ${network.name} of ${network.mtu}`);
  const { port } = bandwidth;
  if (port === undefined) return;
  const { minTxRateMbps = 0, maxTxRateMbps = 0 } = network;
  const rateMbps = Math.max(minTxRateMbps, maxTxRateMbps);
  const { guaranteedMbps } = port.promised;
  if (rateMbps > port.capacityMbps)
    exclude(
      'rate',
      `port ${name} runs at ${rateText(port.capacityMbps)}, ${network.name} asks for ${rateText(rateMbps)}`,
    );
  else if (minTxRateMbps > 0 && guaranteedMbps + minTxRateMbps > port.capacityMbps)
    exclude(
      'guarantee',
      `port ${name} guarantees ${shareText(guaranteedMbps, port.capacityMbps)} already, ` +
        `${network.name} asks for ${rateText(minTxRateMbps)}`,
    );
}
