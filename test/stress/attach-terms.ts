// Owns what the simulated host of the stress test and the processes on it agree on.

import { join } from 'node:path';
import { defaultTimeouts } from '../../src/apply/timeouts.ts';
import type { Timeouts } from '../../src/apply/timeouts.ts';

/** How much faster than ours the host's time runs. */
export const hostSpeed = 10;

/** The usual ones in our own time: many processes on few processors wait for one another. */
export const longTimeouts: Timeouts = Object.fromEntries(
  Object.entries(defaultTimeouts).map(([name, durationMs]) => [name, Number(durationMs) * hostSpeed]),
) as unknown as Timeouts;

/** Few VFs are those of an 82576; many are those of an E810. */
export function cardOf(vfCount: number): { profile: 'igb' | 'ice'; pf: string; driver: string } {
  return vfCount <= 7
    ? { profile: 'igb', pf: '0000:01:00.0', driver: 'igbvf' }
    : { profile: 'ice', pf: '0000:17:00.0', driver: 'vfio-pci' };
}

/** Where the simulated kernel shows its state. */
export function stateFileIn(folder: string): string {
  return join(folder, 'kernel.json');
}

/** More VMs than VFs, unless those would be very many. */
export function vmCountOf(vfCount: number): number {
  return Math.min(vfCount + 9, 64);
}

/** A name that is not safe in files, shells and XML. */
export function vmNameOf(at: number): string {
  return `vm "><${at}`;
}
