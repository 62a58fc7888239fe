// Owns what the lab asks of Debian's archive: which 6.12 kernel, and its packages unpacked into a folder.
// Installs nothing: packages are only downloaded (apt checks their signatures) and unpacked.

import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { VfleetError } from '../base/errors.ts';
import type { Report } from './cache.ts';
import { runProgram } from './program.ts';

/** One kernel of which apt offers image, headers and source in the same version. */
export interface KernelChoice {
  /** Name of the kernel as `uname -r` says it, `6.12.117+deb12-amd64`. */
  readonly release: string;
  /** The release without the flavour, `6.12.117+deb12`. */
  readonly abi: string;
  /** Version of the Debian packages, `6.12.117-1~deb12u1`. */
  readonly version: string;
}

const kernelImagePattern = /^linux-image-((6\.12\.\d+\+[a-z0-9.]+)-amd64)$/;
export const kernelSourcePackage = 'linux-source-6.12';

/** Packages that building a module for a kernel takes, beside its source. */
export function headerPackages(choice: KernelChoice): string[] {
  return [
    `linux-headers-${choice.release}`,
    `linux-headers-${choice.abi}-common`,
    `linux-kbuild-${choice.abi}`,
  ];
}

/** Orders version numbers inside text by value: 6.12.9 before 6.12.117. */
export const byVersion = new Intl.Collator('en', { numeric: true }).compare;

/** Picks the newest kernel from the output of `apt-cache madison`; undefined when no kernel is complete in it. */
export function chooseKernel(madison: string): KernelChoice | undefined {
  const offered = new Set<string>();
  const images: { release: string; abi: string; version: string }[] = [];
  for (const line of madison.split('\n')) {
    const [name = '', version = ''] = line.split('|').map((cell) => cell.trim());
    offered.add(`${name}=${version}`);
    const match = kernelImagePattern.exec(name);
    if (match !== null) images.push({ release: match[1] ?? '', abi: match[2] ?? '', version });
  }
  return images
    .filter((image) =>
      [kernelSourcePackage, ...headerPackages(image)].every((name) =>
        offered.has(`${name}=${image.version}`),
      ),
    )
    .sort((a, b) => byVersion(a.version, b.version))
    .at(-1);
}

/**
 * Asks apt for the newest 6.12 kernel. Refreshes apt's lists first when they name none and we are root.
 * Errors: `host.unsupported` when apt offers none.
 */
export async function findNewestKernel(
  report: Report,
  signal: AbortSignal | undefined,
): Promise<KernelChoice> {
  const known = await askApt(signal);
  if (known !== undefined) return known;
  if (process.getuid?.() === 0) {
    report("apt's lists name no 6.12 kernel: running apt-get update");
    await runProgram('apt-get', ['-q', 'update'], { signal });
    const found = await askApt(signal);
    if (found !== undefined) return found;
  }
  throw new VfleetError('host.unsupported', 'apt offers no Linux 6.12 with headers and source', {
    hint: 'Debian 12 (with its security updates) and 13 have it. Run `apt-get update` as root first.',
  });
}

async function askApt(signal: AbortSignal | undefined): Promise<KernelChoice | undefined> {
  const listed = await runProgram('apt-cache', ['pkgnames', 'linux-image-6.12.'], { signal });
  const names = [kernelSourcePackage];
  for (const name of listed.toString().split('\n')) {
    const match = kernelImagePattern.exec(name);
    if (match !== null)
      names.push(name, ...headerPackages({ release: match[1] ?? '', abi: match[2] ?? '', version: '' }));
  }
  if (names.length === 1) return undefined;
  return chooseKernel((await runProgram('apt-cache', ['madison', ...names], { signal })).toString());
}

/** Downloads packages (`name` or `name=version`) and unpacks all of them into one folder. */
export async function unpackPackages(
  packages: readonly string[],
  folder: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  // The folder is ours alone, so apt's own user cannot write there: download as ourselves, without its warning.
  await runProgram('apt-get', ['-qq', '-o', 'APT::Sandbox::User=root', 'download', ...packages], {
    cwd: folder,
    signal,
  });
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.deb')) continue;
    await runProgram('dpkg-deb', ['--extract', join(folder, name), folder], { signal });
    await rm(join(folder, name));
  }
}
