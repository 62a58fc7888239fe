// Owns what rules look at: a snapshot with its indexes, built once for all rules.
// Judges nothing but what several rules have to agree on: whether a fact was read, whether the IOMMU is in use.

import { findCard } from '../catalogue/find-card.ts';
import type { Card } from '../catalogue/card.ts';
import type { Evidence } from '../model/finding.ts';
import type { Pf } from '../model/pf.ts';
import type { IommuGroup, ModuleState, Platform } from '../model/platform.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { FindingPlace } from './finding.ts';
import type { KernelParameters } from './kernel-parameters.ts';
import { parseKernelParameters } from './kernel-parameters.ts';

export interface DoctorInput {
  readonly snapshot: Snapshot;
  /** Absent in old snapshots. */
  readonly platform: Platform | undefined;
  /** Undefined when the command line was not read. */
  readonly parameters: KernelParameters | undefined;
  /** IOMMU groups by number; empty without a platform. */
  readonly groups: ReadonlyMap<number, IommuGroup>;
  /** Whether devices go through an IOMMU; undefined when that was not read. */
  readonly iommuInUse: boolean | undefined;
  /** The catalogue's row for a PF. */
  cardOf(pf: Pf): Card | undefined;
  /** Whether a fact is absent because it, or something it is part of, could not be read. */
  isUnread(fact: string): boolean;
  /** What a finding's texts are filled in with. */
  placeOf(pf?: Pf): FindingPlace;
}

/** Builds the indexes of a snapshot. */
export function readDoctorInput(snapshot: Snapshot): DoctorInput {
  const { platform } = snapshot;
  const unread = new Set(snapshot.unread.flatMap(({ fact }) => (fact === undefined ? [] : [fact])));
  const isUnread = (fact: string): boolean => {
    for (let end = fact.length; end > 0; end = fact.lastIndexOf('.', end - 1)) {
      if (unread.has(fact.slice(0, end))) return true;
    }
    return false;
  };
  const cards = new Map(snapshot.pfs.map((pf) => [pf, findCard(pf)]));
  return {
    snapshot,
    platform,
    parameters:
      platform === undefined || isUnread('platform.kernel.commandLine')
        ? undefined
        : parseKernelParameters(platform.kernel.commandLine),
    groups: new Map((platform?.iommu.groups ?? []).map((group) => [group.id, group])),
    iommuInUse: isIommuInUse(snapshot),
    cardOf: (pf) => cards.get(pf),
    isUnread,
    placeOf: (pf) => {
      const card = pf === undefined ? undefined : cards.get(pf);
      return { serverVendor: platform?.firmware.vendor, pf, enableSriov: enableSriovOf(pf, card) };
    },
  };
}

/** Groups exist where an IOMMU translates, and in vfio's mode without one (drivers/vfio/group.c). */
function isIommuInUse({ host, platform }: Snapshot): boolean | undefined {
  if (platform === undefined) return host.iommuGroupCount === 0 ? false : undefined;
  const { units, groups, noIommuMode } = platform.iommu;
  if (groups.length === 0) return false;
  return units.length > 0 || noIommuMode !== true;
}

/** The catalogue's commands for switching SR-IOV on in the card's firmware, for this PF. */
function enableSriovOf(pf: Pf | undefined, card: Card | undefined): string | undefined {
  if (pf === undefined || card === undefined || card.firmwareSwitches.length === 0) return undefined;
  const switches = card.firmwareSwitches;
  const purposes = [...new Set(switches.map(({ purpose }) => purpose))];
  // Switches of one purpose are alternatives: another tool for the same thing.
  const commands = purposes.map((wanted) => {
    const same = switches.filter(({ purpose }) => purpose === wanted);
    const texts = same.map(({ command }) => `\`${command.replace(/\bPF\b/g, () => pf.address)}\``);
    return [...new Set(texts)].join(' or ');
  });
  const effects = switches.map(({ takesEffect }) => takesEffect).filter((effect) => effect !== 'at-once');
  const then = effects.includes('power-cycle')
    ? ', then power the server off and on'
    : effects.length > 0
      ? ', then restart the server'
      : '';
  return `${commands.join(', and ')}${then}`;
}

/** State of a module whose name may be written with hyphens or underscores; undefined when it was not asked. */
export function moduleStateOf(platform: Platform, name: string): ModuleState | undefined {
  const { modules } = platform.kernel;
  return modules[name] ?? modules[name.replaceAll('-', '_')] ?? modules[name.replaceAll('_', '-')];
}

/** Path of a fact of a PF in the snapshot. */
export function factOf(pf: Pf, path: string): string {
  return `pfs.${pf.address}.${path}`;
}

/** A fact with its value. */
export function evidence(fact: string, value?: Evidence['value']): Evidence {
  return value === undefined ? { fact } : { fact, value };
}
