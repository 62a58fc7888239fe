// Owns the change of a card's eswitch mode on a simulated host: when a driver allows it, and what representors it makes.

import type { SimHost } from './host.ts';
import { commitWithNew, commitWithout } from './links.ts';
import type { SimEswitchRule } from './profile.ts';
import type { SimEswitchMode, SimPf } from './state.ts';
import { giveRepresentor } from './vf-making.ts';

interface Refusal {
  readonly errno: string;
  readonly message: string;
}

/** The drivers' own words (ice_eswitch.c ice_eswitch_mode_set, mlx5's eswitch_offloads.c mlx5_devlink_eswitch_mode_set). */
const rules: Readonly<Record<SimEswitchRule, { allows: (pf: SimPf) => boolean; refusal: Refusal }>> = {
  'any-time': { allows: () => true, refusal: { errno: 'EBUSY', message: '' } },
  'without-vfs': {
    allows: (pf) => pf.vfs.length === 0,
    refusal: {
      errno: 'EOPNOTSUPP',
      message: 'Changing eswitch mode is allowed only if there is no VFs created',
    },
  },
  'vfs-unbound': {
    allows: (pf) => pf.vfs.every(({ driver }) => driver === undefined),
    refusal: { errno: 'EBUSY', message: "Can't change mode, E-Switch is busy" },
  },
};

/** Sets the mode of a PF; undefined for success. */
export function setEswitchMode(host: SimHost, address: string, mode: SimEswitchMode): Refusal | undefined {
  const found = host.pf(address);
  if (found === undefined) return { errno: 'ENODEV', message: '' };
  const { pf, profile } = found;
  const { eswitch, driver } = profile.card;
  if (eswitch === undefined) return { errno: 'EOPNOTSUPP', message: '' };
  if (pf.eswitchMode === mode) return undefined;
  const { allows, refusal } = rules[eswitch];
  if (!allows(pf)) return { ...refusal, message: `${driver}: ${refusal.message}` };
  if (mode === 'switchdev') {
    pf.eswitchMode = mode;
    for (const vf of pf.vfs) giveRepresentor(host.state, profile, vf);
    commitWithNew(host, [pf.netdev, ...pf.vfs.map(({ representor }) => representor)]);
    return undefined;
  }
  const representors = pf.vfs.map(({ representor }) => representor);
  commitWithout(host, representors, () => {
    pf.eswitchMode = mode;
    for (const vf of pf.vfs) vf.representor = undefined;
  });
  return undefined;
}
