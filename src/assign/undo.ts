// Owns what happens when an attach fails after the lease was made: the VF is given back, and the error says which it is.

import { VfleetError, messageOf } from '../base/errors.ts';
import type { Lease } from '../model/lease.ts';
import type { AssigningHost } from './assigning-host.ts';
import { releaseVf } from './release.ts';
import { nameOfVf } from './vf-work.ts';
import { quoted } from './wording.ts';

/** Gives the VF back. Answers the error to throw: `attach.undone`, or `attach.inconsistent`. Needs the VF's lock. */
export async function undoAttach(host: AssigningHost, lease: Lease, cause: unknown): Promise<VfleetError> {
  const subject = `${nameOfVf(lease.key)} could not be given to ${quoted(lease.owner.name)}`;
  const why = messageOf(cause);
  const details = cause instanceof VfleetError ? cause.details : {};
  const hint = cause instanceof VfleetError ? cause.hint : undefined;
  let problem: string;
  try {
    // What the VM had before, it has afterwards.
    const standby = lease.standby?.alias === undefined ? 'taken' : 'stays once the pair was whole';
    const { result, why: left = result } = await releaseVf(host, lease, { standby });
    if (result === 'free') {
      return new VfleetError('attach.undone', `${subject}, and is free again: ${why}`, {
        hint,
        details,
        cause,
      });
    }
    problem = result === 'quarantined' ? `it is in quarantine: ${left}` : `it is still leased: ${left}`;
  } catch (error) {
    problem = messageOf(error);
  }
  return new VfleetError('attach.inconsistent', `${subject}, and not be put back either: ${why}`, {
    hint: 'mend the cause, then run `vfleet recover`',
    details: { ...details, pf: lease.key.pf, vf: lease.key.vf, problems: [problem] },
    cause,
  });
}

/** Throws `apply.interrupted` when somebody asked for an end. */
export function checkInterrupted(host: AssigningHost): void {
  if (host.signal?.aborted === true) throw new VfleetError('apply.interrupted', 'asked to stop');
}
