// Owns what the programs of a simulated host answer when they are asked.

import type { Errno, ToolName } from '../kernel/kernel.ts';
import { bounded } from './bounded.ts';
import type { SimHost } from './host.ts';
import { platformOf } from './platform.ts';
import { rdmaPortText } from './rdma.ts';

/** `runTool` of the kernel port on a simulated host. Throws `kernel.timeout`. */
export async function answerTool(
  host: SimHost,
  program: ToolName,
  args: readonly string[],
  timeoutMs: number,
): Promise<Uint8Array | Errno> {
  host.enter();
  const work = async (): Promise<Uint8Array | Errno> => {
    const effects = await host.passFaults(['tool'], { attribute: program });
    if (effects.errno !== undefined) return { errno: effects.errno };
    const output = outputOf(host, program, args);
    return output === undefined ? { errno: 'ENOENT' } : new Uint8Array(Buffer.from(output));
  };
  return bounded(host.clock, timeoutMs, work(), {
    message: `${program} has not answered after ${timeoutMs / 1000} s`,
    operation: `run ${program}`,
  });
}

/** What a program prints; undefined when it is not installed. */
function outputOf(host: SimHost, program: ToolName, args: readonly string[]): string | undefined {
  const { qemu, libvirt, lldpcli } = platformOf(host.profile).programs;
  switch (program) {
    case 'qemu-system-x86_64':
      return qemu === undefined || args[0] !== '--version'
        ? undefined
        : `QEMU emulator version ${qemu} (Debian 1:${qemu}+ds-0+deb13u1)\nCopyright (c) 2003-2025 Fabrice Bellard and the QEMU Project developers\n`;
    case 'libvirtd':
      return libvirt === undefined || args[0] !== '--version'
        ? undefined
        : `/usr/sbin/libvirtd (libvirt) ${libvirt}\n`;
    case 'lldpcli':
      return lldpcli;
    case 'ibv_devinfo':
      return rdmaPortText(host, args);
    case 'qemu-kvm':
    case 'virtqemud':
      return undefined;
  }
}
