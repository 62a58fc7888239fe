// Owns the target: what the PFs of one host shall be, with every choice made (addresses, VF indexes, MACs).
// A spec becomes a target (src/spec); so does the record of what was, for undo and revert.

import { z } from 'zod';
import { EswitchMode } from './pf.ts';
import { VfSettings } from './vf.ts';

/** Driver names with a meaning of their own: the VF's usual driver, and no driver at all. */
export const usualDriver = 'kernel';
export const noDriver = 'none';

/** What one VF shall be; absent fields are left alone. `driver` is a driver's name, `kernel` or `none`. */
export const VfTarget = z.strictObject({
  index: z.int().min(0),
  driver: z.string().optional(),
  settings: VfSettings,
});
export type VfTarget = z.infer<typeof VfTarget>;

/** What one PF shall be; absent fields are left alone, and so are VFs that `vfs` does not list. */
export const PfTarget = z.strictObject({
  address: z.string(),
  mtu: z.int().optional(),
  up: z.boolean().optional(),
  eswitchMode: EswitchMode.optional(),
  driversAutoprobe: z.boolean().optional(),
  numVfs: z.int().min(0).optional(),
  /** By index, no index twice, every index under the number of VFs that there will be. */
  vfs: z.array(VfTarget),
});
export type PfTarget = z.infer<typeof PfTarget>;

export const Target = z.strictObject({ pfs: z.array(PfTarget) });
export type Target = z.infer<typeof Target>;
