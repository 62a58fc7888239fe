// Owns which physical ports stand behind the PFs, and how fast they are.
// Several PFs can be partitions of one port (NPAR); what tells is compared, nothing is guessed from addresses.

import type { Netdev, Pf } from '../model/pf.ts';
import type { DoctorInput } from './doctor-input.ts';

/** A port of a card, with the PFs that use it. */
export interface Port {
  /** Equal for PFs on the same port. */
  readonly key: string;
  /** Mbit/s: as it runs, or what the catalogue says when it has no link; undefined when neither is known. */
  readonly rateMbps: number | undefined;
}

/** The ports of a PF: one for each of its interfaces, or one without an interface. */
export function portsOf(input: DoctorInput, pf: Pf): readonly Port[] {
  const fastest = fastestPortOf(input, pf);
  if (pf.netdevs.length === 0) return [{ key: pf.address, rateMbps: fastest }];
  return pf.netdevs.map((netdev) => ({
    key: portKeyOf(pf, netdev),
    rateMbps: netdev.speedMbps !== undefined && netdev.speedMbps > 0 ? netdev.speedMbps : fastest,
  }));
}

/**
 * The best speed of the card's ports, Mbit/s. Undefined where the catalogue's row stands for cards with different ports
 * (ConnectX-6 Dx with two ports of 100 Gb/s or one of 200): the family's best is not this card's.
 */
export function fastestPortOf(input: DoctorInput, pf: Pf): number | undefined {
  const card = input.cardOf(pf);
  const isOneCard = card?.subsystem !== undefined || card?.ports?.count !== undefined;
  return isOneCard ? card?.ports?.speedsMbps.at(-1) : undefined;
}

/** What names the physical port of an interface; the PF and interface themselves when nothing does. */
export function portKeyOf(pf: Pf, netdev: Netdev): string {
  const { physPortId, physSwitchId, physPortName } = netdev;
  if (physPortId !== undefined) return `port ${physPortId}`;
  if (physSwitchId !== undefined && physPortName !== undefined)
    return `switch ${physSwitchId} ${physPortName}`;
  // Partitions are functions of one device, and those are on one bus.
  const serial = pf.devlink?.serialNumber;
  const port = pf.devlink?.ports.find(
    (each) => each.flavour === 'physical' && each.netdev === netdev.name && each.portNumber !== undefined,
  );
  if (serial !== undefined && serial !== '' && port !== undefined)
    return `bus ${pf.address.slice(0, pf.address.lastIndexOf(':'))} device ${serial} port ${port.portNumber}`;
  return `${pf.address} ${netdev.name}`;
}
