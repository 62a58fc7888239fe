// Owns a newer libvirt than the machine's own, and polkit, as Debian packages that are unpacked into folders: nothing is
// installed, and nothing of them is seen by the machine's own daemons.

import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { byVersion, unpackPackages } from '../../../src/lab/debian.ts';
import { runProgram } from '../../../src/lab/program.ts';

/** The first libvirt that Debian 12 has only in its backports, and Debian 13 as its own. */
export const newerMajor = 11;

/**
 * What QEMU's VMs need. The other drivers are packages of their own by now; the one for networks does not even start without
 * a firewall, and no test has a network of libvirt's.
 */
const libvirtPackages = [
  'libvirt0',
  'libvirt-common',
  'libvirt-clients',
  'libvirt-daemon',
  'libvirt-daemon-common',
  'libvirt-daemon-log',
  'libvirt-daemon-driver-qemu',
];
/** Libraries that the older one does without. */
const libraryPackages = ['libbsd0', 'libjson-c5'];

/** polkit's daemon, the bus it is asked over, and what both are linked with. */
const polkitPackages = [
  'polkitd',
  'libpolkit-gobject-1-0',
  'libduktape207',
  'dbus-daemon',
  'libdbus-1-3',
  'libapparmor1',
  'libexpat1',
];

/** Written last: which packages are in the folder. */
const keyFile = 'unpacked-packages';

/** A version that apt offers, and where. */
export interface OfferedLibvirt {
  /** Of the Debian packages, `11.3.0-2~bpo12+1`. */
  readonly version: string;
  /** Of libvirt itself, `11.3.0`. */
  readonly upstream: string;
  readonly suite: string;
}

/** Picks the newest libvirt from the output of `apt-cache madison libvirt-daemon`; undefined when all are too old. */
export function chooseLibvirt(madison: string): OfferedLibvirt | undefined {
  const offered: OfferedLibvirt[] = [];
  for (const line of madison.split('\n')) {
    const [, version = '', origin = ''] = line.split('|').map((cell) => cell.trim());
    const [, suite = ''] = /^\S+ ([^/\s]+)\/\S+ \S+ Packages$/.exec(origin) ?? [];
    const [upstream = ''] = version.split('-');
    if (suite !== '' && majorOf(upstream) >= newerMajor) offered.push({ version, upstream, suite });
  }
  return offered.sort((a, b) => byVersion(a.version, b.version)).at(-1);
}

/** `11` of `11.3.0`. */
export function majorOf(version: string): number {
  return Number(version.split('.')[0]);
}

/** Asks apt for the newest libvirt; its lists are made anew once when they know none and we are root. */
export async function findNewerLibvirt(): Promise<OfferedLibvirt | undefined> {
  const ask = async (): Promise<OfferedLibvirt | undefined> =>
    chooseLibvirt((await runProgram('apt-cache', ['madison', 'libvirt-daemon'])).toString());
  const known = await ask();
  if (known !== undefined || process.getuid?.() !== 0) return known;
  await runProgram('apt-get', ['-q', 'update']);
  return ask();
}

/** Unpacks libvirt into a folder unless it is there. */
export async function unpackLibvirt({ version }: OfferedLibvirt, folder: string): Promise<void> {
  await unpackOnce([...libvirtPackages.map((name) => `${name}=${version}`), ...libraryPackages], folder);
}

/**
 * Unpacks polkit into a folder unless it is there, with libvirt's policy. `policyPackage` is the one of libvirt's that has
 * it.
 */
export async function unpackPolkit(policyPackage: string, folder: string): Promise<void> {
  await unpackOnce([...polkitPackages, policyPackage], folder);
}

async function unpackOnce(packages: readonly string[], folder: string): Promise<void> {
  const key = packages.join('\n');
  const file = join(folder, keyFile);
  if ((await readFile(file, 'utf8').catch(() => '')) === key) return;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await unpackPackages(packages, folder, undefined);
  // Some packages of Debian 12 have their libraries in /lib, which is /usr/lib.
  if (existsSync(join(folder, 'lib'))) {
    await cp(join(folder, 'lib'), join(folder, 'usr/lib'), { recursive: true, verbatimSymlinks: true });
    await rm(join(folder, 'lib'), { recursive: true });
  }
  // What is a folder in one version and a link in the other; nobody reads it.
  await rm(join(folder, 'usr/share/doc'), { recursive: true, force: true });
  await writeFile(file, key);
}
