// Owns the plan: the exact steps from a snapshot to a target, with before and after, and what they disrupt.
// A plan leaves no choice to its execution.

import { z } from 'zod';
import { EswitchMode } from './pf.ts';
import { VfHolder, VfSettings } from './vf.ts';

/** One line of the plan for people: an attribute of a PF or VF that changes. Absent values were or will be unknown. */
export const Change = z.strictObject({
  pf: z.string(),
  /** VF index; absent for the PF itself. */
  vf: z.int().optional(),
  /** Name as in the spec: `count`, `mtu`, `up`, `eswitch`, `driver`, `mac`, `vlan` … */
  attribute: z.string(),
  before: z.union([z.string(), z.number(), z.boolean()]).optional(),
  after: z.union([z.string(), z.number(), z.boolean()]),
});
export type Change = z.infer<typeof Change>;

/** A VF in use that the plan would cut off, or one with a lease that it would break, and by what. */
export const Disruption = z.strictObject({
  pf: z.string(),
  vf: z.int(),
  /** PCI address of the VF; absent when it is not on the PCI bus. */
  address: z.string().optional(),
  holders: z.array(VfHolder),
  /** Name of the VM that has a lease which the plan would break. Nothing allows that; the VF has to be given back first. */
  leasedTo: z.string().optional(),
  /** For example `the VF is removed: count 4 to 2 passes 0`. */
  why: z.string(),
});
export type Disruption = z.infer<typeof Disruption>;

/**
 * A VF's settings as they change. `after` holds what is sent: the fields that differ, and those that travel with them
 * (vlan, qos and vlanProtocol; both rates). `before` lacks what the kernel does not report, and everything of a VF that
 * the plan makes anew.
 */
export const VfSettingsChange = z.strictObject({
  index: z.int(),
  before: VfSettings,
  after: VfSettings,
});
export type VfSettingsChange = z.infer<typeof VfSettingsChange>;

/**
 * One step. Each is verified by reading the same thing back, and undone by planning from what is there to the record of
 * what was.
 * - `eswitch-mode`: DEVLINK_CMD_ESWITCH_SET.
 * - `drivers-autoprobe`: sysfs sriov_drivers_autoprobe; whether new VFs get their usual driver by themselves.
 * - `num-vfs`: sysfs sriov_numvfs. `before` N to `after` M with N, M > 0 is never one step: 0 lies between.
 *   Done when `after` VFs are listed by virtfnN.
 * - `pf-link`: MTU and up of the PF's interface, one RTM_SETLINK.
 * - `vf-settings`: all changed settings of the PF's VFs, one RTM_SETLINK where the driver takes it.
 * - `vf-driver`: unbind, then bind by driver_override and drivers_probe. `after` is a driver's name, `kernel` (whatever
 *   the kernel probes) or `none`. `reload` means that the driver stays and starts anew, to see its new address.
 */
export const Step = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('eswitch-mode'),
    pf: z.string(),
    before: EswitchMode.optional(),
    after: EswitchMode,
  }),
  z.strictObject({
    kind: z.literal('drivers-autoprobe'),
    pf: z.string(),
    before: z.boolean(),
    after: z.boolean(),
  }),
  z.strictObject({ kind: z.literal('num-vfs'), pf: z.string(), before: z.int(), after: z.int() }),
  z.strictObject({
    kind: z.literal('pf-link'),
    pf: z.string(),
    before: z.strictObject({ mtu: z.int().optional(), up: z.boolean().optional() }),
    after: z.strictObject({ mtu: z.int().optional(), up: z.boolean().optional() }),
  }),
  z.strictObject({ kind: z.literal('vf-settings'), pf: z.string(), vfs: z.array(VfSettingsChange) }),
  z.strictObject({
    kind: z.literal('vf-driver'),
    pf: z.string(),
    vfs: z.array(
      z.strictObject({
        index: z.int(),
        before: z.string().optional(),
        after: z.string(),
        reload: z.boolean().optional(),
      }),
    ),
  }),
]);
export type Step = z.infer<typeof Step>;

export const Plan = z.strictObject({
  apiVersion: z.literal('vfleet/v1'),
  kind: z.literal('Plan'),
  changes: z.array(Change),
  steps: z.array(Step),
  disruptions: z.array(Disruption),
  /** What is not planned, or will happen besides, and why; one sentence each. */
  notes: z.array(z.string()),
});
export type Plan = z.infer<typeof Plan>;
