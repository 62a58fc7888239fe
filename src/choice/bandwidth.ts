// Owns how much of each port and PCIe link is promised to others, and how much a next VF could have.

import type { Lease } from '../model/lease.ts';
import type { Pf } from '../model/pf.ts';
import type { VfSettings } from '../model/vf.ts';
import { listCarryingLinks } from './cards.ts';

/** What the VFs of a port, or of all ports behind a link, may send. Mbit/s. */
export interface Promised {
  /** Sum of the rates that leases and VFs named by the spec have; the larger of minimum and maximum of each. */
  readonly totalMbps: number;
  /** Sum of the minimum rates: what is guaranteed. */
  readonly guaranteedMbps: number;
  /** Those without a rate: they take what they get. */
  readonly unratedCount: number;
}

/** What a port or link has left for one more VF. */
export interface Headroom {
  readonly capacityMbps: number;
  readonly promised: Promised;
  /** What is not promised, shared with the leases that have no rate; less than 0 when too much is promised. */
  readonly availableMbps: number;
}

export interface PfBandwidth {
  /** Absent: the port's speed is not known. */
  readonly port?: Headroom;
  /** Of the link that has the least left; absent: no link's speed is known. */
  readonly pcie?: Headroom;
}

const nothing: Promised = { totalMbps: 0, guaranteedMbps: 0, unratedCount: 0 };

/** A PF with the indexes that its pool has. */
export interface PooledPf {
  readonly pf: Pf;
  readonly inPool: ReadonlySet<number>;
}

/** Bandwidth of each PF by its address. */
export function bandwidthsOf(
  pooled: readonly PooledPf[],
  leases: readonly Lease[],
): ReadonlyMap<string, PfBandwidth> {
  const pfs = pooled.map(({ pf }) => pf);
  const perPort = new Map<string, Promised>();
  const promise = (pf: string, promised: Promised): unknown =>
    perPort.set(pf, sum(perPort.get(pf) ?? nothing, promised));
  for (const { key, settings } of leases) promise(key.pf, promisedTo(settings));
  for (const each of pooled) promise(each.pf.address, promisedToNamed(each, leases));
  const links = pfs.map((pf) => ({ pf, links: listCarryingLinks(pf) }));
  const perLink = new Map<string, Promised>();
  for (const { pf, links: own } of links) {
    const promised = perPort.get(pf.address) ?? nothing;
    for (const { key } of own) perLink.set(key, sum(perLink.get(key) ?? nothing, promised));
  }
  return new Map(
    links.map(({ pf, links: own }) => {
      const speedMbps = pf.netdevs[0]?.speedMbps;
      const [pcie] = own
        .map(({ key, capacityMbps }) => headroomOf(capacityMbps, perLink.get(key) ?? nothing))
        .sort((a, b) => a.availableMbps - b.availableMbps);
      return [
        pf.address,
        {
          ...(speedMbps === undefined
            ? {}
            : { port: headroomOf(speedMbps, perPort.get(pf.address) ?? nothing) }),
          ...(pcie === undefined ? {} : { pcie }),
        },
      ];
    }),
  );
}

/** VFs that the spec names itself have what they are set to; one without a rate counts while somebody uses it. */
function promisedToNamed({ pf, inPool }: PooledPf, leases: readonly Lease[]): Promised {
  let promised = nothing;
  for (const { index, settings, holders } of pf.vfs) {
    if (inPool.has(index)) continue;
    // A lease from before the spec named the VF has been counted.
    if (leases.some(({ key }) => key.pf === pf.address && key.vf === index)) continue;
    const own = promisedTo(settings);
    if (own.totalMbps > 0 || holders.length > 0) promised = sum(promised, own);
  }
  return promised;
}

/** A rate of 0 is none (IFLA_VF_RATE: unlimited, or nothing guaranteed). */
function promisedTo({ minTxRateMbps = 0, maxTxRateMbps = 0 }: VfSettings): Promised {
  const totalMbps = Math.max(minTxRateMbps, maxTxRateMbps);
  return { totalMbps, guaranteedMbps: minTxRateMbps, unratedCount: totalMbps === 0 ? 1 : 0 };
}

function sum(a: Promised, b: Promised): Promised {
  return {
    totalMbps: a.totalMbps + b.totalMbps,
    guaranteedMbps: a.guaranteedMbps + b.guaranteedMbps,
    unratedCount: a.unratedCount + b.unratedCount,
  };
}

function headroomOf(capacityMbps: number, promised: Promised): Headroom {
  const left = capacityMbps - promised.totalMbps;
  // A debt is not shared: it stays whole.
  const availableMbps = left > 0 ? left / (1 + promised.unratedCount) : left;
  return { capacityMbps, promised, availableMbps };
}
