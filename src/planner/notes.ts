// Owns the notes of a plan: what happens besides the changes, and what may not work, one sentence each.
// Judges nothing: a note neither allows nor forbids.

import type { PfPlan, VfPlan } from './pf-plan.ts';

/** The notes of one PF, in a fixed order. */
export function notesOf(plan: PfPlan): readonly string[] {
  return [...remadeNote(plan), ...reloadNote(plan), ...switchdevNote(plan), ...lostLeaseNotes(plan)];
}

function remadeNote({ intent, vfs }: PfPlan): readonly string[] {
  const survivors = vfs.filter((vf) => vf.intent.vf !== undefined);
  if (!intent.remakesVfs || survivors.length === 0) return [];
  return [
    `What the target does not name of ${renderVfs(survivors)} of ${intent.pf.address} is put back once the VFs are made anew.`,
  ];
}

function reloadNote({ intent, vfs }: PfPlan): readonly string[] {
  const reloaded = vfs.filter((vf) => vf.driver?.reload === true);
  if (reloaded.length === 0) return [];
  const verb = reloaded.length === 1 ? 'restarts its driver, which sees' : 'restart their drivers, which see';
  return [`${renderVfs(reloaded)} of ${intent.pf.address} ${verb} a new MAC or VLAN only then.`];
}

function switchdevNote({ intent, vfs }: PfPlan): readonly string[] {
  if (intent.eswitchMode.after !== 'switchdev') return [];
  const affected = vfs.filter(({ settings }) =>
    Object.keys(settings?.after ?? {}).some((name) => name !== 'mac'),
  );
  if (affected.length === 0) return [];
  return [
    `Some drivers refuse what is set here for ${renderVfs(affected)} of ${intent.pf.address} in switchdev mode, where it ` +
      `belongs on the representor (mlx5: VLAN, spoof check and trust).`,
  ];
}

/** A VF that is there and would go is a disruption. */
function lostLeaseNotes({ intent }: PfPlan): readonly string[] {
  const { pf, leases, numVfs } = intent;
  const lost = [...leases.values()].filter(
    ({ key }) => key.vf >= numVfs.after && !pf.vfs.some((vf) => vf.index === key.vf),
  );
  return lost.map(
    ({ key, owner }) =>
      `VF ${key.vf} of ${pf.address} is leased to VM ${owner.name}, and is not among its ${numVfs.after} VFs.`,
  );
}

/** `VF 3`, or `VFs 0-2, 5`. */
function renderVfs(vfs: readonly VfPlan[]): string {
  const indexes = vfs.map((vf) => vf.intent.index);
  const [only] = indexes;
  if (indexes.length === 1 && only !== undefined) return `VF ${only}`;
  return `VFs ${rangesOf(indexes).join(', ')}`;
}

function rangesOf(indexes: readonly number[]): readonly string[] {
  const ranges: { first: number; last: number }[] = [];
  for (const index of indexes) {
    const current = ranges.at(-1);
    if (current !== undefined && current.last === index - 1) current.last = index;
    else ranges.push({ first: index, last: index });
  }
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
}
