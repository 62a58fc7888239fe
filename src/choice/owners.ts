// Owns the look-up of who has which VF: leases by PF, by address, and the cards that a VM has VFs of.

import type { Lease, VfKey } from '../model/lease.ts';
import { cardOf } from './cards.ts';
import { isOwnedBy } from './choice-input.ts';
import type { ChoiceInput } from './choice-input.ts';

/** Leases, quarantines or the like by PF and index. */
export function byKey<Item extends { readonly key: VfKey }>(
  items: readonly Item[],
): ReadonlyMap<string, ReadonlyMap<number, Item>> {
  const perPf = new Map<string, Map<number, Item>>();
  for (const item of items) {
    const { pf, vf } = item.key;
    const perVf = perPf.get(pf);
    if (perVf === undefined) perPf.set(pf, new Map([[vf, item]]));
    else perVf.set(vf, item);
  }
  return perPf;
}

/** Cards of which the VM has a VF, and which: by its leases, and by the devices that it has. */
export function usedCards({ facts, leases, vm }: ChoiceInput): ReadonlyMap<string, string> {
  const mine = byKey(leases.filter(({ owner }) => isOwnedBy(owner, vm)));
  const devices = new Set(vm.hostAddresses);
  const used = new Map<string, string>();
  // By address, so that the same VF is named whatever the order of the facts.
  for (const pf of facts.pfs.toSorted((a, b) => compareText(a.address, b.address))) {
    const own = mine.get(pf.address);
    const indexes = pf.vfs
      .filter(
        ({ index, address }) => own?.has(index) === true || (address !== undefined && devices.has(address)),
      )
      .map(({ index }) => index);
    const card = cardOf(pf);
    if (indexes.length > 0 && !used.has(card)) used.set(card, `VF ${Math.min(...indexes)} of ${pf.address}`);
  }
  return used;
}

/** Leases by the PCI address of their VF: the one it has now, or had when it was leased. */
export function addressedLeases({ facts, leases }: ChoiceInput): ReadonlyMap<string, Lease> {
  const found = new Map<string, Lease>();
  // Asked only of groups that VFs share.
  if (facts.groups.every(({ members }) => members.length < 2)) return found;
  for (const lease of leases) if (lease.address !== undefined) found.set(lease.address, lease);
  const perPf = byKey(leases);
  for (const pf of facts.pfs) {
    const own = perPf.get(pf.address);
    for (const { index, address } of pf.vfs) {
      const lease = own?.get(index);
      if (address !== undefined && lease !== undefined) found.set(address, lease);
    }
  }
  return found;
}

/** PCI addresses of the VFs whose leases cannot be understood. */
export function corruptAddresses({ facts, corrupt }: ChoiceInput): ReadonlySet<string> {
  if (corrupt.length === 0) return new Set();
  const perPf = byKey(corrupt);
  return new Set(
    facts.pfs.flatMap((pf) =>
      pf.vfs.flatMap(({ index, address }) =>
        address !== undefined && perPf.get(pf.address)?.has(index) === true ? [address] : [],
      ),
    ),
  );
}

/** By code units: the same on every host. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
