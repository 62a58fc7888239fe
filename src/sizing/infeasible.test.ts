import { beforeAll, describe, expect, it } from 'vitest';
import { fleetHost } from './cases/fleet.ts';
import { loadSolver } from './highs-solver.ts';
import type { HostModel } from './host-model.ts';
import type { LinearSolver } from './linear-program.ts';
import { packWorkload } from './pack.ts';
import type { SizingResult } from './result.ts';
import { completePolicy, type SizingPolicy, type VmClass } from '../model/workload.ts';

let solver: LinearSolver;
beforeAll(async () => {
  solver = await loadSolver();
});

const oneCard: HostModel = fleetHost({
  name: 'small',
  sockets: 1,
  threadsPerSocket: 34,
  memoryGbPerSocket: 64,
  cards: [{ ports: [['storage'], ['storage']], gbps: 25, pcieGbps: 57.9, vfsPerPf: 8 }],
});
const db: VmClass = {
  name: 'db',
  count: 40,
  vcpus: 8,
  memoryGb: 16,
  nics: [{ network: 'storage', gbps: 5 }],
};

function pack(vm: VmClass, hosts: readonly HostModel[], policy?: SizingPolicy): SizingResult {
  return packWorkload(solver, { vms: [vm], hosts, policy: completePolicy(policy), withMarginal: false });
}

/** The facts of the only proof. */
function factsOf(result: SizingResult): readonly string[] {
  expect(result).toMatchObject({ outcome: 'impossible', usedHosts: 0, patterns: [] });
  expect(result.impossible).toHaveLength(1);
  return (result.impossible[0]?.facts ?? []).map(({ text }) => text);
}

describe('a machine that fits no host', () => {
  it.each<{ what: string; vm: Partial<VmClass>; facts: readonly string[] }>([
    {
      what: 'two cards where there is one',
      vm: { nics: [{ network: 'storage', gbps: 5, redundancy: 'cards' }] },
      facts: ['a machine of db needs a NIC over two cards', 'host small has one card'],
    },
    {
      what: 'a network that is not there',
      vm: {
        nics: [
          { network: 'storage', gbps: 1 },
          { network: 'backup', gbps: 1 },
        ],
      },
      facts: ['a machine of db needs a NIC on network backup', 'host small has no port on network backup'],
    },
    {
      what: 'more bandwidth than a port has',
      vm: { nics: [{ network: 'storage', gbps: 40 }] },
      facts: ['a machine of db needs a NIC of 40 Gb/s', 'host small has 2 ports of 25 Gb/s'],
    },
    {
      what: 'more than a port carries, with what every frame adds',
      vm: { nics: [{ network: 'storage', gbps: 24, packetsPerSecond: 10_000_000 }] },
      facts: [
        'a machine of db needs a NIC of 24 Gb/s (25.6 on the wire)',
        'host small has 2 ports of 25 Gb/s',
      ],
    },
    {
      what: 'RDMA',
      vm: { nics: [{ network: 'storage', gbps: 1, rdma: true }] },
      facts: ['a machine of db needs a NIC with RDMA', 'host small has no port with RDMA'],
    },
    {
      what: 'memory, whatever the NIC is',
      vm: { memoryGb: 100 },
      facts: ['a machine of db needs 102400 MB of memory', 'host small has 61440 MB of memory'],
    },
    {
      what: 'vCPUs',
      vm: { vcpus: 64 },
      facts: ['a machine of db needs 64 vCPUs', 'host small has 32 vCPUs'],
    },
  ])('says so: $what', ({ vm, facts }) => {
    expect(factsOf(pack({ ...db, ...vm }, [oneCard]))).toEqual(facts);
  });

  it('says so of the link of the card', () => {
    const starved = fleetHost({
      name: 'starved',
      sockets: 1,
      threadsPerSocket: 34,
      memoryGbPerSocket: 64,
      cards: [{ ports: [['storage'], ['storage']], gbps: 25, pcieGbps: 28.7, vfsPerPf: 8 }],
    });
    const nic = { network: 'storage', gbps: 20 };
    expect(factsOf(pack({ ...db, nics: [nic, nic] }, [starved]))).toEqual([
      'a machine of db needs 2 NICs of 20 Gb/s (22.8 on PCIe)',
      'host starved has one card with PCIe links of 28.7 Gb/s',
    ]);
  });

  it('names the policy where it is the reason', () => {
    const twoNodes = fleetHost({
      name: 'wide',
      sockets: 2,
      threadsPerSocket: 34,
      memoryGbPerSocket: 64,
      cards: [{ ports: [['storage']], gbps: 25, pcieGbps: 57.9, vfsPerPf: 8 }],
    });
    const pair = { ...db, nics: [{ network: 'storage', gbps: 5, redundancy: 'cards' as const }] };
    expect(factsOf(pack(pair, [twoNodes], { numa: 'strict' }))).toContain(
      'policy wants all of a machine on one NUMA node',
    );
    expect(pack(pair, [twoNodes]).outcome).toBe('fits');
  });

  it('gives every host its own reason', () => {
    const noNetwork = fleetHost({
      name: 'bare',
      sockets: 1,
      threadsPerSocket: 34,
      memoryGbPerSocket: 64,
      cards: [],
    });
    const pair = { ...db, nics: [{ network: 'storage', gbps: 5, redundancy: 'cards' as const }] };
    expect(factsOf(pack(pair, [oneCard, noNetwork]))).toEqual([
      'a machine of db needs a NIC over two cards',
      'host small has one card',
      'host bare has no port',
    ]);
  });
});

describe('too few hosts', () => {
  it('says of what there is too little, and nothing else', () => {
    const facts = factsOf(
      pack({ ...db, nics: [{ network: 'storage', gbps: 1 }] }, [{ ...oneCard, count: 9 }]),
    );
    expect(facts).toEqual([
      'these machines need 320 vCPUs at least',
      'all hosts together have 288 vCPUs that they can use',
      'the hosts are 9 of small',
    ]);
  });

  it('says so of bandwidth as well', () => {
    const fast = { ...db, vcpus: 1, memoryGb: 1, nics: [{ network: 'storage', gbps: 10 }] };
    const facts = factsOf(pack(fast, [{ ...oneCard, count: 7 }]));
    expect(facts[0]).toBe('these machines need 400 Gb/s on ports at least');
    expect(facts[1]).toBe('all hosts together have 350 Gb/s on ports that they can use');
  });

  it('proves by whole hosts what sums do not show', () => {
    // 20 vCPUs twice is 40, and two hosts of 32 have 64; but three machines do not fit on two hosts.
    const result = pack({ ...db, count: 3, vcpus: 20, memoryGb: 1 }, [{ ...oneCard, count: 2 }]);
    expect(factsOf(result)).toEqual([
      'no way of filling single hosts places all machines on 2 of them',
      'the hosts are 2 of small',
    ]);
  });
});
