// Owns the table of profiles by name. A new card is a new file here and a row below (docs/simulated-host.md).

import { VfleetError } from '../../base/errors.ts';
import type { SimProfile } from '../profile.ts';
import { bareProfile } from './bare.ts';
import { bigProfile } from './big.ts';
import { bnxtProfile } from './bnxt.ts';
import { i40eProfile } from './i40e.ts';
import { iceProfile } from './ice.ts';
import { igbProfile } from './igb.ts';
import { ixgbeProfile } from './ixgbe.ts';
import { mlx5Profile } from './mlx5.ts';
import { netdevsimProfile } from './netdevsim.ts';

export const simProfiles = {
  igb: igbProfile,
  ixgbe: ixgbeProfile,
  i40e: i40eProfile,
  ice: iceProfile,
  mlx5: mlx5Profile,
  bnxt: bnxtProfile,
  netdevsim: netdevsimProfile,
  big: bigProfile,
  bare: bareProfile,
} as const satisfies Record<string, SimProfile>;

export type SimProfileName = keyof typeof simProfiles;

export const simProfileNames = Object.keys(simProfiles) as readonly SimProfileName[];

/** The profile of a name. Throws `host.invalid` for one that is not in the table. */
export function simProfileOf(name: string): SimProfile {
  if (Object.hasOwn(simProfiles, name)) return simProfiles[name as SimProfileName];
  throw new VfleetError('host.invalid', `there is no simulated host "${name}"`, {
    hint: `Simulated hosts: ${simProfileNames.join(', ')}`,
  });
}
