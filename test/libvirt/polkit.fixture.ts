// Owns a polkitd of its own for tests, with the bus it is asked over, beside a libvirtd in private namespaces. No systemd,
// and nothing of the machine's own bus. polkit was unpacked (scripts/newer-libvirt.mjs); its rules and libvirt's are Debian's.

import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { libraryFolder, startLibvirtd } from './libvirtd.fixture.ts';
import type { Libvirtd } from './libvirtd.fixture.ts';
import { withoutWaiting } from '../stderr.fixture.ts';

export const polkitRoot = process.env['VFLEET_TEST_POLKIT_ROOT'];

/** Who may manage libvirt (its org.libvirt.unix.policy). */
const action = 'org.libvirt.unix.manage';

/** polkitd asks for its user; Debian's rule of libvirt lets in whoever is in the group. */
const accounts = {
  '/etc/passwd': ['polkitd:x:64998:64998::/nonexistent:/usr/sbin/nologin'],
  '/etc/group': ['polkitd:x:64998:', 'libvirt:x:64999:daemon'],
};

/** Users of every Debian. */
export const users = {
  root: { uid: 0, gid: 0 },
  /** In the group libvirt. */
  daemon: { uid: 1, gid: 1 },
  nobody: { uid: 65_534, gid: 65_534 },
} as const;

/** A bus on which everybody may do everything: who may do what with libvirt is polkit's alone to say. */
function busConfiguration(socketPath: string): string {
  return `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=${socketPath}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
`;
}

/** Becomes another user in a Node that root has started: it may lie where that user cannot read. */
const becoming = `const [user, uid, gid, program, ...args] = process.argv.slice(2);
process.initgroups(user, Number(gid));
process.setgid(Number(gid));
process.setuid(Number(uid));
process.argv = [process.argv[0], program, ...args];
import(program);
`;

const startTimeoutMs = 100_000;

/** Starts a libvirtd that asks polkit who may manage it. */
export async function startLibvirtdWithPolkit(root: string): Promise<Libvirtd> {
  return startLibvirtd({
    accounts,
    settings: ['auth_unix_rw = "polkit"', 'unix_sock_rw_perms = "0777"'],
    before: async (libvirtd) => {
      const { folder } = libvirtd;
      // What other users run and reach lies in it.
      await chmod(folder, 0o755);
      for (const name of ['vfleet', 'state']) await mkdir(join(folder, name));
      await chmod(join(folder, 'state'), 0o777);
      await writeFile(join(folder, 'become.cjs'), becoming, { mode: 0o644 });
      await libvirtd.inside('mount', '--bind', process.cwd(), join(folder, 'vfleet'));

      const shared = '/usr/share/polkit-1';
      await mkdir(shared, { recursive: true });
      await libvirtd.inside('mount', '--bind', join(root, shared), shared);
      const busSocket = join(folder, 'bus');
      await writeFile(join(folder, 'bus.conf'), busConfiguration(busSocket));
      libvirtd.env['DBUS_SYSTEM_BUS_ADDRESS'] = `unix:path=${busSocket}`;
      const env = { ...libvirtd.env, LD_LIBRARY_PATH: join(root, libraryFolder) };
      const bus = ['--config-file', join(folder, 'bus.conf'), '--nofork', '--nopidfile'];
      libvirtd.spawn([join(root, 'usr/bin/dbus-daemon'), ...bus], env);
      await until('the bus', () => existsSync(busSocket));
      libvirtd.spawn([join(root, 'usr/lib/polkit-1/polkitd'), '--no-debug'], env);
      // Before it has its name on the bus, libvirtd lets nobody in but root.
      const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
      const ask = ['env', ...variables, join(root, 'usr/bin/pkaction'), '--action-id', action];
      await until('polkitd', async () =>
        libvirtd.inside(...ask).then(
          () => true,
          () => false,
        ),
      );
    },
  });
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = Date.now() + startTimeoutMs;
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error(`${what} is not there after ${startTimeoutMs / 1000} s`);
    await sleep(20);
  }
}

/** Runs the built vfleet as another user, where the daemon is. */
export async function vfleetAs(
  libvirtd: Libvirtd,
  user: keyof typeof users,
  ...args: readonly string[]
): Promise<{ status: number; stdout: string; stderr: string }> {
  const { folder } = libvirtd;
  const { uid, gid } = users[user];
  const program = join(folder, 'vfleet/dist/cli/main.js');
  const become = [process.execPath, join(folder, 'become.cjs'), user, String(uid), String(gid)];
  return libvirtd.inside(...become, program, '--state', join(folder, 'state'), ...args).then(
    (stdout) => ({ status: 0, stdout, stderr: '' }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      status: code,
      stdout,
      stderr: withoutWaiting(stderr),
    }),
  );
}

/** Ends polkitd, waits until it has gone, and leaves the bus. */
export async function endPolkitd(libvirtd: Libvirtd): Promise<void> {
  const script =
    'for process in /proc/[0-9]*; do read -r name <$process/comm; [ "$name" = polkitd ] || continue; ' +
    'kill ${process#/proc/}; while [ -e $process ]; do sleep 0.02; done; done';
  await libvirtd.inside('sh', '-c', script);
}
