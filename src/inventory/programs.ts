// Owns what the snapshot says of programs: QEMU, libvirt, and whether lldpd answers.

import { VfleetError } from '../base/errors.ts';
import { present } from '../base/present.ts';
import type { Errno, Kernel } from '../kernel/kernel.ts';
import { hasCapability, readCapabilities } from '../kernel/proc/capabilities.ts';
import { probeLldp, readLibvirtVersion, readQemuVersion } from '../kernel/programs/version.ts';
import type { Programs } from '../model/platform.ts';
import type { UnreadFacts } from './unread-facts.ts';

/** A program that prints its version does so in 0.1 s; on a host that swaps it takes seconds. */
const programTimeoutMs = 10_000;

/** Asks the programs, all at once. One that is not installed is absent; one that fails is in `unread`. */
export async function readPrograms(kernel: Kernel, unread: UnreadFacts): Promise<Programs> {
  const [qemu, libvirt, lldp] = await Promise.all([
    answerOf(readQemuVersion(kernel, programTimeoutMs)),
    answerOf(readLibvirtVersion(kernel, programTimeoutMs)),
    answerOf(probeLldp(kernel, programTimeoutMs)),
  ]);
  return present({
    qemu: versionOf('platform.programs.qemu', 'the version of QEMU', qemu, unread),
    libvirt: versionOf('platform.programs.libvirt', 'the version of libvirt', libvirt, unread),
    lldp: isLldpThere(kernel, lldp, unread),
  });
}

/** A program that is late is no reason to have no snapshot. */
async function answerOf<T>(answer: Promise<T>): Promise<T | VfleetError> {
  try {
    return await answer;
  } catch (thrown) {
    if (thrown instanceof VfleetError && thrown.code === 'kernel.timeout') return thrown;
    throw thrown;
  }
}

function versionOf(
  fact: string,
  what: string,
  answer: string | Errno | VfleetError,
  unread: UnreadFacts,
): string | undefined {
  if (typeof answer === 'string') return answer;
  if (answer instanceof VfleetError || answer.errno !== 'ENOENT') unread.add(fact, what, answer);
  return undefined;
}

function isLldpThere(kernel: Kernel, answer: Errno | undefined | VfleetError, unread: UnreadFacts): boolean {
  if (answer === undefined) return true;
  const [fact, what] = ['platform.programs.lldp', 'whether lldpd runs'];
  if (answer instanceof VfleetError) unread.add(fact, what, answer);
  // Its socket is open to root and its own group alone; lldpcli ends in the same way without a daemon.
  else if (answer.errno === 'EIO' && !hasCapability(readCapabilities(kernel.files), 'CAP_DAC_OVERRIDE'))
    unread.add(fact, what, 'needs root');
  else if (answer.errno !== 'EIO' && answer.errno !== 'ENOENT') unread.add(fact, what, answer);
  return false;
}
