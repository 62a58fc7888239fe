// Owns random hosts and random targets that such hosts can reach, for the planner's properties.
// For tests only. VFs are drawn from a small palette, so that 256 of them cost no more than seven.

import * as fc from 'fast-check';
import type { Pf } from '../../model/pf.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { PfTarget, Target, VfTarget } from '../../model/target.ts';
import type { VfHolder, VfSettings } from '../../model/vf.ts';
import { buildSnapshot, type CompactPf, type CompactSnapshot, type CompactVf } from './snapshot-builder.ts';

const addresses = ['0000:01:00.0', '0000:02:00.0', '0001:81:00.1', 'netdevsim/netdevsim1'];

const macs = fc.constantFrom('00:00:00:00:00:00', '52:54:00:aa:00:01', '52:54:00:AA:00:02');
const linkStates = fc.constantFrom('auto', 'enable', 'disable');
const tags = fc.constantFrom(1, 100, 4094);
const priorities = fc.integer({ min: 0, max: 7 });
const protocols = fc.constantFrom('802.1Q', '802.1ad');

const holders = fc.constantFrom<VfHolder[]>(
  [],
  [],
  [{ kind: 'vm', name: 'web-1', pid: 4242 }],
  [{ kind: 'netns', name: 'blue' }],
);

/** Present rates leave room for every named one: a minimum of at most 100, a maximum of 0 or at least 1000. */
const presentSettings: fc.Arbitrary<VfSettings> = fc
  .record({
    mac: macs,
    tag: fc.oneof(
      fc.constantFrom({ vlan: 0 }, { vlan: 4095 }),
      fc.record({ vlan: tags, vlanProtocol: protocols }),
    ),
    qos: priorities,
    minTxRateMbps: fc.constantFrom(0, 100),
    maxTxRateMbps: fc.constantFrom(0, 1000),
    spoofCheck: fc.boolean(),
    trust: fc.boolean(),
    linkState: linkStates,
  })
  .map(({ tag, ...others }) => Object.assign(others, tag));

/** Half of all VFs are untouched. */
const presentVf: fc.Arbitrary<CompactVf> = fc.record(
  {
    driver: fc.constantFrom('igbvf', 'igbvf', 'vfio-pci', 'othervf', 'none'),
    driverOverride: fc.constantFrom('vfio-pci', 'igbvf'),
    settings: presentSettings,
    absent: fc.subarray(['spoofCheck', 'trust']),
    holders,
  },
  { requiredKeys: [] },
);

const namedTags: fc.Arbitrary<VfSettings> = fc.oneof(
  fc.constant({}),
  fc.record({ vlan: fc.constantFrom(0, 100, 200) }),
  fc.record({ qos: priorities }),
  fc.record({ vlan: fc.constantFrom(0, 100), qos: priorities }),
  fc.record({ vlan: tags, qos: priorities, vlanProtocol: protocols }),
);

const namedSettings: fc.Arbitrary<VfSettings> = fc
  .record(
    {
      mac: macs,
      minTxRateMbps: fc.constantFrom(0, 50, 100),
      maxTxRateMbps: fc.constantFrom(0, 1000, 2000),
      spoofCheck: fc.boolean(),
      trust: fc.boolean(),
      linkState: linkStates,
    },
    { requiredKeys: [] },
  )
  .chain((settings) => namedTags.map((tag) => Object.assign({}, settings, tag)));

function presentPf(address: string): fc.Arbitrary<CompactPf> {
  const facts = fc.record(
    {
      driver: fc.constantFrom(
        ...(address.includes('/') ? ['netdevsim'] : ['igb', 'mlx5_core', 'unheard_of']),
      ),
      eswitch: fc.constantFrom('legacy', 'switchdev'),
      autoprobe: fc.boolean(),
      up: fc.boolean(),
      mtu: fc.constantFrom(1500, 9000),
    },
    { requiredKeys: ['driver'] },
  );
  const vfs = fc
    .record({
      totalVfs: fc.constantFrom(7, 63, 128, 256),
      percent: fc.integer({ min: 0, max: 100 }),
      vfCycle: fc.array(presentVf, { minLength: 1, maxLength: 4 }),
    })
    .map(({ totalVfs, percent, vfCycle }) => {
      return { totalVfs, numVfs: Math.round((totalVfs * percent) / 100), vfCycle };
    });
  return fc.tuple(facts, vfs).map(([pf, counts]) => Object.assign({ address }, pf, counts));
}

const hosts: fc.Arbitrary<CompactSnapshot> = fc
  .subarray(addresses, { minLength: 1 })
  .chain((present) => fc.tuple(...present.map((address) => presentPf(address))))
  .map((pfs) => ({ pfs }));

function pfTarget(pf: Pf): fc.Arbitrary<PfTarget> {
  const hasDrivers = pf.sriov.driversAutoprobe !== undefined;
  const driver = hasDrivers ? fc.constantFrom('kernel', 'none', 'igbvf', 'vfio-pci') : fc.constant('none');
  const vf = fc.record({ driver, settings: namedSettings }, { requiredKeys: ['settings'] });
  return fc
    .record({
      facts: fc.record(
        {
          mtu: fc.constantFrom(1500, 4200),
          up: fc.boolean(),
          numVfs: fc.integer({ min: 0, max: pf.sriov.totalVfs }),
          ...(pf.devlink === undefined ? {} : { eswitchMode: fc.constantFrom('legacy', 'switchdev') }),
          ...(hasDrivers ? { driversAutoprobe: fc.boolean() } : {}),
        },
        { requiredKeys: [] },
      ),
      palette: fc.array(vf, { maxLength: 3 }),
      stride: fc.integer({ min: 1, max: 5 }),
    })
    .map(({ facts, palette, stride }) => {
      const vfs = spread(palette, facts.numVfs ?? pf.sriov.numVfs, stride);
      return Object.assign({ address: pf.address, vfs }, facts);
    });
}

/** Lays a palette over every `stride`-th VF. */
function spread(palette: readonly Omit<VfTarget, 'index'>[], numVfs: number, stride: number): VfTarget[] {
  const indexes = Array.from({ length: Math.ceil(numVfs / stride) }, (_, position) => position * stride);
  return indexes.flatMap((index) => {
    const vf = palette[(index / stride) % palette.length];
    return vf === undefined ? [] : [{ index, ...vf }];
  });
}

/** A host, and a target that it can reach. A counterexample is printed with the host in its compact form. */
export const hostsWithTarget: fc.Arbitrary<{ snapshot: Snapshot; target: Target }> = hosts.chain(
  (compact) => {
    const snapshot = buildSnapshot(compact);
    return fc
      .subarray(snapshot.pfs)
      .chain((pfs) => fc.tuple(...pfs.map((pf) => pfTarget(pf))))
      .map((pfs) => ({
        snapshot,
        target: { pfs },
        [fc.toStringMethod]: () => JSON.stringify({ current: compact.pfs, target: pfs }),
      }));
  },
);
