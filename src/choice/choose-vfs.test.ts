import { describe, expect, it } from 'vitest';
import { CandidateVerdict } from '../model/attachment.ts';
import { Risk } from '../model/lease.ts';
import type { Network } from '../model/network.ts';
import type { ChoiceInput } from './choice-input.ts';
import { chooseVfs } from './choose-vfs.ts';
import { inputOf, leaseOf, pfOf, poolOf, vfAddressOf } from './testing/choice-case.ts';
import type { PfCase } from './testing/choice-case.ts';

const a = '0000:17:00.0';
const a1 = '0000:17:00.1';
const b = '0000:98:00.0';

/** Codes against a VF. */
function codesOf(input: ChoiceInput, pf: string, vf: number): readonly string[] {
  const verdict = chooseVfs(input).find(({ key }) => key.pf === pf && key.vf === vf);
  expect(CandidateVerdict.parse(verdict)).toEqual(verdict);
  expect(verdict?.rank === undefined).toBe(verdict?.excluded.length !== 0);
  return verdict?.excluded.map(({ code }) => code) ?? ['no verdict'];
}

/** Text against a VF, one reason a line. */
function textOf(input: ChoiceInput, pf: string, vf: number): string {
  const verdict = chooseVfs(input).find(({ key }) => key.pf === pf && key.vf === vf);
  return verdict?.excluded.map(({ text }) => text).join('\n') ?? '';
}

/** The VFs that can be taken, best first. */
function orderOf(input: ChoiceInput): readonly string[] {
  return chooseVfs(input).flatMap(({ rank, key }) => (rank === undefined ? [] : [`${key.pf} ${key.vf}`]));
}

const one: PfCase = { address: a, vfCount: 2 };
const two: readonly PfCase[] = [one, { address: b, vfCount: 2 }];
const onNetwork = (network: Partial<Network>): Partial<ChoiceInput> => ({
  network: { name: 'storage', ...network },
});

describe('a VF is not taken', () => {
  it.each<[string, ChoiceInput, string]>([
    ['pool', { ...inputOf([one]), offer: { networks: [], pools: [] } }, 'offers no VF of this PF'],
    [
      'network',
      inputOf([one], {
        offer: { networks: [], pools: [poolOf(pfOf(one), ['backup'])] },
      }),
      'port port-17:00.0 does not reach storage',
    ],
    ['vfio', inputOf([one], { facts: { hasVfioDriver: false } }), 'no vfio-pci driver'],
    ['interface', inputOf([{ ...one, pf: { netdevs: [] } }]), 'no network interface here'],
    ['down', inputOf([{ ...one, netdev: { up: false } }]), 'port port-17:00.0 is down'],
    [
      'mtu',
      inputOf([{ ...one, netdev: { mtu: 1500 } }], onNetwork({ mtu: 9000 })),
      'an MTU of 1500, storage of 9000',
    ],
    [
      'rate',
      inputOf([one], onNetwork({ maxTxRateMbps: 25_000 })),
      'runs at 10 Gbit/s, storage asks for 25 Gbit/s',
    ],
    [
      'guarantee',
      inputOf([one], {
        ...onNetwork({ minTxRateMbps: 3000 }),
        leases: [leaseOf(a, 1, 'db-1', { minTxRateMbps: 7500 })],
      }),
      'guarantees 7.5 of 10 Gbit/s already, storage asks for 3 Gbit/s',
    ],
    ['rdma', inputOf([one], onNetwork({ rdma: true })), 'needs RDMA'],
    [
      'spread',
      inputOf([one], {
        spread: true,
        vm: { name: 'web-1', hostAddresses: [vfAddressOf(a, 1)] },
      }),
      'the VM has VF 1 of 0000:17:00.0 on this card',
    ],
    [
      'address',
      inputOf([{ ...one, pf: { vfs: [{ index: 0, settings: {}, holders: [] }] } }]),
      'no PCI address',
    ],
    ['leased', inputOf([one], { leases: [leaseOf(a, 0, 'db-1')] }), 'leased to VM db-1, on storage'],
    ['leased', inputOf([one], { leases: [leaseOf(a, 0, 'web-1')] }), 'web-1 has it already'],
    [
      'lease-corrupt',
      inputOf([one], { corrupt: [{ key: { pf: a, vf: 0 }, why: 'the lease in x cannot be understood' }] }),
      'the lease in x cannot be understood',
    ],
    [
      'quarantined',
      inputOf([one], {
        quarantines: [{ key: { pf: a, vf: 0 }, generation: '', why: 'reset timed out', since: '' }],
      }),
      'quarantined: reset timed out',
    ],
    [
      'holder',
      inputOf([{ ...one, vf: () => ({ holders: [{ kind: 'vm', name: 'db-1', pid: 7 }] }) }]),
      'VM db-1 uses it (process 7)',
    ],
    [
      'holder',
      inputOf([{ ...one, vf: () => ({ holders: [{ kind: 'netns', name: 'blue' }] }) }]),
      'its interface is in network namespace blue',
    ],
    [
      'defined',
      inputOf([one], { definedUsers: [{ address: vfAddressOf(a, 0), vm: 'db-1' }] }),
      'the definition of VM db-1 names it',
    ],
  ])('for the reason %s', (code, input, text) => {
    expect(codesOf(input, a, 0)).toEqual([code]);
    expect(textOf(input, a, 0)).toContain(text);
  });

  it('when the spec names it itself, and others of its PF are in the pool', () => {
    const pool = poolOf(pfOf(one));
    const input = inputOf([one], {
      offer: { networks: [], pools: [{ ...pool, vfs: pool.vfs.slice(1) }] },
    });
    expect(codesOf(input, a, 0)).toEqual(['pool']);
    expect(orderOf(input)).toEqual([`${a} 1`]);
  });

  it('when the host has not made it, or its PF is gone', () => {
    const pools = [poolOf(pfOf({ ...one, vfCount: 3 })), poolOf(pfOf({ address: b, vfCount: 1 }))];
    const input = inputOf([one], { offer: { networks: [], pools } });
    expect(codesOf(input, a, 2)).toEqual(['absent']);
    expect(textOf(input, b, 0)).toBe('its PF is not on this host now');
    expect(orderOf(input)).toEqual([`${a} 0`, `${a} 1`]);
  });

  it('and all reasons are said', () => {
    const input = inputOf([{ ...one, netdev: { up: false, mtu: 1500 } }], {
      ...onNetwork({ mtu: 9000 }),
      leases: [leaseOf(a, 0, 'db-1')],
    });
    expect(codesOf(input, a, 0)).toEqual(['down', 'mtu', 'leased']);
  });
});

describe('a risk', () => {
  const shared = inputOf([one]);
  const groups = [
    { id: 9, members: [0, 1].map((index) => ({ address: vfAddressOf(a, index) })), isNoIommu: false },
  ];
  const inOneGroup = inputOf([{ ...one, vf: () => ({ iommuGroup: 9 }) }], { facts: { groups } });
  const withoutIommu: PfCase = {
    ...one,
    pf: {
      vfs: [{ index: 0, address: vfAddressOf(a, 0), settings: {}, holders: [] }],
    },
  };
  it.each<[string, ChoiceInput, string]>([
    ['no-iommu', inputOf([withoutIommu]), 'no IOMMU stands between'],
    [
      'no-iommu',
      inputOf([{ ...one, vf: () => ({ iommuGroup: 9 }) }], {
        facts: { groups: [{ id: 9, members: [{ address: vfAddressOf(a, 0) }], isNoIommu: true }] },
      }),
      'no IOMMU stands between',
    ],
    [
      'no-interrupt-remapping',
      inputOf([one], { facts: { interruptRemapping: false } }),
      'interrupts of the VF are not remapped',
    ],
    ['shared-iommu-group', inOneGroup, `shares its IOMMU group 9 with ${vfAddressOf(a, 1)}`],
    [
      'unknown-definition',
      inputOf([one], { unknownUsers: ['db-1', 'db-2', 'db-3'] }),
      'the definition of VMs db-1, db-2 and 1 more is not known, and may name the VF',
    ],
  ])('%s is refused unless it is accepted by its name', (risk, input, text) => {
    expect(codesOf(input, a, 0)).toEqual([risk]);
    expect(textOf(input, a, 0)).toContain(text);
    const others = Risk.options.filter((each) => each !== risk);
    expect(codesOf({ ...input, acceptedRisks: others }, a, 0)).toEqual([risk]);
    const accepted = { ...input, acceptedRisks: [...others, risk] } as ChoiceInput;
    const [best] = chooseVfs(accepted);
    expect(best).toMatchObject({ key: { pf: a, vf: 0 }, rank: 1, risks: [risk] });
  });

  it('of a definition that is not known is none of a VF that is leased', () => {
    const input = inputOf([one], { unknownUsers: ['odd'], leases: [leaseOf(a, 0, 'db-1')] });
    expect(codesOf(input, a, 0)).toEqual(['leased']);
  });

  it('is not seen where the facts are missing, and that is said', () => {
    const { interruptRemapping: _, ...facts } = shared.facts;
    const [best] = chooseVfs({ ...shared, facts: { ...facts, groups: [] } });
    expect(best).toMatchObject({ rank: 1, risks: [] });
    expect(best?.scores.map(({ text }) => text)).toEqual(
      expect.arrayContaining([
        'who else is in its IOMMU group is not known',
        'whether interrupts are remapped is not known',
      ]),
    );
  });

  it('of a shared group cannot be taken while another VM or a driver has the rest of it', () => {
    const acceptedRisks = ['shared-iommu-group'] as const;
    const leased = { ...inOneGroup, acceptedRisks, leases: [leaseOf(a, 1, 'db-1')] };
    expect(codesOf(leased, a, 0)).toEqual(['group-leased']);
    expect(codesOf({ ...leased, leases: [leaseOf(a, 1, 'web-1')] }, a, 0)).toEqual([]);
    const corrupt = [{ key: { pf: a, vf: 1 }, why: 'it cannot be understood' }];
    expect(codesOf({ ...inOneGroup, acceptedRisks, corrupt }, a, 0)).toEqual(['group-leased']);
    const bound = (driver: string): ChoiceInput['facts'] => {
      const members = [{ address: vfAddressOf(a, 0) }, { address: a, driver }];
      return { ...inOneGroup.facts, groups: [{ id: 9, members, isNoIommu: false }] };
    };
    expect(codesOf({ ...inOneGroup, acceptedRisks, facts: bound('ice') }, a, 0)).toEqual(['group-driver']);
    expect(codesOf({ ...inOneGroup, acceptedRisks, facts: bound('vfio-pci') }, a, 0)).toEqual([]);
  });
});

describe('the order', () => {
  it('is that of addresses and indexes among equals', () => {
    expect(orderOf(inputOf([two[1] ?? one, one]))).toEqual([`${a} 0`, `${a} 1`, `${b} 0`, `${b} 1`]);
  });

  it('puts the node of a pinned VM first', () => {
    const onNodeOne = inputOf([one, { address: b, vfCount: 1, pf: { numaNode: 1 } }], {
      vm: {
        name: 'web-1',
        hostAddresses: [],
        placement: { vcpuCount: 2, memoryMb: 512, vcpuPins: { 0: [4], 1: [5] } },
      },
    });
    expect(orderOf(onNodeOne)[0]).toBe(`${b} 0`);
    expect(chooseVfs(onNodeOne)[0]?.scores).toContainEqual({
      name: 'numa',
      points: 200,
      text: 'on NUMA node 1 like the VM',
    });
  });

  it('puts a port with more bandwidth left first, by rates and by the number of leases without one', () => {
    const rated = leaseOf(a, 1, 'db-1', { maxTxRateMbps: 4000 });
    expect(orderOf(inputOf(two, { leases: [rated] }))[0]).toBe(`${b} 0`);
    const unrated = [leaseOf(a, 1, 'db-1'), leaseOf(b, 0, 'db-2'), leaseOf(b, 1, 'db-3')];
    expect(orderOf(inputOf([...two, { address: a1, vfCount: 0 }], { leases: unrated }))).toEqual([`${a} 0`]);
    const [first] = chooseVfs(inputOf(two, { leases: [rated, leaseOf(b, 1, 'db-2')] }));
    expect(first?.key).toEqual({ pf: a, vf: 0 });
    expect(first?.scores.find(({ name }) => name === 'port')?.text).toBe(
      'port port-17:00.0 has 6 of 10 Gbit/s unpromised',
    );
  });

  it('counts the promises of all ports of a card on its link', () => {
    const port = (address: string): PfCase => ({
      address,
      vfCount: 1,
      pf: {
        pciePath: [
          {
            address,
            vendorId: '8086',
            deviceId: '1592',
            kind: 'endpoint',
            link: { currentSpeedGTps: 2.5, currentWidth: 4 },
            alsoBelow: [],
          },
        ],
      },
    });
    const input = inputOf([port(a), port(a1), port(b)], {
      leases: [leaseOf(a1, 0, 'db-1', { maxTxRateMbps: 5000 })],
    });
    expect(orderOf(input)).toEqual([`${b} 0`, `${a} 0`]);
    const [, ofSharedCard] = chooseVfs(input);
    expect(ofSharedCard?.scores.find(({ name }) => name === 'pcie')?.text).toContain('its PCIe link has');
    expect(ofSharedCard?.scores.find(({ name }) => name === 'port')?.points).toBe(100);
  });

  it('counts VFs that the spec names itself: by their rate, and without one while they are in use', () => {
    const named = (settings: { maxTxRateMbps?: number }, isUsed: boolean): ChoiceInput => {
      const holders = isUsed ? [{ kind: 'netns' as const, name: 'blue' }] : [];
      const input = inputOf([
        { address: a, vfCount: 2, vf: (index) => (index === 1 ? { settings, holders } : {}) },
        { address: b, vfCount: 1 },
      ]);
      const pools = input.offer.pools.map((pool) => ({ ...pool, vfs: pool.vfs.slice(0, 1) }));
      return { ...input, offer: { networks: [], pools } };
    };
    expect(orderOf(named({ maxTxRateMbps: 1000 }, false))[0]).toBe(`${b} 0`);
    expect(orderOf(named({}, true))[0]).toBe(`${b} 0`);
    expect(orderOf(named({}, false))[0]).toBe(`${a} 0`);
  });

  it('puts a port without link behind all others, and says so', () => {
    const input = inputOf([
      { ...one, netdev: { carrier: false } },
      { address: b, vfCount: 1 },
    ]);
    expect(orderOf(input)[0]).toBe(`${b} 0`);
    expect(chooseVfs(input)[1]?.scores[0]?.text).toBe('port port-17:00.0 has no link');
  });

  it('keeps PFs with RDMA for networks that need it', () => {
    const input = inputOf([
      { ...one, pf: { rdma: [{ name: 'irdma0' }] } },
      { address: b, vfCount: 1 },
    ]);
    expect(orderOf(input)[0]).toBe(`${b} 0`);
    expect(orderOf({ ...input, network: { name: 'storage', rdma: true } })).toEqual([`${a} 0`, `${a} 1`]);
  });

  it('knows a card by the port above it, whatever the numbers of its functions', () => {
    const below = (address: string, port: string): PfCase => ({
      address,
      vfCount: 1,
      pf: {
        pciePath: [address, port].map((each) => ({
          address: each,
          vendorId: '8086',
          deviceId: '1592',
          kind: each === port ? ('root-port' as const) : ('endpoint' as const),
          alsoBelow: [],
        })),
      },
    });
    const ari = '0000:17:01.0';
    const input = inputOf([below(a, '0000:16:02.0'), below(ari, '0000:16:02.0'), below(b, '0000:97:02.0')], {
      spread: true,
      vm: { name: 'web-1', uuid: 'uuid-of-web-1', hostAddresses: [] },
      leases: [leaseOf(a, 0, 'web-1')],
    });
    expect(orderOf(input)).toEqual([`${b} 0`]);
    expect(codesOf(input, ari, 0)).toEqual(['spread']);
    expect(orderOf({ ...input, spread: false })).toContain(`${ari} 0`);
  });

  it('says what is not known of users, and counts it neither for nor against', () => {
    const unread = [{ what: 'open files of 2 processes', why: 'needs CAP_SYS_PTRACE', fact: 'holders' }];
    const [best] = chooseVfs(inputOf([one], { facts: { unread } }));
    expect(best?.scores).toContainEqual({
      name: 'holders',
      points: 0,
      text: 'not all users of VFs are known: open files of 2 processes: needs CAP_SYS_PTRACE',
    });
  });
});
