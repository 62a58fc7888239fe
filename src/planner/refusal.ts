// Owns the refusal of a plan that would cut off VFs in use, and how users of a VF are named.
// Decides nothing that the plan does not already say.

import { VfleetError } from '../base/errors.ts';
import type { Disruption, Plan } from '../model/plan.ts';
import type { VfHolder } from '../model/vf.ts';

/**
 * The `plan.refused` for a plan that disrupts VFs in use, with one line per VF in `details.problems`; undefined when the
 * plan disrupts nothing or disruption is allowed.
 */
export function refusePlan(plan: Plan, options: { allowDisruption: boolean }): VfleetError | undefined {
  const [first, ...others] = plan.disruptions;
  if (first === undefined || options.allowDisruption) return undefined;
  const more =
    others.length === 0
      ? ''
      : `; so ${others.length === 1 ? 'is 1 more VF' : `are ${others.length} more VFs`}`;
  return new VfleetError('plan.refused', `${renderUse(first)}${more}`, {
    details: {
      pf: first.pf,
      ...(others.length === 0 ? { vf: first.vf } : {}),
      problems: plan.disruptions.map((disruption) => `${renderUse(disruption)}: ${disruption.why}`),
    },
  });
}

/** `VF 2 (0000:01:10.4) of 0000:01:00.0 is used by VM web-1 (pid 4242)`. */
function renderUse({ pf, vf, address, holders }: Disruption): string {
  const subject = `VF ${vf}${address === undefined ? '' : ` (${address})`} of ${pf}`;
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
