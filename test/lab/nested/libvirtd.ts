// Owns libvirt's daemons inside the lab: their configuration, start and end. As in a container: no systemd, no cgroups.

import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, succeeds, until } from '../lab-host.ts';
import { accountFiles, withAccount } from './libvirt-account.ts';

/** QEMU runs as root in a machine that is ours alone. */
export const qemuConfiguration = `user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = [ ]
cgroup_controllers = [ ]
`;

const pidFiles = ['/run/libvirtd.pid', '/run/virtlogd.pid'];
const startTimeoutMs = 120_000;

/** Starts virtlogd and libvirtd unless they run; `capabilities` is a folder of what libvirt knows about QEMU. */
export async function startLibvirtd(capabilities: string): Promise<void> {
  if (await succeeds('virsh', ['-c', 'qemu:///system', 'uri'])) return;
  for (const file of accountFiles) {
    const path = join('/etc', file);
    writeFileSync(path, withAccount(file, readFileSync(path, 'utf8')));
  }
  for (const folder of ['/etc/libvirt', '/var/log/libvirt/qemu', '/var/lib/libvirt'])
    mkdirSync(folder, { recursive: true });
  writeFileSync('/etc/libvirt/libvirtd.conf', 'unix_sock_group = "root"\n');
  writeFileSync('/etc/libvirt/qemu.conf', qemuConfiguration);
  const cache = '/var/cache/libvirt/qemu/capabilities';
  mkdirSync(cache, { recursive: true });
  for (const name of readdirSync(capabilities)) copyFileSync(join(capabilities, name), join(cache, name));
  await run('virtlogd', ['-d']);
  await run('libvirtd', ['-d']);
  await until(
    'libvirtd answers',
    async () => succeeds('virsh', ['-c', 'qemu:///system', 'uri']),
    startTimeoutMs,
  );
}

/** Ends both daemons; VMs go on. */
export async function stopLibvirtd(): Promise<void> {
  for (const file of pidFiles) {
    if (!existsSync(file)) continue;
    const pid = Number(readFileSync(file, 'utf8'));
    process.kill(pid, 'SIGTERM');
    await until(`process ${pid} has ended`, () => !existsSync(`/proc/${pid}`));
  }
}
