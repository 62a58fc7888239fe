// Owns the words in which reasons name things: rates, VFs' users, owners of leases.

import type { LeaseOwner } from '../model/lease.ts';
import type { Pf } from '../model/pf.ts';
import type { VfHolder } from '../model/vf.ts';

/** `800 Mbit/s`, `9.5 Gbit/s`. */
export function rateText(mbps: number): string {
  if (Math.abs(mbps) < 1000) return `${Math.round(mbps)} Mbit/s`;
  return `${Math.round(mbps / 100) / 10} Gbit/s`;
}

/** `6 of 10 Gbit/s`: both in the unit of the larger. */
export function shareText(mbps: number, ofMbps: number): string {
  const text = rateText(ofMbps);
  const part = text.endsWith('Gbit/s') ? Math.round(mbps / 100) / 10 : Math.round(mbps);
  return `${part} of ${text}`;
}

/** The PF's interface, or its address. */
export function portName(pf: Pick<Pf, 'address' | 'netdevs'>): string {
  return pf.netdevs[0]?.name ?? pf.address;
}

export function ownerText(owner: LeaseOwner): string {
  return owner.kind === 'libvirt' ? `VM ${owner.name}` : `QEMU ${owner.name}`;
}

export function holderText({ kind, name, pid, why }: VfHolder): string {
  const process = pid === undefined ? '' : ` (process ${pid})`;
  switch (kind) {
    case 'vm':
      return `VM ${name} uses it${process}`;
    case 'vfio':
      return `${name} has it open${process}`;
    case 'netns':
      return `its interface is in network namespace ${name}`;
    case 'netdev':
      return `the host uses its interface ${name}${why === undefined ? '' : `: ${why}`}`;
  }
}
