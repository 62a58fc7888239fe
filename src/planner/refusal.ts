// Owns the refusal of a plan that would cut off VFs in use, and how users of a VF are named.
// Decides nothing that the plan does not already say.

import { VfleetError } from '../base/errors.ts';
import type { Disruption, Plan } from '../model/plan.ts';
import type { VfHolder } from '../model/vf.ts';

/** Owners that a hint names before it counts the rest. */
const maxNamedOwners = 3;

/**
 * The `plan.refused` for a plan that disrupts VFs in use, with one line per VF in `details.problems`; undefined when the
 * plan disrupts nothing or disruption is allowed. What a lease forbids is refused whatever is allowed: the VF has to be
 * given back first.
 */
export function refusePlan(plan: Plan, options: { allowDisruption: boolean }): VfleetError | undefined {
  const leased = plan.disruptions.filter(({ leasedTo }) => leasedTo !== undefined);
  const used = options.allowDisruption
    ? []
    : plan.disruptions.filter(({ leasedTo }) => leasedTo === undefined);
  const refused = [...leased, ...used];
  const [first, ...others] = refused;
  if (first === undefined) return undefined;
  const more =
    others.length === 0
      ? ''
      : `; so ${others.length === 1 ? 'is 1 more VF' : `are ${others.length} more VFs`}`;
  return new VfleetError('plan.refused', `${renderUse(first)}${more}`, {
    hint: hintOf(leased),
    details: {
      pf: first.pf,
      ...(others.length === 0 ? { vf: first.vf } : {}),
      problems: refused.map((disruption) => `${renderUse(disruption)}: ${disruption.why}`),
    },
  });
}

/** How the VFs become free; undefined without leases: the code's own advice is right then. */
function hintOf(leased: readonly Disruption[]): string | undefined {
  const owners = [...new Set(leased.flatMap(({ leasedTo }) => leasedTo ?? []))];
  if (owners.length === 0) return undefined;
  const commands = owners.slice(0, maxNamedOwners).map((owner) => `vfleet detach ${shellWord(owner)}`);
  const rest = owners.length - commands.length;
  const pronoun = leased.length === 1 ? 'it' : 'them';
  return `give ${pronoun} back first: ${commands.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** A name as it can be pasted into a shell. */
function shellWord(name: string): string {
  return /^[A-Za-z0-9_./:@%+=-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
}

/** `VF 2 (0000:01:10.4) of 0000:01:00.0 is used by VM web-1 (pid 4242)`, or `… is leased to VM web-1`. */
function renderUse({ pf, vf, address, holders, leasedTo }: Disruption): string {
  const subject = `VF ${vf}${address === undefined ? '' : ` (${address})`} of ${pf}`;
  if (leasedTo !== undefined) return `${subject} is leased to VM ${leasedTo}`;
  return `${subject} is used by ${holders.map((holder) => renderHolder(holder)).join(' and ')}`;
}

/** A user of a VF in words: `VM web-1 (pid 4242)`, `network namespace blue`. */
export function renderHolder({ kind, name, pid, why }: VfHolder): string {
  const facts = [...(pid === undefined ? [] : [`pid ${pid}`]), ...(why === undefined ? [] : [why])];
  return `${holderNouns[kind]} ${name}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`;
}

const holderNouns: Readonly<Record<VfHolder['kind'], string>> = {
  netdev: 'interface',
  netns: 'network namespace',
  vfio: 'process',
  vm: 'VM',
};
