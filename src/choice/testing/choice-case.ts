// Owns how tests of the choice describe a host: cards with a port or two, every fact sound unless the test says otherwise.

import type { ChoiceFacts, ChoiceGroup } from '../../model/choice-facts.ts';
import type { Lease } from '../../model/lease.ts';
import type { Pool } from '../../model/network.ts';
import type { Pf } from '../../model/pf.ts';
import type { Vf, VfSettings } from '../../model/vf.ts';
import type { ChoiceInput } from '../choice-input.ts';

/** What a test says of a PF; the rest is that of a sound card of 10 Gbit/s on node 0. */
export interface PfCase {
  readonly address: string;
  readonly vfCount: number;
  readonly netdev?: Partial<Pf['netdevs'][number]> | undefined;
  readonly pf?: Partial<Pf>;
  readonly vf?: (index: number) => Partial<Vf>;
}

/** Groups of their own are numbered from the PF's bus, so that no two PFs share one. */
function groupOf(address: string, index: number): number {
  const [, bus = '0', rest = '0.0'] = address.split(':');
  return (parseInt(bus, 16) << 12) + (Number(rest.at(-1)) << 9) + index;
}

export function vfAddressOf(pf: string, index: number): string {
  // The ports of a card do not share addresses.
  const hex = (0x10 + 4 * Number(pf.at(-1)) + (index >> 3)).toString(16).padStart(2, '0');
  return `${pf.slice(0, 8)}${hex}.${index & 7}`;
}

export function pfOf({ address, vfCount, netdev, pf, vf }: PfCase): Pf {
  return {
    address,
    driver: 'ice',
    numaNode: 0,
    sriov: { totalVfs: 64, numVfs: vfCount },
    netdevs: [
      {
        name: `port-${address.slice(5)}`,
        ifIndex: 2,
        mtu: 9000,
        up: true,
        carrier: true,
        speedMbps: 10_000,
        ...netdev,
      },
    ],
    rdma: [],
    pciePath: [
      {
        address,
        vendorId: '8086',
        deviceId: '1592',
        kind: 'endpoint',
        link: { currentSpeedGTps: 8, currentWidth: 8 },
        alsoBelow: [],
      },
    ],
    vfs: Array.from({ length: vfCount }, (_, index) => ({
      index,
      address: vfAddressOf(address, index),
      iommuGroup: groupOf(address, index),
      settings: {},
      holders: [],
      ...vf?.(index),
    })),
    ...pf,
  };
}

/** Every VF alone in its group. */
export function ownGroups(pfs: readonly Pf[]): ChoiceGroup[] {
  return pfs.flatMap((pf) =>
    pf.vfs.flatMap(({ iommuGroup, address }) =>
      iommuGroup === undefined || address === undefined
        ? []
        : [{ id: iommuGroup, members: [{ address }], isNoIommu: false }],
    ),
  );
}

export function leaseOf(pf: string, vf: number, owner: string, settings: VfSettings = {}): Lease {
  return {
    apiVersion: 'vfleet/v1',
    kind: 'Lease',
    key: { pf, vf },
    generation: '0'.repeat(32),
    owner: { kind: 'libvirt', uuid: `uuid-of-${owner}`, name: owner, hold: 'live' },
    network: 'storage',
    settings,
    giveBack: { settings: {} },
    acceptedRisks: [],
    createdAt: '2026-01-01T00:00:00Z',
  };
}

export function poolOf(pf: Pf, networks: readonly string[] = ['storage']): Pool {
  return { pf: pf.address, networks, vfs: pf.vfs.map(({ index }) => ({ index, settings: {} })) };
}

/** A choice for the VM `web-1` on the network `storage`, which all PFs reach. */
export function inputOf(
  cases: readonly PfCase[],
  changes: Partial<Omit<ChoiceInput, 'facts'>> & { readonly facts?: Partial<ChoiceFacts> } = {},
): ChoiceInput {
  const pfs = cases.map((each) => pfOf(each));
  return {
    offer: { networks: [{ name: 'storage' }], pools: pfs.map((pf) => poolOf(pf)) },
    network: { name: 'storage' },
    leases: [],
    corrupt: [],
    quarantines: [],
    definedUsers: [],
    unknownUsers: [],
    vm: { name: 'web-1', uuid: 'uuid-of-web-1', hostAddresses: [] },
    spread: false,
    acceptedRisks: [],
    ...changes,
    facts: {
      pfs,
      groups: ownGroups(pfs),
      interruptRemapping: true,
      hasVfioDriver: true,
      nodes: [
        { node: 0, cpus: [0, 1, 2, 3] },
        { node: 1, cpus: [4, 5, 6, 7] },
      ],
      unread: [],
      ...changes.facts,
    },
  };
}
