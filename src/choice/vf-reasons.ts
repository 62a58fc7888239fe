// Owns the reasons against one VF: who has it, what it lacks, which risks it would mean.

import type { ChoiceGroup } from '../model/choice-facts.ts';
import type { CorruptLease, Lease, Quarantine, Risk } from '../model/lease.ts';
import type { Vf } from '../model/vf.ts';
import { isOwnedBy } from './choice-input.ts';
import type { ChoosingVm } from './choice-input.ts';
import type { Exclusion } from './pf-reasons.ts';
import { holderText, ownerText } from './wording.ts';

/** What is asked of every VF of the host alike. */
export interface HostQuestion {
  readonly vm: ChoosingVm;
  /** Leases by the address of their VF: who has the other devices of a group. */
  readonly leaseByAddress: ReadonlyMap<string, Lease>;
  /** Addresses of VFs that belong to nobody knows whom. */
  readonly corruptAddresses: ReadonlySet<string>;
  readonly interruptRemapping: boolean | undefined;
  readonly acceptedRisks: ReadonlySet<Risk>;
  readonly definedUsers: ReadonlyMap<string, string>;
  readonly unknownUsers: readonly string[];
}

export interface VfQuestion {
  readonly host: HostQuestion;
  readonly vf: Vf;
  readonly group: ChoiceGroup | undefined;
  /** The spec says itself what the VF is: it is not in the pool of its PF, which has one. */
  readonly isNamed: boolean;
  readonly lease: Lease | undefined;
  readonly corrupt: CorruptLease | undefined;
  readonly quarantine: Quarantine | undefined;
}

const riskTexts: Readonly<Record<Exclude<Risk, 'unknown-definition'>, string>> = {
  'no-iommu': 'no IOMMU stands between the VF and the memory of the host',
  'no-interrupt-remapping': 'interrupts of the VF are not remapped',
  'shared-iommu-group': 'the VF shares its IOMMU group',
};

/** Risks of giving the VF to a VM, as far as they are known. */
export function risksOf({ host, vf, group, lease }: VfQuestion): Risk[] {
  if (vf.address === undefined) return [];
  const risks: Risk[] = [];
  if (hasNoIommu(vf, group)) risks.push('no-iommu');
  if (host.interruptRemapping === false) risks.push('no-interrupt-remapping');
  if (group !== undefined && othersOf(vf, group).length > 0) risks.push('shared-iommu-group');
  // Whose a leased VF is, is known.
  if (lease === undefined && host.unknownUsers.length > 0) risks.push('unknown-definition');
  return risks;
}

/** Whether nothing translates the VF's DMA: no group, or one that vfio made up. */
export function hasNoIommu(vf: Vf, group: ChoiceGroup | undefined): boolean {
  return vf.iommuGroup === undefined || group?.isNoIommu === true;
}

/** Addresses of the other devices of a VF's group. */
export function othersOf(vf: Vf, group: ChoiceGroup): readonly string[] {
  const [first, second] = group.members;
  if (second === undefined && first?.address === vf.address) return [];
  return group.members.map(({ address }) => address).filter((address) => address !== vf.address);
}

/** Reasons against a VF, beyond those against its PF. What is not known is no reason. */
export function excludeVf(question: VfQuestion, risks: readonly Risk[]): readonly Exclusion[] {
  const { host, vf, isNamed, lease, corrupt, quarantine } = question;
  const reasons: Exclusion[] = [];
  if (isNamed) reasons.push({ code: 'pool', text: 'the spec names this VF itself' });
  if (vf.address === undefined)
    reasons.push({ code: 'address', text: 'the VF has no PCI address: it cannot be given to a VM' });
  if (quarantine !== undefined) reasons.push({ code: 'quarantined', text: `quarantined: ${quarantine.why}` });
  if (corrupt !== undefined) reasons.push({ code: 'lease-corrupt', text: corrupt.why });
  if (lease !== undefined) {
    const text = isOwnedBy(lease.owner, host.vm)
      ? `${host.vm.name} has it already, on ${lease.network}`
      : `leased to ${ownerText(lease.owner)}, on ${lease.network}`;
    reasons.push({ code: 'leased', text });
  } else {
    for (const holder of vf.holders) reasons.push({ code: 'holder', text: holderText(holder) });
    const user = host.definedUsers.get(vf.address ?? '');
    if (user !== undefined) reasons.push({ code: 'defined', text: `the definition of VM ${user} names it` });
  }
  for (const risk of risks)
    if (!host.acceptedRisks.has(risk)) reasons.push({ code: risk, text: riskText(risk, question) });
  if (risks.includes('shared-iommu-group')) excludeByGroup(question, reasons);
  return reasons;
}

function riskText(risk: Risk, { host, vf, group }: VfQuestion): string {
  if (risk === 'unknown-definition') {
    const { unknownUsers: vms } = host;
    return `the definition of ${vms.length === 1 ? 'VM' : 'VMs'} ${someOf(vms)} is not known, and may name the VF`;
  }
  if (risk !== 'shared-iommu-group' || group === undefined) return riskTexts[risk];
  return `${riskTexts[risk]} ${group.id} with ${someOf(othersOf(vf, group))}`;
}

/** vfio gives a group to one process only, and only when no other driver has a device of it (vfio_iommu_type1.c). */
function excludeByGroup({ host, vf, group }: VfQuestion, reasons: { code: string; text: string }[]): void {
  const others = group?.members.filter(({ address }) => address !== vf.address) ?? [];
  for (const { address, driver } of others) {
    if (host.corruptAddresses.has(address)) {
      const text = `the lease of ${address} of its IOMMU group cannot be understood: a group has one user`;
      reasons.push({ code: 'group-leased', text });
      return;
    }
    const lease = host.leaseByAddress.get(address);
    if (lease !== undefined && !isOwnedBy(lease.owner, host.vm)) {
      const text = `${address} of its IOMMU group is leased to ${ownerText(lease.owner)}: a group has one user`;
      reasons.push({ code: 'group-leased', text });
      return;
    }
    if (driver !== undefined && !isHarmless(driver)) {
      const text = `${address} of its IOMMU group is bound to ${driver}: vfio takes a group whole`;
      reasons.push({ code: 'group-driver', text });
      return;
    }
  }
}

/** Drivers beside which vfio takes a group (drivers/vfio/group.c, vfio_dev_driver_allowed). */
function isHarmless(driver: string): boolean {
  return driver.includes('vfio') || driver === 'pci-stub';
}

/** The first few of many. */
function someOf(names: readonly string[]): string {
  const shown = names.slice(0, 2).join(', ');
  return names.length > 2 ? `${shown} and ${names.length - 2} more` : shown;
}
