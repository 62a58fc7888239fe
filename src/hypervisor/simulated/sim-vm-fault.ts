// Owns what shall go wrong in a simulated hypervisor, and which call a fault meets, in the manner of src/sim/fault.ts.

import { z } from 'zod';
import type { SimVms } from './sim-vms.ts';

/** `change` is every call that changes a VM: attach, detach, pin. */
export const SimVmFault = z.strictObject({
  operation: z.enum(['list', 'read', 'attach', 'detach', 'pin', 'change']),
  /** Name of the VM; absent: any. */
  vm: z.string().optional(),
  /** So many calls work first. */
  after: z.int().min(0).optional(),
  /** So many calls fail, then it works; absent: all. A kill happens once unless this says otherwise. */
  times: z.int().min(1).optional(),
  /** The hypervisor refuses, in these words. */
  refusal: z.string().optional(),
  /** The hypervisor is not there. */
  unreachable: z.literal(true).optional(),
  /** The guest does not let go (detach), or the call does not come back in time (others): nothing changes. */
  hang: z.literal(true).optional(),
  /** The change is made, and the answer does not arrive. */
  lost: z.literal(true).optional(),
  /** Our process is killed right before or after the change. */
  kill: z.enum(['before', 'after']).optional(),
});
export type SimVmFault = z.infer<typeof SimVmFault>;

/** What happens to a call; all absent: it goes its usual way. */
export type SimVmEffects = Pick<SimVmFault, 'refusal' | 'unreachable' | 'hang' | 'lost' | 'kill'>;

/** The effects on a call that counts as each of the operations; raises the counts of the faults that it meets. */
export function meetFaults(
  faults: readonly SimVmFault[],
  counts: SimVms['faultCounts'],
  operations: readonly SimVmFault['operation'][],
  vm: string | undefined,
): SimVmEffects {
  let effects: SimVmEffects = {};
  faults.forEach((fault, index) => {
    if (!operations.includes(fault.operation) || (fault.vm !== undefined && fault.vm !== vm)) return;
    const key = `${index} ${JSON.stringify(fault)}`;
    const seen = (counts[key] ?? 0) + 1;
    counts[key] = seen;
    const first = fault.after ?? 0;
    const times = fault.times ?? (fault.kill === undefined ? Infinity : 1);
    if (seen <= first || seen > first + times) return;
    const { refusal, unreachable, hang, lost, kill } = fault;
    effects = {
      ...effects,
      ...(refusal === undefined ? {} : { refusal }),
      ...(unreachable === undefined ? {} : { unreachable }),
      ...(hang === undefined ? {} : { hang }),
      ...(lost === undefined ? {} : { lost }),
      ...(kill === undefined ? {} : { kill }),
    };
  });
  return effects;
}
