// Owns the rules about the IOMMU groups of a card and its VFs.

import type { Evidence, Finding } from '../../model/finding.ts';
import type { Pf } from '../../model/pf.ts';
import type { IommuGroup } from '../../model/platform.ts';
import type { DoctorInput } from '../doctor-input.ts';
import { evidence, factOf } from '../doctor-input.ts';
import { makeFinding } from '../finding.ts';
import type { FindingId } from '../finding-kinds/table.ts';
import { count, rangesText, someOf } from '../wording.ts';

/** So many VFs stand for all of a card. */
const fewVfs = 4;

/** Findings about the groups of a PF and its VFs. One pass over the VFs. */
export function checkIommuGroups(input: DoctorInput, pf: Pf): Finding[] {
  if (input.iommuInUse !== true) return [];
  const find = (id: FindingId, summary: string, facts: readonly Evidence[]): Finding =>
    makeFinding(id, input.placeOf(pf), { summary, evidence: facts });
  return [...checkVfGroups(input, pf, find), ...checkDomain(input, pf, find)];
}

type Find = (id: FindingId, summary: string, facts: readonly Evidence[]) => Finding;

function checkVfGroups(input: DoctorInput, pf: Pf, find: Find): Finding[] {
  const bridges = new Set((pf.pciePath ?? []).slice(1).map((bridge) => bridge.address));
  const members = new Map<IommuGroup, readonly string[]>();
  const sharing: number[] = [];
  const others = new Set<string>();
  const own: number[] = [];
  const groupOf = new Map<number, number>();
  for (const vf of pf.vfs) {
    const group = vf.iommuGroup === undefined ? undefined : input.groups.get(vf.iommuGroup);
    if (group === undefined) continue;
    groupOf.set(vf.index, group.id);
    if (group.devices.length <= 1) {
      own.push(vf.index);
      continue;
    }
    // Bridges on the way need not go along (drivers/vfio/vfio_main.c, devices bound to pcieport).
    // Listed once for each group: a group of a whole card holds hundreds of VFs.
    const devices = members.get(group) ?? group.devices.filter((device) => !bridges.has(device));
    members.set(group, devices);
    if (devices.length <= 1) {
      own.push(vf.index);
      continue;
    }
    sharing.push(vf.index);
    for (const device of devices.slice(0, 5)) if (device !== vf.address) others.add(device);
  }
  const groupEvidence = (indexes: readonly number[]): Evidence[] =>
    indexes
      .slice(0, fewVfs)
      .map((index) => evidence(factOf(pf, `vfs.${index}.iommuGroup`), groupOf.get(index)));
  if (sharing.length > 0)
    return [
      find(
        'iommu.group.shared',
        `VF ${rangesText(sharing)} of ${pf.vfs.length} share IOMMU groups, among others with ${someOf([...others])}`,
        groupEvidence(sharing),
      ),
    ];
  if (own.length === 0) return [];
  const summary = `${count(own.length, 'VF')}, each in an IOMMU group of its own`;
  return [find('iommu.group.own', summary, groupEvidence(own))];
}

function checkDomain(input: DoctorInput, pf: Pf, find: Find): Finding[] {
  const group = pf.iommuGroup === undefined ? undefined : input.groups.get(pf.iommuGroup);
  if (group?.domain === undefined) return [];
  const { domain, id } = group;
  const facts = [evidence(`platform.iommu.groups.${id}.domain`, domain)];
  const summary = `the PF’s group ${id} has a domain of type ${domain}`;
  if (domain === 'identity') return [find('iommu.passthrough.on', summary, facts)];
  return domain === 'DMA' || domain === 'DMA-FQ' ? [find('iommu.passthrough.off', summary, facts)] : [];
}
