// Owns the VMs of the lab before they are in it: each is booted once on this machine, saved by libvirt as it runs, and
// then continued in the lab. Booting them there, in nested software emulation, takes minutes; here it takes seconds.

import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { CpioMode, writeCpio } from '../../../src/lab/cpio.ts';
import type { LabImage } from '../../../src/lab/image.ts';
import { parseModulesDep } from '../../../src/lab/initramfs.ts';
import { runProgram } from '../../../src/lab/program.ts';
import { channelPathIn, labVms, renderDomain } from './domain.ts';
import { openGuestChannel } from './guest-channel.ts';
import { guestInit, guestModules } from './guest-init.ts';
import { accountFiles, withAccounts } from '../../libvirt/accounts.ts';
import { qemuConfiguration } from './libvirtd.ts';

const keyFile = 'key';
/** What libvirt found out about QEMU, which takes it a quarter of a minute in the lab. */
export const capabilitiesFolder = 'capabilities';
const virshTimeoutMs = 120_000;

export function savedVmFile(folder: string, name: string): string {
  return join(folder, `${name}.save`);
}

/** Makes the saved VMs in a folder unless they are there from the same kernel, QEMU, libvirt and guest. */
export async function prepareVms(
  folder: string,
  image: LabImage,
  report: (line: string) => void,
): Promise<void> {
  const key = await keyOf(folder, image);
  const known = await readFile(join(folder, keyFile), 'utf8').catch(() => '');
  if (known === key) return;
  report('booting and saving the VMs of the lab tests (half a minute)');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await copyFile(image.kernelFile, kernelFileIn(folder));
  await writeFile(initramfsFileIn(folder), await buildInitramfs(image));
  // libvirt's sockets are below its root, and the path of a socket is short.
  const root = await mkdtemp(join(tmpdir(), 'vf-vms-'));
  try {
    await mkdir(join(root, 'etc'));
    await writeFile(join(root, 'etc/qemu.conf'), `${qemuConfiguration}stdio_handler = "file"\n`);
    await saveVms(root, folder);
    await mkdir(join(folder, capabilitiesFolder));
    const found = join(root, 'cache/qemu/capabilities');
    for (const name of await readdir(found)) {
      await copyFile(join(found, name), join(folder, capabilitiesFolder, name));
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  await writeFile(join(folder, keyFile), key);
}

function kernelFileIn(folder: string): string {
  return join(folder, 'vmlinuz');
}

function initramfsFileIn(folder: string): string {
  return join(folder, 'guest.cpio');
}

function domainIn(folder: string, vm: (typeof labVms)[number]): string {
  return renderDomain({ ...vm, kernelFile: kernelFileIn(folder), initramfsFile: initramfsFileIn(folder) });
}

async function keyOf(folder: string, image: LabImage): Promise<string> {
  const versions = await Promise.all([
    runProgram('qemu-system-x86_64', ['--version']),
    runProgram('virsh', ['--version']),
  ]);
  const parts = [
    guestInit,
    ...labVms.map((vm) => domainIn(folder, vm)),
    image.version,
    ...versions.map(String),
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

async function buildInitramfs(image: LabImage): Promise<Buffer> {
  const tree = join(image.modulesFolder, image.release);
  const paths = [...parseModulesDep(await readFile(join(tree, 'modules.dep'), 'utf8')).keys()];
  const folders = ['bin', 'dev', 'modules', 'proc', 'sys'];
  return writeCpio([
    ...folders.map((path) => ({ path, mode: CpioMode.folder })),
    { path: 'bin/busybox', mode: CpioMode.program, content: await readFile(image.busyboxFile) },
    { path: 'init', mode: CpioMode.program, content: Buffer.from(guestInit) },
    ...(await Promise.all(
      guestModules.map(async (name) => {
        const file = join(tree, paths.find((path) => path.includes(`/${name}.ko`)) ?? `${name}.ko`);
        const content = file.endsWith('.xz') ? await runProgram('xz', ['-dc', file]) : await readFile(file);
        return { path: `modules/${name}.ko`, mode: CpioMode.file, content };
      }),
    )),
  ]);
}

/** Boots and saves all VMs under a libvirt of our own, which is inside virsh and knows nothing of the machine's. */
async function saveVms(root: string, folder: string): Promise<void> {
  const virsh = startVirsh(`qemu:///embed?root=${root}`, await accountsPrefix(root));
  try {
    for (const vm of labVms) {
      const file = join(root, `${vm.name}.xml`);
      await writeFile(file, domainIn(folder, vm));
      await virsh.run(`create ${file}`);
    }
    // They boot side by side.
    for (const { name } of labVms) {
      const path = channelPathIn(await virsh.run(`dumpxml ${name}`));
      if (path === undefined) throw new Error(`libvirt gave ${name} no channel: ${virsh.said()}`);
      const channel = await openGuestChannel(path);
      const { text } = await channel.ask('ls /sys/bus/pci/drivers');
      channel.close();
      if (!text.includes('igbvf')) throw new Error(`${name} came up without igbvf: ${text}`);
      await virsh.run(`save ${name} ${savedVmFile(folder, name)}`);
    }
  } finally {
    for (const { name } of labVms) await virsh.run(`destroy ${name}`).catch(() => undefined);
    await virsh.end();
  }
}

/** Before a program: it sees the accounts that a libvirt of root looks up. */
async function accountsPrefix(root: string): Promise<readonly string[]> {
  if (process.getuid?.() !== 0) return [];
  const copies = accountFiles.map((file) => join(root, basename(file)));
  for (const [index, file] of accountFiles.entries())
    await writeFile(copies[index] ?? '', withAccounts(file));
  const mounts = accountFiles.map((file, index) => `mount --bind "$${index + 1}" ${file}`);
  const script = [...mounts, `shift ${copies.length}`, 'exec "$@"'].join(' && ');
  return ['unshare', '--mount', 'sh', '-c', script, 'sh', ...copies];
}

interface Virsh {
  /** Runs a command; what it printed. */
  run(command: string): Promise<string>;
  said(): string;
  end(): Promise<void>;
}

function startVirsh(uri: string, prefix: readonly string[]): Virsh {
  const [program, ...args] = [...prefix, 'virsh', '-q', '-c', uri];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  let notify = (): void => undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    notify();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.on('error', (error) => (errors += error.message));
  child.stdin.on('error', () => undefined);
  void closed.then(() => notify());
  let orders = 0;
  return {
    run: async (command) => {
      const mark = `=done ${++orders}`;
      const start = output.length;
      child.stdin.write(`${command}\necho ${mark}\n`);
      const end = Date.now() + virshTimeoutMs;
      // virsh repeats its input, too; its answer begins a line and ends without one.
      const answer = new RegExp(`^${mark}(?!\\d)`, 'm');
      while (!answer.test(output.slice(start))) {
        if (child.exitCode !== null || Date.now() > end) throw new Error(`virsh ${command}: ${errors}`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, 1000);
          notify = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      return output.slice(start);
    },
    said: () => output + errors,
    end: async () => {
      child.stdin.end('quit\n');
      await closed;
    },
  };
}
