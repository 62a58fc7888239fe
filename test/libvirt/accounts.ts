// Owns the accounts that libvirt's and polkit's daemons look up at their start, whoever they then run as. They come with
// packages that also start daemons, which a machine with these tests need not have: it is shown lists with them added.

import { readFileSync } from 'node:fs';

export const accountFiles = ['/etc/passwd', '/etc/group'] as const;
export type AccountFile = (typeof accountFiles)[number];

const accounts: Readonly<Record<AccountFile, readonly string[]>> = {
  '/etc/passwd': ['libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin'],
  '/etc/group': ['libvirt-qemu:x:64055:'],
};

/** The text of a list of accounts of this machine, with those that it lacks, and with `more` in the place of its own. */
export function withAccounts(file: AccountFile, more: readonly string[] = []): string {
  const own = readFileSync(file, 'utf8').trimEnd().split('\n');
  const replaced = new Set(more.map(nameIn));
  const kept = own.filter((line) => !replaced.has(nameIn(line)));
  const names = new Set(kept.map(nameIn));
  const missing = accounts[file].filter((line) => !names.has(nameIn(line)));
  return [...kept, ...missing, ...more, ''].join('\n');
}

function nameIn(line: string): string {
  return line.split(':')[0] ?? '';
}
