import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CandidateVerdict } from '../model/attachment.ts';
import { Risk } from '../model/lease.ts';
import type { ChoiceInput } from './choice-input.ts';
import { chooseVfs } from './choose-vfs.ts';
import { inputOf, leaseOf, poolOf } from './testing/choice-case.ts';
import type { PfCase } from './testing/choice-case.ts';

const addresses = ['0000:17:00.0', '0000:17:00.1', '0000:31:00.0', '0000:98:00.0'];
const networks = [['storage'], ['storage', 'backup'], ['backup']];

/** A VF as far as tests vary it; `undefined` where a fact could not be read. */
const vfCase = fc.record({
  numaNode: fc.constantFrom<(number | undefined)[]>(undefined, 0, 1),
  group: fc.constantFrom('own' as const, 'shared' as const, 'none' as const, 'unknown' as const),
  isHeld: fc.nat(9).map((n) => n === 0),
});

const pfCase = fc.record({
  vfs: fc.array(vfCase, { maxLength: 6 }),
  up: fc.nat(9).map((n) => n > 0),
  carrier: fc.constantFrom(true, true, false, undefined),
  speedMbps: fc.constantFrom(undefined, 1000, 10_000, 100_000),
  mtu: fc.constantFrom(1500, 9000),
  hasRdma: fc.boolean(),
  reach: fc.constantFrom(...networks),
  poolSize: fc.nat(8),
});

const choiceCase = fc.record({
  pfs: fc.tuple(pfCase, pfCase, pfCase, pfCase),
  leases: fc.array(
    fc.record({
      pf: fc.constantFrom(...addresses),
      vf: fc.nat(6),
      owner: fc.constantFrom('web-1', 'db-1'),
      maxTxRateMbps: fc.constantFrom(undefined, 0, 500, 20_000),
    }),
    { maxLength: 8 },
  ),
  network: fc.record({
    mtu: fc.constantFrom(undefined, 1500, 9000),
    rdma: fc.constantFrom(undefined, true),
    maxTxRateMbps: fc.constantFrom(undefined, 800, 5000),
  }),
  vmCpus: fc.constantFrom([], [0], [4], [0, 4]),
  spread: fc.boolean(),
  acceptedRisks: fc.subarray(Risk.options),
  unknownUsers: fc.subarray(['odd']),
  interruptRemapping: fc.constantFrom(true, false, undefined),
});
type Case = typeof choiceCase extends fc.Arbitrary<infer Value> ? Value : never;

/** The input without the fields that are undefined, as JSON leaves them out. */
function defined<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function build(given: Case): ChoiceInput {
  const cases: PfCase[] = given.pfs.map((pf, place) => ({
    address: addresses[place] ?? '',
    vfCount: pf.vfs.length,
    netdev: { up: pf.up, mtu: pf.mtu },
    pf: { rdma: pf.hasRdma ? [{ name: 'rdma0' }] : [] },
  }));
  const base = inputOf(cases);
  const groups = [...base.facts.groups];
  const pfs = base.facts.pfs.map((pf, place) => {
    const { vfs, carrier, speedMbps } = given.pfs[place] ?? {};
    const [netdev] = pf.netdevs;
    const sharedId = 90_000 + place;
    const sharing = pf.vfs.filter(({ index }) => vfs?.[index]?.group === 'shared');
    const members = sharing.map(({ address }) => ({ address: address ?? '' }));
    groups.push({ id: sharedId, members: [...members, { address: pf.address }], isNoIommu: false });
    return {
      ...pf,
      netdevs: [{ ...netdev, carrier, speedMbps }],
      vfs: pf.vfs.map((vf) => {
        const { numaNode, group, isHeld } = vfs?.[vf.index] ?? {};
        const ids = { own: vf.iommuGroup, shared: sharedId, none: undefined, unknown: 77_777 };
        const holders = isHeld === true ? [{ kind: 'vm', name: 'other' }] : [];
        return { ...vf, numaNode, iommuGroup: ids[group ?? 'own'], holders };
      }),
    };
  });
  const placement = {
    vcpuCount: 1,
    memoryMb: 1,
    vcpuPins: given.vmCpus.length === 0 ? {} : { 0: given.vmCpus },
  };
  return defined({
    ...base,
    facts: { ...base.facts, pfs, groups, interruptRemapping: given.interruptRemapping },
    offer: {
      networks: [],
      pools: base.facts.pfs.map((pf, place) => ({
        ...poolOf(pf, given.pfs[place]?.reach),
        vfs: Array.from({ length: given.pfs[place]?.poolSize ?? 0 }, (_, index) => ({ index, settings: {} })),
      })),
    },
    network: { name: 'storage', ...given.network },
    leases: given.leases.map(({ pf, vf, owner, maxTxRateMbps }) =>
      leaseOf(pf, vf, owner, maxTxRateMbps === undefined ? {} : { maxTxRateMbps }),
    ),
    vm: { name: 'web-1', uuid: 'uuid-of-web-1', hostAddresses: [], placement },
    spread: given.spread,
    acceptedRisks: given.acceptedRisks,
    unknownUsers: given.unknownUsers,
  }) as unknown as ChoiceInput;
}

/** Rank of each VF that can be taken. */
function ranksOf(input: ChoiceInput): ReadonlyMap<string, number> {
  return new Map(
    chooseVfs(input).flatMap(({ key, rank }) => (rank === undefined ? [] : [[`${key.pf}/${key.vf}`, rank]])),
  );
}

/** Cases in which most VFs can be taken, so that their order is what is tested; the VM is on one node. */
const takeableCase: fc.Arbitrary<Case> = choiceCase.map((given) => ({
  ...given,
  network: { mtu: undefined, rdma: undefined, maxTxRateMbps: undefined },
  acceptedRisks: [...Risk.options],
  spread: false,
  vmCpus: given.vmCpus[0] === 4 ? [4] : [0],
  leases: given.leases.slice(0, 2).map((lease) => ({ ...lease, owner: 'db-1' as const })),
  pfs: given.pfs.map((pf) => ({
    ...pf,
    up: true,
    reach: ['storage'],
    poolSize: 8,
    vfs: pf.vfs.map((vf) => ({
      ...vf,
      isHeld: false,
      group: vf.group === 'shared' ? ('own' as const) : vf.group,
    })),
  })) as Case['pfs'],
}));

type Improve = (given: Case['pfs'][number], vf: number, node: number) => Case['pfs'][number];
const changeVf = (
  pf: Case['pfs'][number],
  at: number,
  change: Partial<Case['pfs'][number]['vfs'][number]>,
) => ({
  ...pf,
  vfs: pf.vfs.map((vf, index) => (index === at ? { ...vf, ...change } : vf)),
});
const better: readonly Improve[] = [
  (pf) => ({ ...pf, carrier: true }),
  (pf) => ({ ...pf, speedMbps: 100_000 }),
  (pf) => ({ ...pf, hasRdma: false }),
  (pf, vf, node) => changeVf(pf, vf, { numaNode: node }),
  (pf, vf) => changeVf(pf, vf, { group: 'own' }),
];

describe('a choice', () => {
  it('does not depend on the order of anything that is given', () => {
    fc.assert(
      fc.property(choiceCase, fc.integer(), (given, seed) => {
        const input = build(given);
        const mixed = <T>(items: readonly T[]): T[] =>
          items
            .map((item, place) => ({ item, key: (place * 7919 + seed) % 13 }))
            .sort((x, y) => x.key - y.key)
            .map(({ item }) => item);
        const { facts, offer } = input;
        // Two leases of one VF cannot be: which one counts would be left to the order.
        const leases = [...new Map(input.leases.map((each) => [JSON.stringify(each.key), each])).values()];
        const other = {
          ...input,
          leases: mixed(leases),
          facts: {
            ...facts,
            pfs: mixed(facts.pfs).map((pf) => ({ ...pf, vfs: mixed(pf.vfs) })),
            groups: mixed(facts.groups),
            nodes: mixed(facts.nodes),
          },
          offer: { ...offer, pools: mixed(offer.pools).map((pool) => ({ ...pool, vfs: mixed(pool.vfs) })) },
        };
        expect(chooseVfs(other)).toEqual(chooseVfs({ ...input, leases }));
      }),
    );
  });

  it('gives every VF one verdict: a rank or reasons, and ranks count from 1', () => {
    fc.assert(
      fc.property(choiceCase, (given) => {
        const input = build(given);
        const verdicts = chooseVfs(input);
        const keys = verdicts.map(({ key }) => `${key.pf}/${key.vf}`);
        expect(new Set(keys).size).toBe(keys.length);
        const all = input.facts.pfs.flatMap((pf) => pf.vfs.map(({ index }) => `${pf.address}/${index}`));
        expect(keys).toEqual(expect.arrayContaining(all));
        const ranks = verdicts.flatMap(({ rank }) => rank ?? []);
        expect(ranks).toEqual(ranks.map((_, place) => place + 1));
        for (const verdict of verdicts) {
          expect(verdict.rank === undefined).toBe(verdict.excluded.length > 0);
          CandidateVerdict.parse(verdict);
        }
      }),
    );
  });

  it('never ranks a VF that is leased, held, or of a risk that nobody accepted', () => {
    fc.assert(
      fc.property(choiceCase, (given) => {
        const input = build(given);
        const ranks = ranksOf(input);
        const leased = input.leases.map(({ key }) => `${key.pf}/${key.vf}`);
        const held = input.facts.pfs.flatMap((pf) =>
          pf.vfs.filter(({ holders }) => holders.length > 0).map(({ index }) => `${pf.address}/${index}`),
        );
        expect([...leased, ...held].filter((key) => ranks.has(key))).toEqual([]);
        const risky = chooseVfs(input).filter(
          ({ rank, risks }) =>
            rank !== undefined && risks.some((risk) => !given.acceptedRisks.includes(risk)),
        );
        expect(risky).toEqual([]);
      }),
    );
  });

  it('never ranks a VF lower when one of its own facts gets better', () => {
    fc.assert(
      fc.property(
        takeableCase,
        fc.nat(3),
        fc.nat(5),
        fc.constantFrom(...better),
        (given, at, vf, improve) => {
          const key = `${addresses[at]}/${vf}`;
          const node = given.vmCpus[0] === 4 ? 1 : 0;
          const pfs = given.pfs.map((pf, place) =>
            place === at ? improve(pf, vf, node) : pf,
          ) as Case['pfs'];
          const before = ranksOf(build(given));
          const after = ranksOf(build({ ...given, pfs }));
          const [rank, now] = [before.get(key), after.get(key)];
          fc.pre(rank !== undefined);
          // What is better for a VF may be as much better for its neighbours: those of other PFs are compared.
          const passed = [...after].filter(
            ([other, place]) =>
              !other.startsWith(`${addresses[at]}/`) &&
              place < (now ?? 0) &&
              (before.get(other) ?? Infinity) > rank,
          );
          expect(now).toBeDefined();
          expect(passed).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });
});
