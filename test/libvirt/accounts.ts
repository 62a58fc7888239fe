// Owns the accounts that libvirt's and polkit's daemons look up at their start, whoever they then run as. They come with
// packages that also start daemons, which a machine with these tests need not have: it is shown lists with them added.

import { readFileSync } from 'node:fs';

export const accountFiles = ['/etc/passwd', '/etc/group'] as const;
type AccountFile = (typeof accountFiles)[number];

const accounts: Readonly<Record<AccountFile, readonly string[]>> = {
  '/etc/passwd': ['libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin'],
  '/etc/group': ['libvirt-qemu:x:64055:'],
};

/** The text of a list of accounts of this machine, with those that it lacks. */
export function withAccounts(file: AccountFile, more: readonly string[] = []): string {
  const own = readFileSync(file, 'utf8').trimEnd();
  const names = new Set(own.split('\n').map(nameIn));
  const missing = [...accounts[file], ...more].filter((line) => !names.has(nameIn(line)));
  return [own, ...missing, ''].join('\n');
}

function nameIn(line: string): string {
  return line.split(':')[0] ?? '';
}
