// Owns the PCIe links of a simulated host: what each end can do, and what both agreed on.

import type { SimFunction } from './host-index.ts';
import type { SimProfile } from './profile.ts';

/** Speeds in GT/s per lane, widths in lanes. */
export interface SimPcieLink {
  readonly maxSpeedGTps: number;
  readonly maxWidth: number;
  readonly speedGTps: number;
  readonly width: number;
}

type Ability = Pick<SimPcieLink, 'maxSpeedGTps' | 'maxWidth'>;

const plainNicAbility: Ability = { maxSpeedGTps: 2.5, maxWidth: 1 };

/** The link of a function; a VF has none of its own, and neither have devices on other buses. */
export function pcieLinkOf(host: SimProfile, fn: SimFunction): SimPcieLink | undefined {
  if (fn.role === 'vf') return undefined;
  if (fn.role === 'bridge') return agreed(portAbility(fn.port), abilityBehind(host, fn.address));
  const own = fn.role === 'nic' ? plainNicAbility : cardAbility(fn.profile.card.pci);
  const portAddress = fn.role === 'nic' ? fn.nic.rootPort : fn.profile.rootPort;
  const port = host.rootPorts.find(({ address }) => address === portAddress);
  return own === undefined ? undefined : agreed(own, port === undefined ? undefined : portAbility(port));
}

function portAbility(port: SimProfile['rootPorts'][number]): Ability {
  return { maxSpeedGTps: port.linkSpeedGTps, maxWidth: port.linkWidth };
}

function cardAbility(pci: SimProfile['pfs'][number]['card']['pci']): Ability | undefined {
  return pci === undefined ? undefined : { maxSpeedGTps: pci.linkSpeedGTps, maxWidth: pci.linkWidth };
}

/** What sits behind a root port; undefined when nothing does. */
function abilityBehind(host: SimProfile, port: string): Ability | undefined {
  const pf = host.pfs.find(({ rootPort }) => rootPort === port);
  if (pf !== undefined) return cardAbility(pf.card.pci);
  return host.plainNics.some(({ rootPort }) => rootPort === port) ? plainNicAbility : undefined;
}

function agreed(own: Ability, other: Ability = own): SimPcieLink {
  return {
    ...own,
    speedGTps: Math.min(own.maxSpeedGTps, other.maxSpeedGTps),
    width: Math.min(own.maxWidth, other.maxWidth),
  };
}
