// Owns what single hosts of a sizing are called: in the report, and as names of folders.
// Names come from files and from other machines; as a folder they are harmless and unlike each other.

import type { HostModel } from '../sizing/host-model.ts';

/** The name of a host: that of its snapshot, or with its number where there are several. */
export function hostName(hosts: readonly HostModel[], hostClass: number, host: number): string {
  const model = hosts[hostClass];
  if (model === undefined) return `${hostClass}-${host}`;
  const isOne = model.source === 'snapshot' && model.count === 1;
  return isOne && !isNumbered(hosts, model.name) ? model.name : `${model.name}-${host}`;
}

/** Whether a name reads like that of a numbered host of another class. */
function isNumbered(hosts: readonly HostModel[], name: string): boolean {
  const stem = /^(.*)-[0-9]+$/s.exec(name)?.[1];
  return stem !== undefined && hosts.some((host) => host.name === stem);
}

/** Longest name of a file on every usual file system, with room for a number behind it. */
const maxFolderNameLength = 200;

/** Gives each host a folder name that nothing else in the same run has. */
export function createFolderNames(): (name: string) => string {
  const taken = new Set<string>();
  return (name) => {
    const safe = name.replace(/[^A-Za-z0-9_.-]/g, '_').replace(/^[.-]/, '_');
    const stem = (safe === '' ? '_' : safe).slice(0, maxFolderNameLength);
    let unique = stem;
    for (let number = 2; taken.has(unique.toLowerCase()); number += 1) unique = `${stem}_${number}`;
    taken.add(unique.toLowerCase());
    return unique;
  };
}
