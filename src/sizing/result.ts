// Owns the answer of `vfleet size`: hosts, placements, use of every resource, the bound and what would change it.
// Types, and the reading of single machines out of the compact form; the packing itself is pack.ts's.

import type { HostModel } from './host-model.ts';
import type { CompletePolicy, VmClass } from '../model/workload.ts';

/**
 * One machine of a pattern. `pfs` has an entry for each NIC of its class, in order: the PFs of its VFs as indexes in
 * the host's `pfs`, one, or two for a redundant NIC.
 */
export interface Seat {
  /** Index in `SizingResult.vms`. */
  readonly vmClass: number;
  /** NUMA nodes that hold its vCPUs and memory, indexes in the host's `nodes`: one, or all when none can hold it. */
  readonly nodes: readonly number[];
  readonly pfs: readonly (readonly number[])[];
  /** VFs of cards that are known to be on another NUMA node, and what they carry across, Mb/s each way. */
  readonly remoteVfs: number;
  readonly remoteMbps: number;
}

/** A way to fill one host. Hosts `firstHost` to `firstHost + hostCount - 1` of the class are filled like this. */
export interface Pattern {
  /** Index in `SizingResult.hosts`. */
  readonly hostClass: number;
  /** Number of the first host within its class, from 0. */
  readonly firstHost: number;
  readonly hostCount: number;
  /** By class, so that machines of one class stand together. */
  readonly seats: readonly Seat[];
  /** For every class of machines (by index) the number of the first one on `firstHost`, and how many per host. */
  readonly firstVm: readonly number[];
  readonly vmsPerHost: readonly number[];
}

export type ResourceKind =
  | 'vcpus'
  | 'memory'
  | 'pcie'
  | 'card-vfs'
  | 'port'
  | 'partition'
  | 'vfs'
  | 'vectors'
  | 'queues';

/** The use of one resource on all used hosts of a class. Unit: vCPUs, MB, Mb/s, VFs, vectors or queue pairs. */
export interface ResourceUse {
  readonly kind: ResourceKind;
  /** For people: `node 0 memory`, `0000:3b:00.0 VFs`. */
  readonly name: string;
  /** Index in the host's nodes, cards (`pcie`, `card-vfs`), ports or pfs (the rest). */
  readonly index: number;
  /** Of one host; absent where there is no limit or it is not known (queues). */
  readonly capacity?: number;
  /** On the fullest host, on the emptiest, and the mean over used hosts. */
  readonly most: number;
  readonly least: number;
  readonly mean: number;
}

export interface HostClassUse {
  /** Index in `SizingResult.hosts`. */
  readonly hostClass: number;
  readonly usedHosts: number;
  readonly resources: readonly ResourceUse[];
  /** Resources that are full or nearest to full, the fullest first; `fill` is mean use over capacity. */
  readonly runsOut: readonly { readonly resource: number; readonly fill: number }[];
}

/** Machines that could not have all on one NUMA node, by class of machine and host. */
export interface CrossNode {
  readonly vmClass: number;
  readonly hostClass: number;
  /** Machines whose VFs are (partly) on a card of another node, and those spread over nodes. */
  readonly withRemoteVfs: number;
  readonly spread: number;
  /** What crosses between the nodes, all of these machines together, Mb/s each way. */
  readonly remoteMbps: number;
  /** Number of the first such machine: `db-17`. */
  readonly firstVm: number;
}

/** What one more would change. */
export interface Marginal {
  /** For each class of machines: how many more fit on the used hosts as they are, and what one costs in hosts. */
  readonly vms: readonly {
    readonly vmClass: number;
    /** Counted one class at a time, at most `marginalLimit`. */
    readonly fitAsIs: number;
    /** Hosts per further machine in the relaxation behind the bound. */
    readonly hostsPerVm: number;
  }[];
  /** One more of a card in every host of the class. */
  readonly cards: readonly {
    readonly hostClass: number;
    /** Index in the host's `cards` of the card that is doubled. */
    readonly card: number;
    /** Lower bound of hosts with it; to be compared with `SizingResult.relaxedBound`. */
    readonly relaxedBound: number;
  }[];
}

/** One fact of a proof that something cannot fit. */
export interface Fact {
  readonly subject: 'vm' | 'host' | 'policy' | 'total';
  readonly text: string;
}

/** Why the input cannot fit: together these facts make it impossible, and no fewer of them do. */
export interface Impossibility {
  /** `vm`: a single machine fits no host. `total`: there are too few hosts for all of them. */
  readonly kind: 'vm' | 'total';
  /** Indexes of the classes of machines that it is about. */
  readonly vmClasses: readonly number[];
  readonly summary: string;
  readonly facts: readonly Fact[];
}

export interface SizingResult {
  /**
   * `fits`: all machines are placed. `impossible`: proven; see `impossible`.
   * `unplaced`: some found no place, and that none exists is not proven; see `unplaced`.
   */
  readonly outcome: 'fits' | 'impossible' | 'unplaced';
  readonly vms: readonly VmClass[];
  readonly hosts: readonly HostModel[];
  readonly policy: CompletePolicy;
  readonly usedHosts: number;
  /** No packing can do with fewer hosts; 0 when the outcome is `impossible`. */
  readonly boundHosts: number;
  /** `usedHosts / boundHosts - 1`; 0 means proven best. Absent unless the outcome is `fits`. */
  readonly gap?: number;
  /** The bound of the relaxation by resources alone, as it is before rounding up. */
  readonly relaxedBound: number;
  /** By class of hosts, then by `firstHost`. Empty when the outcome is `impossible`. */
  readonly patterns: readonly Pattern[];
  /** One for each class of hosts that is used. */
  readonly use: readonly HostClassUse[];
  readonly crossNode: readonly CrossNode[];
  /** Machines by class that found no place: index in `vms` and how many. */
  readonly unplaced: readonly { readonly vmClass: number; readonly count: number }[];
  readonly impossible: readonly Impossibility[];
  readonly marginal?: Marginal;
}

/** Where one machine is. */
export interface Placement {
  readonly vmClass: number;
  /** Number within its class, from 0. */
  readonly vm: number;
  readonly hostClass: number;
  /** Number of the host within its class, from 0. */
  readonly host: number;
  readonly seat: Seat;
}

/** Every machine of one host of a pattern; `host` is the number within the class. */
export function placementsOnHost(pattern: Pattern, host: number): readonly Placement[] {
  const nth = host - pattern.firstHost;
  const given = new Map<number, number>();
  return pattern.seats.map((seat) => {
    const { vmClass } = seat;
    const before = given.get(vmClass) ?? 0;
    given.set(vmClass, before + 1);
    const perHost = pattern.vmsPerHost[vmClass] ?? 0;
    const vm = (pattern.firstVm[vmClass] ?? 0) + nth * perHost + before;
    return { vmClass, vm, hostClass: pattern.hostClass, host, seat };
  });
}

/** Every machine of the result, host by host. */
export function* allPlacements(result: SizingResult): Generator<Placement> {
  for (const pattern of result.patterns) {
    for (let nth = 0; nth < pattern.hostCount; nth += 1) {
      yield* placementsOnHost(pattern, pattern.firstHost + nth);
    }
  }
}

/** VFs of each PF on a host of the pattern: used by machines, in the order of the host's `pfs`. */
export function usedVfsOf(pattern: Pattern, host: HostModel): readonly number[] {
  const used = host.pfs.map(() => 0);
  for (const seat of pattern.seats) {
    for (const pf of seat.pfs.flat()) used[pf] = (used[pf] ?? 0) + 1;
  }
  return used;
}
