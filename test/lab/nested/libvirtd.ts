// Owns libvirt's daemons inside the lab: their configuration, start and end. As in a container: no systemd, no cgroups.

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { accountFiles, withAccounts } from '../../libvirt/accounts.ts';
import { run, succeeds, until } from '../lab-host.ts';

/** QEMU runs as root in a machine that is ours alone. */
export const qemuConfiguration = `user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = [ ]
cgroup_controllers = [ ]
`;

/** The daemons that answer for QEMU's VMs: the one for everything, and the modular one. */
export type LibvirtDaemon = 'libvirtd' | 'virtqemud';
const sockets: Readonly<Record<LibvirtDaemon, string>> = {
  libvirtd: '/run/libvirt/libvirt-sock',
  virtqemud: '/run/libvirt/virtqemud-sock',
};
const pidFiles = ['libvirtd', 'virtqemud', 'virtlogd'].map((name) => `/run/${name}.pid`);
/** Drivers and back ends, which libvirt loads from there whatever their version. */
const driverFolder = '/usr/lib/x86_64-linux-gnu/libvirt';
const startTimeoutMs = 120_000;

/** Puts a libvirt that was unpacked into a folder in the place of this machine's own. */
export async function installLibvirt(root: string): Promise<void> {
  rmSync(driverFolder, { recursive: true, force: true });
  await run('cp', ['--archive', `${root}/.`, '/']);
}

/** Where virsh finds the daemon that runs; it would not ask for another than libvirtd by itself. */
export function libvirtUri(): string {
  const socket = existsSync('/run/virtqemud.pid') ? sockets.virtqemud : sockets.libvirtd;
  return `qemu+unix:///system?socket=${socket}`;
}

/** Starts virtlogd and a daemon unless one runs; `capabilities` is a folder of what libvirt knows about QEMU. */
export async function startLibvirt(daemon: LibvirtDaemon, capabilities: string): Promise<void> {
  if (await succeeds('virsh', ['-c', libvirtUri(), 'uri'])) return;
  for (const file of accountFiles) writeFileSync(file, withAccounts(file));
  // These come with the package that brings the account.
  for (const folder of ['/etc/libvirt', '/var/log/libvirt/qemu', '/var/lib/libvirt'])
    mkdirSync(folder, { recursive: true });
  writeFileSync(`/etc/libvirt/${daemon}.conf`, 'unix_sock_group = "root"\n');
  writeFileSync('/etc/libvirt/qemu.conf', qemuConfiguration);
  const cache = '/var/cache/libvirt/qemu/capabilities';
  mkdirSync(cache, { recursive: true });
  for (const name of readdirSync(capabilities)) copyFileSync(join(capabilities, name), join(cache, name));
  if (!existsSync('/run/virtlogd.pid')) await run('virtlogd', ['-d']);
  await run(daemon, ['-d']);
  await until(
    `${daemon} answers`,
    async () => succeeds('virsh', ['-c', libvirtUri(), 'uri']),
    startTimeoutMs,
  );
}

/** Ends all daemons; VMs go on. */
export async function stopLibvirt(): Promise<void> {
  for (const file of pidFiles) {
    if (!existsSync(file)) continue;
    const pid = Number(readFileSync(file, 'utf8'));
    process.kill(pid, 'SIGTERM');
    await until(`process ${pid} has ended`, () => !existsSync(`/proc/${pid}`));
    rmSync(file, { force: true });
  }
}
