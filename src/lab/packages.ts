// Owns which programs the lab needs of the machine, the Debian packages that bring them, and installing those.
// Must not change anything unless installLabPackages is called, which first says what it will do.

import { existsSync } from 'node:fs';
import { access, constants, readFile, readdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { VfleetError } from '../base/errors.ts';
import { offersSuite, parseDeb822Sources, parseOneLineSources, renderBackportsSource } from './apt-source.ts';
import type { AptSource } from './apt-source.ts';
import type { Report } from './cache.ts';
import { runProgram, toolPath } from './program.ts';

interface LabProgram {
  readonly program: string;
  /** Debian package, the same name on Debian 12 and 13 and on Ubuntu. */
  readonly package: string;
}

const qemuProgram = 'qemu-system-x86_64';
const qemuPackage = 'qemu-system-x86';

/**
 * Host programs. seabios and ipxe-qemu come with QEMU as its dependencies; libelf, which the kernel's objtool needs, as
 * a dependency of QEMU's libbpf. Kernel, headers, source and busybox are unpacked into the cache instead of installed.
 */
const labPrograms: readonly LabProgram[] = [
  { program: qemuProgram, package: qemuPackage },
  { program: 'modprobe', package: 'kmod' },
  { program: 'depmod', package: 'kmod' },
  { program: 'xz', package: 'xz-utils' },
  { program: 'flock', package: 'util-linux' },
  // netdevsim is built from source.
  { program: 'gcc', package: 'gcc' },
  { program: 'make', package: 'make' },
  // What works in the guest is what is installed here: its root is this machine's.
  { program: 'ip', package: 'iproute2' },
  { program: 'lspci', package: 'pciutils' },
  { program: 'ping', package: 'iputils-ping' },
  // VMs of the lab: on Debian 12 the second package comes with the first. Neither starts anything on this machine.
  { program: 'libvirtd', package: 'libvirt-daemon' },
  { program: 'virt-qemu-run', package: 'libvirt-daemon-driver-qemu' },
  { program: 'virsh', package: 'libvirt-clients' },
  // libvirt's generator of code, for its modular daemon, which the tests build.
  { program: 'python3', package: 'python3' },
  { program: 'lldpd', package: 'lldpd' },
  { program: 'ibv_devinfo', package: 'ibverbs-utils' },
];

/** Files that are no programs: ibv_devinfo knows the RDMA devices of software (rdma_rxe) by this one. */
const labFiles: readonly { readonly file: string; readonly package: string }[] = [
  { file: '/etc/libibverbs.d/rxe.driver', package: 'ibverbs-providers' },
];

/** QEMU has the igb device since 8.0; bookworm's own QEMU is 7.2. */
const firstQemuWithIgb = 8;

/** Backports are not chosen by themselves: these must come from there together, on Debian 12. */
const backportedPackages: readonly string[] = [qemuPackage, 'seabios', 'ipxe-qemu'];

const backportsFile = '/etc/apt/sources.list.d/vfleet-backports.sources';

/** Names of the Debian packages that the lab lacks here, empty when it can run; a QEMU without igb counts as missing. */
export async function missingLabPackages(env: NodeJS.ProcessEnv): Promise<string[]> {
  const folders = toolPath(env['PATH']).split(delimiter);
  const missing = new Set<string>();
  for (const { program, package: name } of labPrograms) {
    const file = await findProgram(program, folders);
    if (file === undefined || (program === qemuProgram && !(await hasIgb(file)))) missing.add(name);
  }
  for (const { file, package: name } of labFiles) if (!existsSync(file)) missing.add(name);
  return [...missing];
}

async function findProgram(program: string, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const file = join(folder, program);
    try {
      await access(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

async function hasIgb(qemu: string): Promise<boolean> {
  const version = parseQemuVersion((await runProgram(qemu, ['--version'])).toString());
  return version !== undefined && version >= firstQemuWithIgb;
}

/** Major version from the first line of `qemu-system-x86_64 --version`; undefined for anything else. */
export function parseQemuVersion(text: string): number | undefined {
  const match = /^QEMU emulator version (\d+)\./.exec(text);
  return match === null ? undefined : Number(match[1]);
}

export interface DebianRelease {
  /** Whether it is Debian or made from it: has apt. */
  readonly usesApt: boolean;
  /** `bookworm`, `trixie`, …; undefined where os-release names none. */
  readonly codename: string | undefined;
}

/** Reads the text of /etc/os-release (os-release(5)). */
export function parseOsRelease(text: string): DebianRelease {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^([A-Z_]+)=(["']?)(.*)\2$/.exec(line.trim());
    if (match !== null) fields.set(match[1] ?? '', match[3] ?? '');
  }
  const families = `${fields.get('ID') ?? ''} ${fields.get('ID_LIKE') ?? ''}`.split(' ');
  return { usesApt: families.includes('debian'), codename: fields.get('VERSION_CODENAME') };
}

export interface InstallPlan {
  /** A file with a package source to write first; undefined when none is needed. */
  readonly source: { readonly file: string; readonly text: string } | undefined;
  /** Programs to run as root, in order. */
  readonly commands: readonly (readonly string[])[];
}

/** What has to be done as root to install packages on a release with these apt sources. */
export function planInstall(
  missing: readonly string[],
  release: DebianRelease,
  sources: readonly AptSource[],
): InstallPlan {
  const install = ['apt-get', 'install', '--yes', '--no-install-recommends'];
  const commands: string[][] = [['apt-get', 'update']];
  const useBackports = release.codename === 'bookworm' && missing.includes(qemuPackage);
  const plain = useBackports ? missing.filter((name) => !backportedPackages.includes(name)) : missing;
  if (useBackports) commands.push([...install, '-t', 'bookworm-backports', ...backportedPackages]);
  if (plain.length > 0) commands.push([...install, ...plain]);
  if (!useBackports || sources.some((source) => offersSuite(source, 'bookworm-backports'))) {
    return { source: undefined, commands };
  }
  const text = renderBackportsSource(sources, 'bookworm');
  if (text === undefined) {
    throw new VfleetError('host.unsupported', 'apt has no source of Debian 12 to derive its backports from', {
      hint: `Write ${backportsFile} by hand, with the suite bookworm-backports.`,
    });
  }
  return { source: { file: backportsFile, text }, commands };
}

/** The plan as lines that a user with sudo can paste into a shell. */
export function renderInstallPlan(plan: InstallPlan): string {
  const lines = plan.commands.map((command) => `sudo ${command.join(' ')}`);
  if (plan.source === undefined) return lines.join(' && ');
  return `sudo tee ${plan.source.file} <<'END'\n${plan.source.text}END\n${lines.join(' && ')}`;
}

/** The exact command that installs packages here, for a user who is not root. `host.unsupported` without apt. */
export async function installCommand(missing: readonly string[]): Promise<string> {
  return renderInstallPlan(await planInstallHere(missing));
}

async function planInstallHere(missing: readonly string[]): Promise<InstallPlan> {
  const release = parseOsRelease(await readTextOrEmpty('/etc/os-release'));
  if (!release.usesApt) {
    const names = missing.join(', ');
    throw new VfleetError('host.unsupported', `the lab runs on Debian 12 and 13; it lacks here: ${names}`);
  }
  return planInstall(missing, release, await readAptSources());
}

/** The machine's own sources, in both formats. */
export async function readAptSources(): Promise<AptSource[]> {
  const sources = parseOneLineSources(await readTextOrEmpty('/etc/apt/sources.list'));
  const folder = '/etc/apt/sources.list.d';
  for (const name of await readdir(folder).catch(() => [])) {
    // apt itself ignores other endings.
    if (name.endsWith('.sources'))
      sources.push(...parseDeb822Sources(await readTextOrEmpty(join(folder, name))));
    if (name.endsWith('.list'))
      sources.push(...parseOneLineSources(await readTextOrEmpty(join(folder, name))));
  }
  return sources;
}

async function readTextOrEmpty(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch(() => '');
}

/** The `lab.package-missing` error for these packages, with the command that installs them. */
export async function missingPackagesError(missing: readonly string[]): Promise<VfleetError> {
  return new VfleetError('lab.package-missing', `the lab needs ${missing.join(', ')}`, {
    hint: `Run:\n${await installCommand(missing)}`,
  });
}

/**
 * Installs what the lab lacks, as root on Debian or a system made from it; says through `report` first what it will
 * write and run. Gives the names of the packages that were missing.
 * Errors: `lab.package-missing` when not root, `host.unsupported` without apt, `lab.failed` when apt fails.
 */
export async function installLabPackages(options: {
  readonly env: NodeJS.ProcessEnv;
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}): Promise<string[]> {
  const missing = await missingLabPackages(options.env);
  if (missing.length === 0) return missing;
  if (process.getuid?.() !== 0) throw await missingPackagesError(missing);
  const plan = await planInstallHere(missing);
  options.report(`installing Debian packages the lab needs: ${missing.join(', ')}`);
  if (plan.source !== undefined) {
    options.report(`writing ${plan.source.file}: this machine's own Debian source, suite bookworm-backports`);
    await writeFile(plan.source.file, plan.source.text);
  }
  const env = { ...options.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const [program = '', ...args] of plan.commands) {
    options.report(`running ${program} ${args.join(' ')}`);
    // Another apt may run, at a machine's first start for example.
    await runProgram(program, ['-o', 'DPkg::Lock::Timeout=300', '-q', ...args], {
      env,
      signal: options.signal,
    });
  }
  const still = await missingLabPackages(options.env);
  if (still.length > 0) throw new VfleetError('lab.failed', `apt-get did not install ${still.join(', ')}`);
  return missing;
}
