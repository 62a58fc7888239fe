import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { fleetHost, seededVms, threeClasses } from './cases/fleet.ts';
import { loadSolver } from './highs-solver.ts';
import type { HostModel } from './host-model.ts';
import type { LinearSolver } from './linear-program.ts';
import { packWorkload } from './pack.ts';
import type { SizingResult } from './result.ts';
import { faultsOf } from './testing/checked-packing.ts';
import { hostDraft, type HostDraft, hostOfDraft, policies, vmClasses } from './testing/small-inputs.ts';
import { completePolicy, type CompletePolicy, type VmClass } from '../model/workload.ts';

let solver: LinearSolver;
beforeAll(async () => {
  solver = await loadSolver();
});

function pack(
  vms: readonly VmClass[],
  hosts: readonly HostModel[],
  policy: CompletePolicy = completePolicy(undefined),
): SizingResult {
  return packWorkload(solver, { vms, hosts, policy, withMarginal: false });
}

const inputs = fc.record({
  vms: vmClasses,
  drafts: fc.array(hostDraft, { minLength: 1, maxLength: 2 }),
  policy: policies,
});

function modelsOf(drafts: readonly HostDraft[]): HostModel[] {
  return drafts.map((draft, index) => hostOfDraft(draft, `host${index}`));
}

/** Hosts needed; infinitely many when the machines do not fit at all. */
function hostsNeeded(result: SizingResult): number {
  return result.outcome === 'fits' ? result.usedHosts : Infinity;
}

describe('a packing of any small input', () => {
  it('breaks no constraint, and needs no fewer hosts than the bound', () => {
    fc.assert(
      fc.property(inputs, ({ vms, drafts, policy }) => {
        const result = pack(vms, modelsOf(drafts), policy);
        expect(faultsOf(result)).toEqual([]);
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  it('is as few hosts as there can be, or says by proof that it is impossible', () => {
    fc.assert(
      fc.property(inputs, ({ vms, drafts, policy }) => {
        const result = pack(vms, modelsOf(drafts), policy);
        const isProven = result.outcome === 'fits' ? result.gap === 0 : result.impossible.length > 0;
        expect(isProven).toBe(true);
      }),
      { numRuns: 100, seed: 2 },
    );
  });

  it('is the same again', () => {
    fc.assert(
      fc.property(inputs, ({ vms, drafts, policy }) => {
        expect(pack(vms, modelsOf(drafts), policy)).toEqual(pack(vms, modelsOf(drafts), policy));
      }),
      { numRuns: 30, seed: 3 },
    );
  });
});

describe('NUMA nodes', () => {
  const wide = fleetHost({
    name: 'wide',
    sockets: 2,
    threadsPerSocket: 18,
    memoryGbPerSocket: 64,
    cards: [{ ports: [['front'], ['front']], gbps: 25, pcieGbps: 57.9, vfsPerPf: 8 }],
  });
  const web: VmClass = {
    name: 'web',
    count: 8,
    vcpus: 4,
    memoryGb: 4,
    nics: [{ network: 'front', gbps: 5 }],
  };

  it('keep machines and their VFs together where they can', () => {
    const result = pack([web], [wide]);
    expect(result).toMatchObject({ usedHosts: 1, crossNode: [] });
  });

  it('are crossed by pairs over two cards where each node has one, and that is reported', () => {
    const pair: VmClass = { ...web, nics: [{ network: 'front', gbps: 5, redundancy: 'cards' }] };
    expect(pack([pair], [wide]).crossNode).toEqual([
      { vmClass: 0, hostClass: 0, withRemoteVfs: 8, spread: 0, remoteMbps: 40_000, firstVm: 0 },
    ]);
  });

  it('are spread over by a machine that no node can hold', () => {
    const large: VmClass = { ...web, count: 1, vcpus: 24, nics: [] };
    const result = pack([large], [wide]);
    expect(result.crossNode).toMatchObject([{ spread: 1, withRemoteVfs: 0 }]);
    expect(result.patterns[0]?.seats).toMatchObject([{ nodes: [0, 1] }]);
    expect(pack([large], [wide], completePolicy({ numa: 'strict' })).outcome).toBe('impossible');
  });
});

describe('hosts that are limited in number', () => {
  /** As many hosts of each class as the packing used. */
  function justEnough(result: SizingResult): HostModel[] {
    return result.hosts.map((host, hostClass) => {
      const used = result.use.find((each) => each.hostClass === hostClass)?.usedHosts ?? 0;
      return { ...host, count: Math.max(1, used) };
    });
  }

  it('are enough when they were enough without the limit', () => {
    fc.assert(
      fc.property(inputs, ({ vms, drafts, policy }) => {
        const open = pack(vms, modelsOf(drafts.map((draft) => ({ ...draft, count: undefined }))), policy);
        fc.pre(open.outcome === 'fits');
        const limited = pack(vms, justEnough(open), policy);
        expect(limited).toMatchObject({ outcome: 'fits', usedHosts: open.usedHosts });
        expect(faultsOf(limited)).toEqual([]);
      }),
      { numRuns: 60, seed: 6 },
    );
  });

  it.each([1, 2, 3])('are never called too few by a proof, when they are enough (seed %i)', (seed) => {
    const vms = seededVms(seed, 15, 1500);
    const open = pack(vms, threeClasses([20, 20]));
    const limited = pack(vms, justEnough(open));
    expect(open.outcome).toBe('fits');
    expect(limited.outcome).not.toBe('impossible');
    expect(faultsOf(limited)).toEqual([]);
  });
});

type Extension = (draft: HostDraft) => HostDraft;
const extensions: Readonly<Record<string, Extension>> = {
  'one more host of a class': (draft) => ({
    ...draft,
    count: draft.count === undefined ? undefined : draft.count + 1,
  }),
  'more cores': (draft) => ({
    ...draft,
    nodes: draft.nodes.map((node) => ({ ...node, vcpus: node.vcpus + 3 })),
  }),
  'more memory': (draft) => ({
    ...draft,
    nodes: draft.nodes.map((node) => ({ ...node, memoryMb: node.memoryMb + 3000 })),
  }),
  'another card': (draft) => ({ ...draft, cards: [...draft.cards, ...draft.cards.slice(0, 1)] }),
  'faster ports and links': (draft) => ({
    ...draft,
    cards: draft.cards.map((card) => ({
      ...card,
      pcieGbps: card.pcieGbps === undefined ? undefined : card.pcieGbps * 2,
      ports: card.ports.map((port) => ({ ...port, gbps: port.gbps * 2 })),
    })),
  }),
  'more VFs': (draft) => ({
    ...draft,
    cards: draft.cards.map((card) => ({
      ...card,
      vfLimit: undefined,
      ports: card.ports.map((port) => ({
        ...port,
        pfs: port.pfs.map((pf) => ({ ...pf, totalVfs: pf.totalVfs + 3 })),
      })),
    })),
  }),
};

describe('more hardware never needs more hosts', () => {
  it.each(Object.entries(extensions))('%s', (_, extend) => {
    fc.assert(
      fc.property(inputs, ({ vms, drafts, policy }) => {
        const before = pack(vms, modelsOf(drafts), policy);
        const after = pack(vms, modelsOf(drafts.map(extend)), policy);
        expect(hostsNeeded(after)).toBeLessThanOrEqual(hostsNeeded(before));
      }),
      { numRuns: 40, seed: 4 },
    );
  });

  it('another class of hosts', () => {
    fc.assert(
      fc.property(inputs, hostDraft, ({ vms, drafts, policy }, more) => {
        const before = pack(vms, modelsOf(drafts), policy);
        const after = pack(vms, modelsOf([...drafts, more]), policy);
        expect(hostsNeeded(after)).toBeLessThanOrEqual(hostsNeeded(before));
      }),
      { numRuns: 40, seed: 5 },
    );
  });
});

describe('the seeded fleets', () => {
  it.each([
    { seed: 1, classes: 12, total: 300 },
    { seed: 2, classes: 20, total: 2000 },
    { seed: 3, classes: 30, total: 20_000 },
    { seed: 4, classes: 8, total: 60 },
  ])(
    'seed $seed: $total machines of $classes classes within 3 % of the bound',
    ({ seed, classes, total }) => {
      const result = pack(seededVms(seed, classes, total), threeClasses([]));
      expect(faultsOf(result)).toEqual([]);
      expect(result.outcome).toBe('fits');
      expect(result.gap).toBeLessThanOrEqual(0.03);
    },
  );
});
