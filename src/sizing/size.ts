// Owns the way from a workload file and its snapshots to the answer.
// Reads no file: the caller hands in what it read.

import type { Snapshot } from '../model/snapshot.ts';
import { type Problem, problemError, type Report } from '../spec/problem.ts';
import { modelClass } from './class-host.ts';
import { loadSolver } from './highs-solver.ts';
import type { HostModel } from './host-model.ts';
import { packWorkload } from './pack.ts';
import type { ParsedWorkload } from './parsed-workload.ts';
import type { SizingResult } from './result.ts';
import { modelSnapshot } from './snapshot-host.ts';
import { completePolicy } from '../model/workload.ts';

/**
 * Sizes a workload. `snapshots` has one for each `file` of `hosts.snapshots`, by that text.
 * Throws `spec.invalid` for cards and ports that are not there, `snapshot.invalid` for a snapshot that says too little.
 */
export async function sizeWorkload(
  parsed: ParsedWorkload,
  snapshots: ReadonlyMap<string, Snapshot>,
  options: { readonly withMarginal: boolean },
): Promise<SizingResult> {
  const hosts = modelHosts(parsed, snapshots);
  const { vms, policy } = parsed.workload;
  const solver = await loadSolver();
  return packWorkload(solver, { vms, hosts, policy: completePolicy(policy), ...options });
}

/** The hosts of a workload, snapshots first, every one with a name of its own. Throws as {@link sizeWorkload} does. */
export function modelHosts(
  parsed: ParsedWorkload,
  snapshots: ReadonlyMap<string, Snapshot>,
): readonly HostModel[] {
  const { workload, fileName, locate } = parsed;
  const policy = completePolicy(workload.policy);
  const problems: Problem[] = [];
  const report: Report = (path, text, position) => problems.push({ path, text, position });
  const hosts: HostModel[] = [];
  for (const [index, entry] of (workload.hosts.snapshots ?? []).entries()) {
    const path = ['hosts', 'snapshots', index];
    const snapshot = snapshots.get(entry.file);
    if (snapshot === undefined) throw new RangeError(`no snapshot was handed in for ${entry.file}`);
    hosts.push(modelSnapshot(snapshot, entry, policy, path, report));
  }
  for (const [index, hostClass] of (workload.hosts.classes ?? []).entries()) {
    const model = modelClass(hostClass, policy, ['hosts', 'classes', index], report);
    if (model !== undefined) hosts.push(model);
  }
  if (problems.length > 0) throw problemError('spec.invalid', fileName, problems, locate);
  return withOwnNames(hosts);
}

/** Snapshots of hosts of one name get a number behind it. */
function withOwnNames(hosts: readonly HostModel[]): readonly HostModel[] {
  const taken = new Set<string>();
  return hosts.map((host) => {
    let { name } = host;
    for (let number = 2; taken.has(name); number += 1) name = `${host.name}-${number}`;
    taken.add(name);
    return { ...host, name };
  });
}
