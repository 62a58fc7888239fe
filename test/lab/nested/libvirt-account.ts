// Owns the account that Debian's libvirt wants to find. It comes with a package that also starts a libvirtd, which neither
// the lab nor this machine shall have. Text only.

const accounts = {
  passwd: 'libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin',
  group: 'libvirt-qemu:x:64055:',
} as const;

/** The files of /etc that name it. */
export const accountFiles = Object.keys(accounts) as readonly (keyof typeof accounts)[];

/** The text of such a file with the account in it. */
export function withAccount(file: keyof typeof accounts, text: string): string {
  const line = accounts[file];
  const [name = ''] = line.split(':');
  return text.split('\n').some((each) => each.startsWith(`${name}:`)) ? text : `${text.trimEnd()}\n${line}\n`;
}
