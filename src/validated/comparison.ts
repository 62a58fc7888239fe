// Owns the comparison of one PF and its host with one entry of a validated hardware list.
// Facts that the snapshot does not have are unknown: never equal, never different.

import type { Pf } from '../model/pf.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { ValidatedEntry } from '../model/validated-list.ts';
import { isInRange, parseVersionRange } from './version-range.ts';
import { parseVersion } from './version.ts';

/** What a combination is made of. */
export type Component = 'server' | 'nic' | 'firmware' | 'driver' | 'kernel' | 'hypervisor';

/** A value of an entry that the host does not have, or may not have. */
export interface Difference {
  readonly component: Component;
  /** Key in the entry: `nic.subsystem`, `kernel`. */
  readonly key: string;
  /** What the entry asks for: a value, or a range of versions. */
  readonly wanted: string;
  /** What the host has; absent when it is unknown. */
  readonly found?: string;
  /** Why it is unknown, where the snapshot says so. */
  readonly why?: string;
}

/** A fact of the host that an entry can name. */
interface Fact {
  readonly component: Component;
  readonly key: string;
  readonly kind: 'text' | 'id' | 'version';
  readonly wanted: (entry: ValidatedEntry) => string | undefined;
  readonly found: (pf: Pf, snapshot: Snapshot) => string | undefined;
  /** Path in the snapshot, as its `unread` names it; `PF` stands for the PF's address. */
  readonly path: string;
}

/** Every fact, in the order in which a person would look. */
export const facts: readonly Fact[] = [
  {
    component: 'server',
    key: 'server.vendor',
    kind: 'text',
    wanted: ({ server }) => server?.vendor,
    found: (_, { platform }) => platform?.firmware.vendor,
    path: 'platform.firmware.vendor',
  },
  {
    component: 'server',
    key: 'server.product',
    kind: 'text',
    wanted: ({ server }) => server?.product,
    found: (_, { platform }) => platform?.firmware.product,
    path: 'platform.firmware.product',
  },
  {
    component: 'nic',
    key: 'nic.id',
    kind: 'id',
    wanted: ({ nic }) => nic.id,
    found: ({ vendorId, deviceId }) => idPair(vendorId, deviceId),
    path: 'pfs.PF.deviceId',
  },
  {
    component: 'nic',
    key: 'nic.subsystem',
    kind: 'id',
    wanted: ({ nic }) => nic.subsystem,
    found: ({ subsystemVendorId, subsystemDeviceId }) => idPair(subsystemVendorId, subsystemDeviceId),
    path: 'pfs.PF.subsystemDeviceId',
  },
  {
    component: 'firmware',
    key: 'firmware',
    kind: 'version',
    wanted: ({ firmware }) => firmware,
    found: ({ firmware }) => firmware,
    path: 'pfs.PF.firmware',
  },
  {
    component: 'driver',
    key: 'driver.name',
    kind: 'text',
    wanted: ({ driver }) => driver?.name,
    found: ({ driver }) => driver,
    path: 'pfs.PF.driver',
  },
  {
    component: 'driver',
    key: 'driver.version',
    kind: 'version',
    wanted: ({ driver }) => driver?.version,
    found: ({ driverVersion }) => driverVersion,
    path: 'pfs.PF.driverVersion',
  },
  {
    component: 'kernel',
    key: 'kernel',
    kind: 'version',
    wanted: ({ kernel }) => kernel,
    found: (_, { host }) => host.kernelRelease,
    path: 'host.kernelRelease',
  },
  {
    component: 'hypervisor',
    key: 'hypervisor.qemu',
    kind: 'version',
    wanted: ({ hypervisor }) => hypervisor?.qemu,
    found: (_, { platform }) => platform?.programs.qemu,
    path: 'platform.programs.qemu',
  },
  {
    component: 'hypervisor',
    key: 'hypervisor.libvirt',
    kind: 'version',
    wanted: ({ hypervisor }) => hypervisor?.libvirt,
    found: (_, { platform }) => platform?.programs.libvirt,
    path: 'platform.programs.libvirt',
  },
];

/** What a PF and its host lack of an entry: values that differ, and values that are unknown. Both empty: it is validated. */
export interface Comparison {
  readonly differences: readonly Difference[];
  readonly unknown: readonly Difference[];
}

/** Compares a PF of a snapshot with an entry. */
export function compareWithEntry(entry: ValidatedEntry, pf: Pf, snapshot: Snapshot): Comparison {
  const differences: Difference[] = [];
  const unknown: Difference[] = [];
  for (const fact of facts) {
    const wanted = fact.wanted(entry);
    if (wanted === undefined) continue;
    const { component, key } = fact;
    const found = factText(fact.found(pf, snapshot));
    if (found === undefined) {
      const why = whyUnknown(
        fact.path.replace('PF', () => pf.address),
        snapshot,
      );
      unknown.push({ component, key, wanted, ...(why === undefined ? {} : { why }) });
    } else if (!isWanted(fact.kind, wanted, found)) differences.push({ component, key, wanted, found });
  }
  return { differences, unknown };
}

/** Why the snapshot lacks a fact: the reason it gives for the fact, or for something that the fact is part of. */
export function whyUnknown(path: string, { unread, platform }: Snapshot): string | undefined {
  for (let end = path.length; end > 0; end = path.lastIndexOf('.', end - 1)) {
    const reason = unread.find(({ fact }) => fact === path.slice(0, end));
    if (reason !== undefined) return reason.why;
  }
  return path.startsWith('platform.programs.') && platform !== undefined ? 'not installed' : undefined;
}

/** Text of a fact as it is compared: firmware pads some of its names with spaces. Undefined: there is nothing in it. */
export function factText(value: string | undefined): string | undefined {
  const text = value?.trim();
  return text === '' ? undefined : text;
}

function isWanted(kind: Fact['kind'], wanted: string, found: string): boolean {
  if (kind === 'text') return wanted.trim() === found;
  if (kind === 'id') return wanted.toLowerCase() === found.toLowerCase();
  const range = parseVersionRange(wanted);
  const version = parseVersion(found);
  return typeof range === 'object' && version !== undefined && isInRange(range, version);
}

function idPair(vendorId: string | undefined, deviceId: string | undefined): string | undefined {
  return vendorId === undefined || deviceId === undefined ? undefined : `${vendorId}:${deviceId}`;
}
