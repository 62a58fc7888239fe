// Owns the rule when a VF that was leased to a plain QEMU has lost its owner, and the reading of what the rule needs.
// Gives nothing back itself; recovery, the agent and `vfleet hold` do.

import type { PciAddress } from '../base/identifiers.ts';
import { parsePciAddress } from '../base/identifiers.ts';
import { readAttachment, surveyHolders } from '../inventory/holders.ts';
import { isSameProcess, readProcessInstance } from '../kernel/proc/process-identity.ts';
import type { KernelSession } from '../kernel/session.ts';
import type { Lease, LeaseOwner, ProcessIdentity } from '../model/lease.ts';
import type { VfHolder } from '../model/vf.ts';

export type QemuOwner = Extract<LeaseOwner, { kind: 'qemu' }>;

/** What is known of a lease's owner at one moment. */
export interface QemuOwnerFacts {
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** The process that now has the number of the owner's process; undefined when none has. */
  readonly process: ProcessIdentity | undefined;
  /** A process, whichever, has the VF open through vfio, or that cannot be told. */
  readonly isOpen: boolean;
}

/**
 * Whether the VF of a lease to a plain QEMU is to be given back. Never while some process has the VF open: its owner's
 * process may have started the QEMU that has it and gone. Otherwise when the named process has ended (another one with its
 * number is not it), or when the time in which the VF had to be opened is over: nobody came, or who came has closed it. An
 * owner that names neither ends by `vfleet detach` alone.
 */
export function isOwnerGone(owner: QemuOwner, facts: QemuOwnerFacts): boolean {
  if (facts.isOpen) return false;
  if (owner.process !== undefined && !isSameProcess(owner.process, facts.process)) return true;
  const startByMs = Date.parse(owner.startBy ?? '');
  return !Number.isNaN(startByMs) && facts.nowMs > startByMs;
}

/** Reads the facts that {@link isOwnerGone} judges, now. */
export async function readQemuOwnerFacts(
  session: KernelSession,
  lease: Pick<Lease, 'address' | 'owner'>,
): Promise<QemuOwnerFacts> {
  const { owner } = lease;
  const pid = owner.kind === 'qemu' ? owner.process?.pid : undefined;
  // The process first: one that opens the VF between the two readings is seen by the second.
  const process = pid === undefined ? undefined : readProcessInstance(session.files, pid);
  const { users, isWhole } = await readVfioUsersOf(session, lease);
  return { nowMs: session.kernel.clock.nowMs(), process, isOpen: users.length > 0 || !isWhole };
}

export interface VfioUse {
  /** VMs by the name on their command line, other processes by their own. */
  readonly users: readonly VfHolder[];
  /** False when the open files of some process may not be seen: it may be another user. */
  readonly isWhole: boolean;
}

/** Processes that have the VF of a lease open through vfio. */
export async function readVfioUsersOf(
  session: KernelSession,
  lease: Pick<Lease, 'address'>,
): Promise<VfioUse> {
  const address = lease.address === undefined ? undefined : parsePciAddress(lease.address);
  return address === undefined ? { users: [], isWhole: true } : readVfioUsers(session, address);
}

/** Processes that have a VF open through vfio. */
export async function readVfioUsers(session: KernelSession, address: PciAddress): Promise<VfioUse> {
  const attachment = readAttachment(session, address);
  if (attachment.driver?.includes('vfio') !== true) return { users: [], isWhole: true };
  const { holders, unread } = await surveyHolders(session, [attachment]);
  const users = (holders.get(address) ?? []).filter(({ kind }) => kind === 'vm' || kind === 'vfio');
  return { users, isWhole: unread.length === 0 };
}
