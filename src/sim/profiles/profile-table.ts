// Owns the table of profiles by name. A new card is a new file here and a row below (docs/simulated-host.md).

import { VfleetError } from '../../base/errors.ts';
import type { SimProfile } from '../profile.ts';
import { bareProfile } from './bare.ts';
import { bigProfile } from './big.ts';
import { bnxtProfile } from './bnxt.ts';
import { cx5X8Profile } from './cx5-x8.ts';
import { e810NparProfile } from './e810-npar.ts';
import { fwLimitProfile } from './fw-limit.ts';
import { i40eProfile } from './i40e.ts';
import { iceProfile } from './ice.ts';
import { igbProfile } from './igb.ts';
import { ixgbeProfile } from './ixgbe.ts';
import { mixedNumaProfile } from './mixed-numa.ts';
import { mlx5Profile } from './mlx5.ts';
import { netdevsimProfile } from './netdevsim.ts';
import { noBarSpaceProfile } from './no-bar-space.ts';
import { x1LinkProfile } from './x1-link.ts';

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
  'cx5-x8': cx5X8Profile,
  'e810-npar': e810NparProfile,
  'no-bar-space': noBarSpaceProfile,
  'fw-limit': fwLimitProfile,
  'mixed-numa': mixedNumaProfile,
  'x1-link': x1LinkProfile,
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
