// Owns small inputs of every kind for property tests: few machines, few hosts, odd shapes.

import fc from 'fast-check';
import type { HostModel } from '../host-model.ts';
import { completePolicy, type CompletePolicy, type VmClass, type VmNic } from '../../model/workload.ts';

const networks = ['front', 'storage'];

const nic: fc.Arbitrary<VmNic> = fc.record(
  {
    network: fc.constantFrom(...networks),
    gbps: fc.constantFrom(0.5, 1, 3, 4, 8),
    redundancy: fc.constantFrom('none', 'none', 'none', 'ports', 'cards'),
    rdma: fc.constantFrom(false, false, false, true),
  },
  { requiredKeys: ['network', 'gbps'] },
);

export const vmClasses: fc.Arbitrary<VmClass[]> = fc
  .array(
    fc.record({
      count: fc.integer({ min: 1, max: 6 }),
      vcpus: fc.constantFrom(1, 2, 3, 6, 9),
      memoryMb: fc.constantFrom(512, 1000, 3000, 9000),
      nics: fc.array(nic, { maxLength: 2 }),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((classes) => classes.map((vm, index) => ({ name: `vm${index}`, ...vm })));

const card = fc.record({
  node: fc.option(fc.nat(1), { nil: undefined }),
  pcieGbps: fc.option(fc.constantFrom(10, 14.4, 28.7), { nil: undefined }),
  vfLimit: fc.option(fc.integer({ min: 2, max: 8 }), { nil: undefined }),
  ports: fc.array(
    fc.record({
      networks: fc.option(fc.subarray(networks, { minLength: 1 }), { nil: undefined, freq: 1 }),
      gbps: fc.constantFrom(5, 10, 25),
      pfs: fc.array(
        fc.record({ totalVfs: fc.integer({ min: 2, max: 9 }), hasRdma: fc.constantFrom(true, true, false) }),
        {
          minLength: 1,
          maxLength: 2,
        },
      ),
    }),
    { minLength: 1, maxLength: 2 },
  ),
});

export interface HostDraft {
  readonly count: number | undefined;
  readonly nodes: readonly { readonly vcpus: number; readonly memoryMb: number }[];
  readonly cards: readonly {
    readonly node: number | undefined;
    readonly pcieGbps: number | undefined;
    readonly vfLimit: number | undefined;
    readonly ports: readonly {
      readonly networks: readonly string[] | undefined;
      readonly gbps: number;
      readonly pfs: readonly { readonly totalVfs: number; readonly hasRdma: boolean }[];
    }[];
  }[];
}

export const hostDraft: fc.Arbitrary<HostDraft> = fc.record({
  count: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined, freq: 2 }),
  nodes: fc.array(fc.record({ vcpus: fc.constantFrom(6, 9, 16), memoryMb: fc.constantFrom(8192, 16000) }), {
    minLength: 1,
    maxLength: 2,
  }),
  cards: fc.array(card, { minLength: 1, maxLength: 3 }),
});

export const policies: fc.Arbitrary<CompletePolicy> = fc
  .record({ numa: fc.constantFrom('prefer', 'strict'), bandwidthRatio: fc.constantFrom(1, 1.5) })
  .map((policy) => completePolicy(policy));

/** The host model of a draft; one VF of each PF with more than two is kept free. */
export function hostOfDraft(draft: HostDraft, name: string): HostModel {
  const ports: HostModel['ports'][number][] = [];
  const pfs: HostModel['pfs'][number][] = [];
  const cards = draft.cards.map(({ node, pcieGbps, vfLimit, ports: own }, at) => {
    const indexes = own.map(({ networks: cabled, gbps, pfs: ofPort }) => {
      const port = ports.push({
        name: `port ${ports.length}`,
        card: at,
        mbps: gbps * 1000,
        ...(cabled === undefined ? {} : { networks: cabled }),
      });
      for (const { totalVfs, hasRdma } of ofPort) {
        pfs.push({
          address: `${at}.${port}.${pfs.length}`,
          port: port - 1,
          totalVfs,
          spareVfs: totalVfs > 2 ? 1 : 0,
          hasRdma,
        });
      }
      return port - 1;
    });
    return {
      name: `card ${at}`,
      ports: indexes,
      ...(node === undefined ? {} : { node: Math.min(node, draft.nodes.length - 1) }),
      ...(pcieGbps === undefined ? {} : { pcieMbps: Math.floor(pcieGbps * 1000) }),
      ...(vfLimit === undefined ? {} : { vfLimit }),
    };
  });
  return {
    name,
    source: 'class',
    ...(draft.count === undefined ? {} : { count: draft.count }),
    nodes: draft.nodes.map(({ vcpus, memoryMb }, node) => ({
      node,
      coreCount: vcpus,
      threadCount: vcpus,
      reservedCores: 0,
      vcpuCapacity: vcpus,
      memoryMb,
      memoryCapacityMb: memoryMb,
    })),
    cards,
    ports,
    pfs,
    notes: [],
  };
}
