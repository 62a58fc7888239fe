// Owns building the netdevsim module, which Debian leaves out, for a Debian kernel: headers and source are unpacked
// into a work folder and only the module comes out of it.

import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { VfleetError } from '../base/errors.ts';
import { headerPackages, kernelSourcePackage, unpackPackages } from './debian.ts';
import type { KernelChoice } from './debian.ts';
import { runProgram } from './program.ts';

const driverFolder = 'drivers/net/netdevsim';

/** Builds netdevsim.ko for a kernel inside `workFolder` and gives its path there. Errors: `lab.failed`. */
export async function buildNetdevsim(
  choice: KernelChoice,
  workFolder: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const unpacked = join(workFolder, 'headers');
  await mkdir(unpacked);
  const packages = [...headerPackages(choice), kernelSourcePackage].map(
    (name) => `${name}=${choice.version}`,
  );
  await unpackPackages(packages, unpacked, signal);

  const sources = join(unpacked, 'usr/src');
  const archive = join(sources, `${kernelSourcePackage}.tar.xz`);
  await runProgram('tar', ['-xJf', archive, '-C', sources, `${kernelSourcePackage}/${driverFolder}`], {
    signal,
  });
  await rm(archive);

  const headers = join(sources, `linux-headers-${choice.release}`);
  await moveHeaders(headers, sources);
  const driver = join(sources, kernelSourcePackage, driverFolder);
  const compiler = await compilerOf(headers);
  await runProgram(
    'make',
    [
      '-C',
      headers,
      `M=${driver}`,
      'CONFIG_NETDEVSIM=m',
      `-j${availableParallelism()}`,
      ...(compiler === undefined ? [] : [`CC=${compiler}`]),
      'modules',
    ],
    { signal },
  );
  const file = join(driver, 'netdevsim.ko');
  await checkMagic(file, choice.release, signal);
  await runProgram('strip', ['--strip-debug', file], { signal });
  return file;
}

/** Makes headers work where they are unpacked: their makefile names the common headers by an absolute path. */
async function moveHeaders(headers: string, sources: string): Promise<void> {
  const makefile = join(headers, 'Makefile');
  const text = await readFile(makefile, 'utf8');
  await writeFile(makefile, text.replaceAll(/^(\s*-?include\s+)\/usr\/src\//gm, `$1${sources}/`));
  // With it the build makes BTF type data, which takes a program (pahole) and is of no use here.
  await rm(join(headers, 'vmlinux'), { force: true });
}

/** The compiler to use instead of the exact one the headers name; undefined when that is installed. */
async function compilerOf(headers: string): Promise<string | undefined> {
  const variables = await readFile(join(headers, '.kernelvariables'), 'utf8').catch(() => '');
  const named = /\$\(CROSS_COMPILE\)(gcc-\d+)/.exec(variables)?.[1];
  if (named === undefined) return undefined;
  return await access(`/usr/bin/x86_64-linux-gnu-${named}`).then(
    () => undefined,
    () => 'gcc',
  );
}

async function checkMagic(file: string, release: string, signal: AbortSignal | undefined): Promise<void> {
  const magic = (await runProgram('modinfo', ['-F', 'vermagic', file], { signal })).toString();
  if (magic.split(' ')[0] === release) return;
  throw new VfleetError('lab.failed', `netdevsim was built for ${magic.trim()}, not for ${release}`);
}
