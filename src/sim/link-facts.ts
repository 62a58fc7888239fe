// Owns what follows for an interface from the state of its PF, VF and card: carrier, limits, names of ports and switch.
// sysfs, rtnetlink and ethtool all show the same facts from here.

import type { SimLink } from './host-index.ts';
import type { SimPfProfile } from './profile.ts';

/** IFF_* of include/uapi/linux/if.h. */
const flags = { up: 0x1, broadcast: 0x2, loopback: 0x8, running: 0x40, multicast: 0x1000, lowerUp: 0x10000 };

export interface LinkFacts {
  readonly isLoopback: boolean;
  readonly hasCarrier: boolean;
  readonly flags: number;
  readonly minMtu: number;
  /** 0: the driver names no limit. */
  readonly maxMtu: number;
  /** Absent when the driver does not know. */
  readonly speedMbps: number | undefined;
  readonly driver: string | undefined;
  readonly firmware: string | undefined;
  readonly physPortName: string | undefined;
  readonly physPortId: string | undefined;
  readonly physSwitchId: string | undefined;
  readonly permanentMac: string | undefined;
  /** Device that the interface belongs to: bus, and its name there. */
  readonly parent: { readonly bus: string; readonly device: string } | undefined;
  readonly devPort: number;
}

const ethernetMinMtu = 68;
const ethernetMaxMtu = 9000;

export function linkFactsOf(link: SimLink): LinkFacts {
  const isLoopback = link.netdev.name === 'lo';
  const hasCarrier = carrierOf(link);
  const kind = isLoopback ? flags.loopback : flags.broadcast | flags.multicast;
  const up = link.netdev.up ? flags.up : 0;
  const running = hasCarrier ? flags.running | flags.lowerUp : 0;
  return {
    isLoopback,
    hasCarrier,
    flags: kind | up | running,
    devPort: 0,
    physPortName: physPortNameOf(link),
    physPortId: link.role === 'pf' ? link.profile.physPortId : undefined,
    physSwitchId: physSwitchIdOf(link),
    ...deviceFactsOf(link),
  };
}

/** Whether the interface has a link: a PF's cable is always in. */
function carrierOf(link: SimLink): boolean {
  if (!link.netdev.up) return false;
  if (link.role === 'representor') return link.vf.netdev?.up === true;
  if (link.role !== 'vf') return true;
  const { linkState } = link.vf.settings;
  if (linkState === 'enable') return true;
  return linkState !== 'disable' && link.pf.netdev?.up === true;
}

type DeviceFacts = Pick<
  LinkFacts,
  'minMtu' | 'maxMtu' | 'speedMbps' | 'driver' | 'firmware' | 'permanentMac' | 'parent'
>;

function deviceFactsOf(link: SimLink): DeviceFacts {
  if (link.role === 'virtual') {
    const none = { speedMbps: undefined, driver: undefined, firmware: undefined };
    return { minMtu: 0, maxMtu: 0, ...none, permanentMac: undefined, parent: undefined };
  }
  if (link.role === 'nic') {
    const { nic } = link;
    return {
      minMtu: ethernetMinMtu,
      maxMtu: ethernetMaxMtu,
      speedMbps: nic.speedMbps,
      driver: nic.driver,
      firmware: '',
      permanentMac: nic.mac,
      parent: { bus: 'pci', device: nic.address },
    };
  }
  const { profile } = link;
  const { card } = profile;
  const isPf = link.role === 'pf';
  return {
    minMtu: card.minMtu,
    maxMtu: isPf ? card.maxMtu : card.vfMaxMtu,
    speedMbps: card.speedMbps === 0 ? undefined : card.speedMbps,
    driver: link.role === 'vf' ? card.vfDriver : card.driver,
    firmware: link.role === 'vf' ? '' : card.firmware,
    permanentMac: isPf ? profile.mac : link.netdev.mac,
    parent: parentOf(link.role === 'vf' ? (link.vf.address ?? '') : profile.address),
  };
}

function parentOf(address: string): { bus: string; device: string } {
  const [bus = '', device] = address.split('/');
  return device === undefined ? { bus: 'pci', device: address } : { bus, device };
}

/** `p0` of an uplink and `pf0vf3` of a representor, where the driver names its ports. */
function physPortNameOf(link: SimLink): string | undefined {
  if (link.role === 'representor') return `pf${pfNumberOf(link.profile)}vf${link.vf.index}`;
  if (link.role !== 'pf' || link.profile.card.namesPorts !== true) return undefined;
  return `p${link.profile.port}`;
}

/** Number of a PF on its card: its function, or its port on other buses. */
export function pfNumberOf({ address, port }: SimPfProfile): number {
  const dot = address.indexOf('.');
  return dot < 0 ? port : Number(address.slice(dot + 1));
}

/** The switch is named by its card in switchdev mode: the first address of the card. */
function physSwitchIdOf(link: SimLink): string | undefined {
  if (link.role !== 'pf' && link.role !== 'representor') return undefined;
  if (link.pf.eswitchMode !== 'switchdev') return link.role === 'pf' ? link.profile.physSwitchId : undefined;
  return link.profile.mac.replaceAll(':', '').padEnd(16, '0');
}
