// Owns what every step of a plan needs while it runs, and the waiting for something to become true.

import { VfleetError } from '../base/errors.ts';
import { parsePfAddress } from '../base/identifiers.ts';
import type { PfAddress } from '../base/identifiers.ts';
import type { KernelSession } from '../kernel/session.ts';
import type { Timeouts } from './timeouts.ts';

export interface Execution {
  readonly session: KernelSession;
  readonly timeouts: Timeouts;
  /** VFs in use may be cut off: the user said so. */
  readonly allowDisruption: boolean;
  /** Says what goes on within a step that takes long, for example `VF 12 of 64`. */
  readonly report: (text: string) => void;
}

/** The address of a step; a plan that was read from a file or a journal holds text. */
export function pfOf(step: { pf: string }): PfAddress {
  const address = parsePfAddress(step.pf);
  if (address === undefined)
    throw new VfleetError('internal.bug', `a step names the PF ${JSON.stringify(step.pf)}`);
  return address;
}

/**
 * Looks until `look` finds something or the time is over; undefined then. The last look begins when the time is over: whoever
 * was stopped meanwhile, or looked for long, does not miss what came in time.
 */
export async function waitFor<T>(
  execution: Execution,
  timeoutMs: number,
  look: () => T | undefined | Promise<T | undefined>,
): Promise<T | undefined> {
  const { clock } = execution.session.kernel;
  const end = clock.nowMs() + timeoutMs;
  for (;;) {
    const isLast = clock.nowMs() >= end;
    const found = await look();
    if (found !== undefined || isLast) return found;
    await clock.sleep(execution.timeouts.pollMs);
  }
}
