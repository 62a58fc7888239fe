// Owns a libvirtd of its own for tests: in private mount, network and process namespaces, so that it neither sees nor
// touches the libvirt of this machine, and everything it starts ends with it. Needs root, util-linux and libvirtd.

import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { LibvirtClient } from '../../src/hypervisor/libvirt/libvirt-client.ts';
import type { DomainRef } from '../../src/hypervisor/libvirt/remote-protocol.ts';
import { procedures } from '../../src/hypervisor/libvirt/remote-protocol.ts';
import { accountFiles, withAccounts } from './accounts.ts';
import type { AccountFile } from './accounts.ts';

const run = promisify(execFile);

/** Where libvirt keeps things, each on a folder of the test's. */
const privateFolders = {
  run: '/run/libvirt',
  etc: '/etc/libvirt',
  lib: '/var/lib/libvirt',
  log: '/var/log/libvirt',
  cache: '/var/cache/libvirt',
} as const;

/** An unpacked libvirt of another version (`dpkg -x`), taken instead of the installed one. */
const otherRoot = process.env['VFLEET_TEST_LIBVIRT_ROOT'];
export const libraryFolder = '/usr/lib/x86_64-linux-gnu';

const startTimeoutMs = 100_000;
const namespaceTimeoutMs = 60_000;
export const bridge = 'vfbr0';

/** Whether this machine has what the tests need. */
export const libvirtdIsThere =
  process.getuid?.() === 0 &&
  ['/usr/sbin/libvirtd', '/usr/sbin/virtlogd', '/usr/bin/virsh', '/usr/bin/qemu-system-x86_64'].every(
    (path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    },
  );

export interface LibvirtdOptions {
  /** Lines of libvirtd.conf; absent: everybody who reaches the socket is let in. */
  readonly settings?: readonly string[];
  /** Lines of the lists of accounts, in the place of the machine's own. */
  readonly accounts?: Readonly<Partial<Record<AccountFile, readonly string[]>>>;
  /** Called once the namespaces are there, before the daemons are. */
  readonly before?: (libvirtd: Libvirtd) => Promise<void>;
}

export class Libvirtd {
  readonly folder: string;
  readonly socketPath: string;
  readonly #holder: ChildProcess;
  readonly #holderPid: number;
  /** Of the daemons that are started from now on. */
  readonly env: Record<string, string> = {};

  constructor(folder: string, holder: ChildProcess, holderPid: number) {
    this.folder = folder;
    this.socketPath = join(folder, 'run', 'libvirt-sock');
    this.#holder = holder;
    this.#holderPid = holderPid;
  }

  /** Runs a program where the daemon is and answers what it prints. */
  async inside(...command: readonly string[]): Promise<string> {
    const { stdout } = await run('nsenter', this.#nsenterArgs(command), { maxBuffer: 16_777_216 });
    return stdout;
  }

  #nsenterArgs(command: readonly string[]): string[] {
    return ['--target', String(this.#holderPid), '--mount', '--net', '--pid', ...command];
  }

  /** The independent tool. */
  async virsh(...args: readonly string[]): Promise<string> {
    const uri = `qemu+unix:///system?socket=${this.socketPath}`;
    const { stdout } = await run('virsh', ['--quiet', '--connect', uri, ...args], { maxBuffer: 16_777_216 });
    return stdout;
  }

  /** Starts the daemon and waits until it answers. */
  async start(): Promise<void> {
    const daemon = [
      'libvirtd',
      '--config',
      '/etc/libvirt/libvirtd.conf',
      '--pid-file',
      '/run/libvirt/libvirtd.pid',
    ];
    this.#spawnInside(daemon);
    const client = new LibvirtClient({ socketPath: this.socketPath });
    try {
      const untilMs = performance.now() + startTimeoutMs;
      for (;;) {
        try {
          await client.call(procedures.connectGetLibVersion, undefined);
          return;
        } catch (thrown) {
          if (performance.now() > untilMs) throw thrown;
          await sleep(50);
        }
      }
    } finally {
      client.close();
    }
  }

  startLog(): void {
    this.#spawnInside(['virtlogd', '--pid-file', '/run/libvirt/virtlogd.pid']);
  }

  #spawnInside(daemon: readonly string[]): void {
    const libraries = otherRoot === undefined ? {} : { LD_LIBRARY_PATH: join(otherRoot, libraryFolder) };
    this.spawn(daemon, { ...this.env, ...libraries });
  }

  /** Starts a program where the daemon is; it ends with the namespace. */
  spawn(command: readonly string[], env: Readonly<Record<string, string>> = {}): void {
    spawn('nsenter', this.#nsenterArgs(command), {
      stdio: 'ignore',
      env: { ...process.env, ...env },
    }).unref();
  }

  /** Ends the daemon without a goodbye, and waits until it has gone; VMs go on. */
  async kill(): Promise<void> {
    const pid = (await readFile(join(this.folder, 'run', 'libvirtd.pid'), 'utf8')).trim();
    // As long as it is there, it has the lock of its PID file, and the next one does not start.
    const end = 'kill -KILL "$1"; while kill -0 "$1" 2>/dev/null; do sleep 0.02; done';
    await this.inside('sh', '-c', end, 'sh', pid);
  }

  /** Ends everything and takes its folder away. */
  async stop(): Promise<void> {
    const client = new LibvirtClient({ socketPath: this.socketPath });
    try {
      const { domains } = await client.call(procedures.connectListAllDomains, { needResults: 1, flags: 1 });
      await Promise.all(domains.map((dom) => client.call(procedures.domainDestroy, { dom })));
    } catch {
      // A daemon that is gone has VMs no more in a moment: they end with their namespace.
    } finally {
      client.close();
    }
    const exited = new Promise((resolve) => this.#holder.once('exit', resolve));
    // Of the namespace's first process, whose end the kernel lets be seen only after that of all others in it
    // (zap_pid_ns_processes): nobody writes to the folder any more.
    if (this.#holder.exitCode === null && this.#holder.signalCode === null) {
      process.kill(this.#holderPid, 'SIGKILL');
      await exited;
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Starts virtlogd and libvirtd with nothing defined, and a bridge {@link bridge}. */
export async function startLibvirtd(options: LibvirtdOptions = {}): Promise<Libvirtd> {
  const { accounts = {}, settings = ['auth_unix_rw = "none"'] } = options;
  const folder = await mkdtemp(join(tmpdir(), 'vfleet-libvirtd-'));
  // The first process of a process namespace has to take leave of orphans (QEMU is one): a shell does.
  const holder = spawn(
    'unshare',
    [
      '--mount',
      '--net',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      'sh',
      '-c',
      'while :; do sleep 1000; done',
    ],
    { stdio: 'ignore' },
  );
  const libvirtd = new Libvirtd(folder, holder, await firstChildOf(holder.pid ?? 0));
  try {
    for (const [name, target] of Object.entries(privateFolders)) {
      await mkdir(join(folder, name));
      await mkdir(target, { recursive: true });
      await libvirtd.inside('mount', '--bind', join(folder, name), target);
    }
    for (const file of accountFiles) {
      const copy = join(folder, basename(file));
      await writeFile(copy, withAccounts(file, accounts[file]), { mode: 0o644 });
      await libvirtd.inside('mount', '--bind', copy, file);
    }
    if (otherRoot !== undefined) await useOther(libvirtd, otherRoot);
    await writeFile(
      join(folder, 'etc', 'qemu.conf'),
      [
        'user = "root"',
        'group = "root"',
        'security_driver = "none"',
        'remember_owner = 0',
        'namespaces = []',
      ].join('\n'),
    );
    await writeFile(
      join(folder, 'etc', 'libvirtd.conf'),
      [...settings, 'log_outputs = "3:file:/var/log/libvirt/libvirtd.log"'].join('\n'),
    );
    await libvirtd.inside('ip', 'link', 'set', 'lo', 'up');
    await libvirtd.inside('ip', 'link', 'add', bridge, 'type', 'bridge');
    await libvirtd.inside('ip', 'link', 'set', bridge, 'up');
    await options.before?.(libvirtd);
    libvirtd.startLog();
    await libvirtd.start();
    return libvirtd;
  } catch (thrown) {
    await libvirtd.stop();
    throw thrown;
  }
}

async function useOther(libvirtd: Libvirtd, root: string): Promise<void> {
  for (const path of [
    '/usr/sbin/libvirtd',
    '/usr/sbin/virtlogd',
    `${libraryFolder}/libvirt`,
    '/usr/share/libvirt',
  ]) {
    await libvirtd.inside('mount', '--bind', join(root, path), path);
  }
}

async function firstChildOf(pid: number): Promise<number> {
  const endMs = performance.now() + namespaceTimeoutMs;
  while (performance.now() < endMs) {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    const [child] = children.trim().split(' ');
    if (child !== undefined && child !== '') {
      // The child is there before it has become the shell in its own namespaces.
      const name = await readFile(`/proc/${child}/comm`, 'utf8').catch(() => '');
      if (['sh', 'dash', 'bash'].includes(name.trim())) return Number(child);
    }
    await sleep(20);
  }
  throw new Error('unshare has started nothing');
}

/** A small VM without a disk: `ports` PCI Express slots, and further devices and settings as XML. */
export function domainXml(
  name: string,
  options: { ports?: number; machine?: string; devices?: string; settings?: string } = {},
): string {
  const { ports = 4, machine = 'q35', devices = '', settings = '' } = options;
  const port = "<controller type='pci' model='pcie-root-port'/>";
  const controllers =
    machine === 'q35' ? `<controller type='pci' model='pcie-root'/>${port.repeat(ports)}` : '';
  const usb = devices.includes("type='usb'") ? '' : "<controller type='usb' model='none'/>";
  return `<domain type='qemu'><name>${escapeXml(name)}</name><memory unit='MiB'>32</memory><vcpu>2</vcpu>${settings}
    <os><type arch='x86_64' machine='${machine}'>hvm</type></os><features><acpi/></features>
    <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>${controllers}${usb}
    <memballoon model='none'/>${devices}</devices></domain>`;
}

function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}

/** Stores a definition. */
export async function define(client: LibvirtClient, xml: string): Promise<DomainRef> {
  return (await client.call(procedures.domainDefineXmlFlags, { xml, flags: 0 })).dom;
}

/** Starts a VM; it runs no instruction until it is resumed. */
export async function startPaused(client: LibvirtClient, dom: DomainRef): Promise<DomainRef> {
  return (await client.call(procedures.domainCreateWithFlags, { dom, flags: 1 })).dom;
}

/** Ends the VM and its definition, whatever there is of it. */
export async function remove(client: LibvirtClient, dom: DomainRef): Promise<void> {
  await client.call(procedures.domainDestroy, { dom }).catch(() => undefined);
  await client.call(procedures.domainUndefineFlags, { dom, flags: 0 }).catch(() => undefined);
}
