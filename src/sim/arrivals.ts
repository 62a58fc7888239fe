// Owns what a simulated host does by itself when its time has come: VFs get their driver and their interface late.

import { attachDriver } from './driver-binding.ts';
import type { SimHost } from './host.ts';
import { commitWithNew } from './links.ts';
import type { SimArrival, SimNetdev } from './state.ts';
import { giveNetdev } from './vf-making.ts';

/** Lets arrivals happen; a VF that went, or got another driver meanwhile, is left alone. */
export function arrive(host: SimHost, arrivals: readonly SimArrival[]): void {
  commitWithNew(
    host,
    arrivals.flatMap((arrival) => netdevsOf(host, arrival)),
  );
}

function netdevsOf(host: SimHost, arrival: SimArrival): SimNetdev[] {
  const found = host.pf(arrival.pf);
  const vf = found?.pf.vfs[arrival.vf];
  const vfDriver = found?.profile.card.vfDriver;
  if (found === undefined || vf === undefined || vfDriver === undefined) return [];
  const { profile, pf } = found;
  if (arrival.what === 'driver') {
    const isFree = vf.driver === undefined && vf.driverOverride === undefined && pf.driversAutoprobe;
    return isFree
      ? attachDriver(host, { role: 'vf', address: vf.address ?? '', profile, pf, vf }, vfDriver)
      : [];
  }
  if (vf.driver !== vfDriver || vf.netdev !== undefined) return [];
  return [giveNetdev(host.state, profile, vf)];
}
