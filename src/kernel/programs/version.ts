// Owns the versions of the programs that run virtual machines, and whether lldpd answers.
// How a program is run is the kernel port's business (../tool.ts).

import type { Errno, Kernel, ToolName } from '../kernel.ts';
import { isErrno } from '../kernel.ts';
import { textOf } from '../file-text.ts';

/** QEMU's version, `10.0.2`. `ENOENT` when it is not installed, `EIO` when its answer is not understood; `kernel.timeout`. */
export async function readQemuVersion(kernel: Kernel, timeoutMs: number): Promise<string | Errno> {
  return readVersion(
    kernel,
    ['qemu-system-x86_64', 'qemu-kvm'],
    /^QEMU emulator version ([0-9]+(?:\.[0-9]+)+)/,
    timeoutMs,
  );
}

/** Version of libvirt's daemon, `11.3.0`; errors as {@link readQemuVersion}. */
export async function readLibvirtVersion(kernel: Kernel, timeoutMs: number): Promise<string | Errno> {
  return readVersion(kernel, ['libvirtd', 'virtqemud'], /^\S* ?\(libvirt\) ([0-9]+(?:\.[0-9]+)+)/, timeoutMs);
}

/** The version that the first of the programs prints that is installed. */
async function readVersion(
  kernel: Kernel,
  programs: readonly ToolName[],
  pattern: RegExp,
  timeoutMs: number,
): Promise<string | Errno> {
  for (const program of programs) {
    const output = await kernel.runTool(program, ['--version'], timeoutMs);
    if (isErrno(output)) {
      if (output.errno === 'ENOENT') continue;
      return output;
    }
    return pattern.exec(textOf(output))?.[1] ?? { errno: 'EIO' };
  }
  return { errno: 'ENOENT' };
}

/**
 * Undefined when lldpd answers (lldpcli(8)); `ENOENT` when lldpcli is not installed, `EIO` when no daemon runs or it
 * does not let us in; `kernel.timeout`.
 */
export async function probeLldp(kernel: Kernel, timeoutMs: number): Promise<Errno | undefined> {
  const output = await kernel.runTool('lldpcli', ['-f', 'json0', 'show', 'chassis'], timeoutMs);
  return isErrno(output) ? output : undefined;
}
