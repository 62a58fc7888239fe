// Owns seeded inputs for tests and the benchmark: fleets of any size that look like real ones.
// Plain generators, no files; the same seed gives the same fleet everywhere.

import type { HostModel } from '../host-model.ts';
import type { VmClass, VmNic } from '../../model/workload.ts';

/** Numbers between 0 and 1 from a seed (mulberry32, public domain, by Tommy Ettinger). */
export function seededNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export interface FleetHost {
  readonly name: string;
  readonly count?: number;
  readonly sockets: number;
  readonly threadsPerSocket: number;
  readonly memoryGbPerSocket: number;
  /** For every socket the same cards; networks of each port. */
  readonly cards: readonly {
    readonly ports: readonly (readonly string[])[];
    readonly gbps: number;
    readonly pcieGbps: number;
    readonly vfsPerPf: number;
    readonly hasRdma?: boolean;
  }[];
}

/** A host model with the same cards on every socket. */
export function fleetHost(host: FleetHost): HostModel {
  const cards: HostModel['cards'][number][] = [];
  const ports: HostModel['ports'][number][] = [];
  const pfs: HostModel['pfs'][number][] = [];
  for (let socket = 0; socket < host.sockets; socket += 1) {
    for (const card of host.cards) {
      const at = cards.length;
      const own = card.ports.map((networks) => {
        ports.push({ name: `port ${ports.length}`, card: at, networks, mbps: card.gbps * 1000 });
        const port = ports.length - 1;
        pfs.push({
          address: `${at}.${port}`,
          port,
          totalVfs: card.vfsPerPf,
          spareVfs: 2,
          hasRdma: card.hasRdma === true,
        });
        return port;
      });
      cards.push({
        name: `card ${at}`,
        node: socket,
        pcieMbps: Math.floor(card.pcieGbps * 1000),
        ports: own,
      });
    }
  }
  return {
    name: host.name,
    source: 'class',
    ...(host.count === undefined ? {} : { count: host.count }),
    nodes: Array.from({ length: host.sockets }, (_, node) => ({
      node,
      coreCount: host.threadsPerSocket / 2,
      threadCount: host.threadsPerSocket,
      reservedCores: 1,
      vcpuCapacity: host.threadsPerSocket - 2,
      memoryMb: host.memoryGbPerSocket * 1024,
      memoryCapacityMb: host.memoryGbPerSocket * 1024 - 4096,
    })),
    cards,
    ports,
    pfs,
    notes: [],
  };
}

/** Three classes of hosts as data centres have them: old and small, usual, new and large. */
export function threeClasses(counts: readonly number[]): HostModel[] {
  const [small, usual, large] = counts;
  const both = ['front', 'storage'];
  return [
    fleetHost({
      name: 'small',
      ...(small === undefined ? {} : { count: small }),
      sockets: 2,
      threadsPerSocket: 40,
      memoryGbPerSocket: 192,
      cards: [{ ports: [both, both], gbps: 25, pcieGbps: 57.9, vfsPerPf: 64 }],
    }),
    fleetHost({
      name: 'usual',
      ...(usual === undefined ? {} : { count: usual }),
      sockets: 2,
      threadsPerSocket: 64,
      memoryGbPerSocket: 384,
      cards: [{ ports: [both, both], gbps: 100, pcieGbps: 113.7, vfsPerPf: 127, hasRdma: true }],
    }),
    fleetHost({
      name: 'large',
      ...(large === undefined ? {} : { count: large }),
      sockets: 2,
      threadsPerSocket: 128,
      memoryGbPerSocket: 1024,
      cards: [
        { ports: [both, both], gbps: 100, pcieGbps: 227.4, vfsPerPf: 127, hasRdma: true },
        { ports: [['front']], gbps: 100, pcieGbps: 227.4, vfsPerPf: 127 },
      ],
    }),
  ];
}

const sizes = [1, 2, 2, 4, 4, 4, 8, 8, 16, 32];
const memoryPerCpu = [1, 2, 2, 4, 4, 8, 12];
const speeds = [0.1, 0.25, 0.5, 1, 1, 2, 2.5, 5, 10];

/** Classes of machines with two NICs each, `total` machines in all; `haste` times the usual bandwidth. */
export function seededVms(seed: number, classes: number, total: number, haste = 1): VmClass[] {
  const next = seededNumbers(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T;
  const weights = Array.from({ length: classes }, () => 0.2 + next());
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  let left = total;
  return weights.map((weight, index) => {
    const count = index === classes - 1 ? left : Math.max(1, Math.floor((total * weight) / all));
    left -= count;
    const vcpus = pick(sizes);
    const speed = Math.min(pick(speeds), vcpus) * haste;
    const isPair = next() < 0.4;
    const front: VmNic = {
      network: 'front',
      gbps: speed,
      ...(isPair ? { redundancy: pick(['ports', 'cards'] as const) } : {}),
    };
    const storage: VmNic = {
      network: 'storage',
      gbps: pick(speeds.slice(0, 6)) * haste,
      ...(next() < 0.1 ? { rdma: true } : {}),
    };
    return {
      name: `class-${index}`,
      count,
      vcpus,
      memoryGb: vcpus * pick(memoryPerCpu),
      nics: [front, storage],
    };
  });
}
