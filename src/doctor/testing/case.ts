// Owns the form of a case, and the ways in which cases break the healthy host.

import type { findingKinds, FindingId } from '../finding-kinds/table.ts';
import type { Netdev, Pf } from '../../model/pf.ts';
import type { PcieDevice } from '../../model/pcie.ts';
import type { Platform } from '../../model/platform.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { Severity } from '../../model/finding.ts';

/** Kinds that say something is good, or that need more than a snapshot (the validated list has its own tests). */
type Untold = {
  [Id in FindingId]: (typeof findingKinds)[Id]['severity'] extends Extract<Severity, 'ok'> ? Id : never;
}[FindingId];
type CaseId = Exclude<FindingId, Untold | `validated.${string}`>;

/** A case for every kind of a group that is not good: the type asks for each. */
export type Cases<Group extends string> = Readonly<Record<Extract<CaseId, `${Group}.${string}`>, Case>>;

export interface Case {
  readonly breakIt: (host: Snapshot) => void;
  /** The finding's summary. */
  readonly says: RegExp;
  /** Other findings that come with it; none when absent. */
  readonly also?: readonly FindingId[];
}

export function platformOf(host: Snapshot): Platform {
  if (host.platform === undefined) throw new Error('the healthy host has a platform');
  return host.platform;
}

export function pfOf(host: Snapshot, index = 0): Pf {
  const pf = host.pfs[index];
  if (pf === undefined) throw new Error(`the healthy host has no PF ${index}`);
  return pf;
}

export function netdevOf(host: Snapshot, index = 0): Netdev {
  const [netdev] = pfOf(host, index).netdevs;
  if (netdev === undefined) throw new Error('the healthy host has interfaces');
  return netdev;
}

/** One device of a PF's way: 0 is the card, 1 its root port. */
export function deviceOf(host: Snapshot, index: number, pf = 0): PcieDevice {
  const device = pfOf(host, pf).pciePath?.[index];
  if (device === undefined) throw new Error('the healthy host has a path');
  return device;
}

/** A change of the platform, of the first PF, and of its interface. */
export const platform =
  (change: (platform: Platform) => void): Case['breakIt'] =>
  (host) =>
    change(platformOf(host));
export const pf =
  (change: (pf: Pf) => void): Case['breakIt'] =>
  (host) =>
    change(pfOf(host));
export const netdev =
  (change: (netdev: Netdev) => void): Case['breakIt'] =>
  (host) =>
    change(netdevOf(host));
export const unread =
  (fact: string): Case['breakIt'] =>
  (host) => {
    host.unread.push({ what: 'something', why: 'needs root', fact });
  };
export const commandLine = (text: string): Case['breakIt'] =>
  platform(({ kernel }) => {
    kernel.commandLine += ` ${text}`;
  });

/** Switches the IOMMU off in the kernel, with firmware as it was. */
export function dropIommu(host: Snapshot): void {
  const { iommu } = platformOf(host);
  iommu.units = [];
  iommu.groups = [];
  host.host.iommuGroupCount = 0;
  for (const each of host.pfs) {
    delete each.iommuGroup;
    // Without an IOMMU the kernel switches no ACS on.
    each.acsIsolates = false;
    for (const vf of each.vfs) delete vf.iommuGroup;
  }
}

export const notRead: RegExp = /^not read: something: needs root$/;
