// Owns what a VF is when it has just been made: its address, its IOMMU group, the settings its PF driver begins with.
// When VFs are made, and what happens then, is in sriov.ts.

import { addressOfRequesterId, domainOf, requesterIdOf, zeroMacAddress } from '../base/identifiers.ts';
import type { PciAddress, VfIndex } from '../base/identifiers.ts';
import { requesterIdOfVf } from '../kernel/pci-config/requester-id.ts';
import { firstFreeGroup } from './host-index.ts';
import { newNetdev } from './netdev.ts';
import type { SimPfProfile, SimProfile } from './profile.ts';
import { randomMac } from './random.ts';
import type { SimNetdev, SimPf, SimState, SimVf } from './state.ts';

/** Where a VF of a PF lies on the PCI bus; undefined for PFs on other buses. */
export function vfAddressOf(profile: SimPfProfile, index: number): string | undefined {
  if (profile.card.pci === undefined) return undefined;
  const pf = profile.address as PciAddress;
  const requesterId = requesterIdOfVf(requesterIdOf(pf), profile, index as VfIndex);
  return addressOfRequesterId(domainOf(pf), requesterId);
}

/** The lowest group number that no device has, as the kernel gives them out. */
export function freeGroup(profile: SimProfile, taken: ReadonlySet<number>): number {
  let group = firstFreeGroup(profile);
  while (taken.has(group)) group += 1;
  return group;
}

export function takenGroups(state: SimState): Set<number> {
  return new Set(state.pfs.flatMap(({ vfs }) => vfs.map(({ iommuGroup }) => iommuGroup ?? -1)));
}

/** A VF without a driver, as its PF driver makes it. */
export function makeVf(profile: SimPfProfile, index: number, iommuGroup: number | undefined): SimVf {
  return {
    index,
    address: vfAddressOf(profile, index),
    iommuGroup,
    settings: {
      mac: zeroMacAddress,
      vlan: 0,
      qos: 0,
      vlanProtocol: '802.1Q',
      minTxRateMbps: 0,
      maxTxRateMbps: 0,
      ...profile.card.rules.initial,
    },
  };
}

/**
 * The interface that a VF's network driver makes. Without an address from the PF the driver takes a random one, and
 * the PF drivers that learn of it show it.
 */
export function giveNetdev(state: SimState, profile: SimPfProfile, vf: SimVf): SimNetdev {
  const { rules } = profile.card;
  const pf = state.pfs.find(({ address }) => address === profile.address);
  const reachesPf = rules.vfNeedsPfUp !== true || pf?.netdev?.up === true;
  const hasAdminMac = vf.adminMac === true && reachesPf;
  const mac = hasAdminMac && vf.settings.mac !== undefined ? vf.settings.mac : randomMac(state);
  vf.netdev = newNetdev(state, `${profile.vfNetdevPrefix}${vf.index}`, mac, false);
  if (vf.adminMac !== true && reachesPf && rules.reportsGuestMac === true) vf.settings.mac = mac;
  return vf.netdev;
}

/** The interface that stands for a VF on the host in switchdev mode. */
export function giveRepresentor(state: SimState, profile: SimPfProfile, vf: SimVf): void {
  // Names have 15 characters at most: the port name says more (link-facts.ts).
  const name = `${profile.vfNetdevPrefix.replace(/v$/, 'r')}${vf.index}`;
  vf.representor = newNetdev(state, name, randomMac(state), false);
}

/** VFs that are there at boot, with their usual driver and its interface. */
export function makeBootVfs(profile: SimProfile, state: SimState, pfProfile: SimPfProfile, pf: SimPf): void {
  const taken = takenGroups(state);
  for (let index = 0; index < (pfProfile.initialVfs ?? 0); index++) {
    const isGrouped = profile.iommu && pfProfile.card.pci !== undefined;
    const group = isGrouped ? freeGroup(profile, taken) : undefined;
    if (group !== undefined) taken.add(group);
    const vf = makeVf(pfProfile, index, group);
    pf.vfs.push(vf);
    if (pfProfile.card.vfDriver === undefined) continue;
    vf.driver = pfProfile.card.vfDriver;
    giveNetdev(state, pfProfile, vf);
  }
}
