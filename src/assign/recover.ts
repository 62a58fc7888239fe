// Owns what becomes of leases that nobody works on: those whose owner has the VF are put right, the others given back.
// There is no record of how far anybody came; it is told from what the owner has now.

import { VfleetError, messageOf } from '../base/errors.ts';
import { zeroMacAddress } from '../base/identifiers.ts';
import { removeAbandoned } from '../lease/abandoned.ts';
import { isPairMarked, markPair } from '../lease/pair-mark.ts';
import { readProbeRecord } from '../lease/probe-record.ts';
import { endQuarantine, listQuarantines, readQuarantine } from '../lease/quarantine.ts';
import { lockVf } from '../lease/vf-lock.ts';
import type { RecoverRequest, Release, ReleaseList } from '../model/attachment.ts';
import type { Lease, VfKey } from '../model/lease.ts';
import type { VfSettings } from '../model/vf.ts';
import type { AssigningHost } from './assigning-host.ts';
import { missingSettings } from './lease-settings.ts';
import { restoreProbeSwitch } from './probe-switch.ts';
import { isOwnerGone, readQemuOwnerFacts } from './qemu-owner.ts';
import { openGlance } from './recovery-glance.ts';
import type { Glance } from './recovery-glance.ts';
import type { SeenVm } from './release.ts';
import { isAnswer, otherHypervisor, readVmOf, releaseOf, releaseOrphan, releaseVf } from './release.ts';
import { shareHost } from './sharing.ts';
import { Turns } from './turns.ts';
import { listVfUsers, nameOfVf, readPresentVf, setVfTo, withLeaseLock } from './vf-work.ts';
import { hasVf, isOwning, isWholePair } from './vm-nic.ts';

/** A reset takes a tenth of a second, a driver up to some seconds: many VMs that crashed at once need not queue. */
const atOnce = 4;

/**
 * Looks at every lease. One whose owner has the VF stands, with its settings put right, and is not among the answers. Any
 * other is given back. `kept` are those of which that is not known or not possible: somebody works on the VF, the
 * hypervisor does not answer, a process has the VF open. A VF whose lease cannot be understood is left as it is; one in
 * quarantine whose lease somebody removed is cleaned, or stays there. Throws
 * `lock.held`, `apply.interrupted`, and what the lease store throws. The answers are in the order of the leases.
 */
export async function recoverLeases(
  host: AssigningHost,
  { waitMs = 0 }: RecoverRequest = {},
): Promise<ReleaseList> {
  const { stateFolder, signal } = host;
  const hostLock = await shareHost(host, 'recover', waitMs);
  try {
    const { leases, corrupt } = await host.leases.list();
    const glance = openGlance(host);
    const turns = new Turns(atOnce);
    const works = leases.map(async (lease) =>
      turns.take(async () => {
        if (signal?.aborted === true) throw new VfleetError('apply.interrupted', 'asked to stop');
        return recoverLease(host, glance, lease);
      }),
    );
    // Nobody gives the lock back while others still work.
    await Promise.allSettled(works);
    const releases: (Release | undefined)[] = await Promise.all(works);
    const owned = new Set([...leases, ...corrupt].map(({ key }) => nameOfVf(key)));
    for (const { key } of listQuarantines(stateFolder))
      if (!owned.has(nameOfVf(key))) releases.push(await recoverOrphan(host, key));
    await recoverProbeSwitch(host);
    removeAbandoned(stateFolder);
    return { releases: releases.filter((release) => release !== undefined), corrupt: [...corrupt] };
  } finally {
    hostLock.release();
  }
}

/** One lease alone, as {@link recoverLeases} does it. Undefined: it stands as it should, or is no more. */
export async function recoverOne(
  host: AssigningHost,
  glance: Glance,
  lease: Lease,
  waitMs: number,
): Promise<Release | undefined> {
  const hostLock = await shareHost(host, 'recover', waitMs);
  try {
    const release = await recoverLease(host, glance, lease);
    await recoverProbeSwitch(host);
    return release;
  } finally {
    hostLock.release();
  }
}

/** What somebody left on a PF who was killed while a VF of it got its driver. */
async function recoverProbeSwitch(host: AssigningHost): Promise<void> {
  if (readProbeRecord(host.stateFolder) === undefined) return;
  try {
    await withLeaseLock(host, 'probe', 'recover', async () => restoreProbeSwitch(host));
  } catch (error) {
    if (!(error instanceof VfleetError)) throw error;
    host.report(`a PF is left with sriov_drivers_autoprobe on: ${error.message}`);
  }
}

/** Undefined: the lease stands as it should, or is no more. */
async function recoverLease(host: AssigningHost, glance: Glance, known: Lease): Promise<Release | undefined> {
  const lock = lockVf(host.stateFolder, known.key, 'recover');
  if (!('release' in lock)) return releaseOf(known, 'kept', `${lock.heldBy} works on it`);
  try {
    const lease = await host.leases.read(known.key);
    if (lease === undefined) return undefined;
    const found = await findOwning(host, glance, lease);
    if (typeof found === 'string') return releaseOf(lease, 'kept', found);
    if (!found.isOwning)
      return await releaseVf(host, lease, { seen: found.seen, standby: 'stays once the pair was whole' });
    const kept = await putRight(host, glance, lease, found.isAbsent === true);
    return kept ?? (await notePair(host, lease));
  } finally {
    lock.release();
  }
}

/** A quarantine stands under a lease, which only somebody who removed that by hand can have ended. */
async function recoverOrphan(host: AssigningHost, key: VfKey): Promise<Release | undefined> {
  const lock = lockVf(host.stateFolder, key, 'recover');
  if (!('release' in lock)) return undefined;
  try {
    if ((await host.leases.read(key)) !== undefined) return undefined;
    const quarantined = readQuarantine(host.stateFolder, key);
    return quarantined === undefined ? undefined : await releaseOrphan(host, quarantined);
  } finally {
    lock.release();
  }
}

interface Owning {
  readonly isOwning: boolean;
  /** Only its stored definition names the VF: whoever has it open is not the owner. */
  readonly isAbsent?: boolean;
  readonly seen?: SeenVm;
}

/** Whether the owner has the VF; a text says why that is not known. */
async function findOwning(host: AssigningHost, glance: Glance, lease: Lease): Promise<Owning | string> {
  const { owner } = lease;
  if (owner.kind === 'qemu')
    return { isOwning: !isOwnerGone(owner, await readQemuOwnerFacts(host.session, lease)) };
  if (host.hypervisor === undefined) return 'no hypervisor can be asked about its VM';
  const seen = await glance.vm(owner.uuid);
  if (seen !== undefined && isOwning(seen, lease))
    return { isOwning: true, isAbsent: !hasVf(seen, lease).live };
  try {
    // Only what is seen now, under the lock, may end a lease.
    const vm = await readVmOf(host, lease);
    if (vm === undefined || !isOwning(vm, lease))
      return otherHypervisor(host, lease) ?? { isOwning: false, seen: { vm } };
    return { isOwning: true, isAbsent: !hasVf(vm, lease).live };
  } catch (error) {
    if (isAnswer(error)) return error.message;
    throw error;
  }
}

/** The owner's settings are verified, and set again where they are not as leased. Nobody else is given them. */
async function putRight(
  host: AssigningHost,
  glance: Glance,
  lease: Lease,
  isAbsent: boolean,
): Promise<Release | undefined> {
  try {
    const seen = await glance.settings(lease.key);
    if (seen === undefined || missingSettings(seen, lastingSettings(lease, seen)) !== undefined) {
      const present = await readPresentVf(host, lease.key);
      const isOpenable = isAbsent && present.address !== undefined;
      const [user] = isOpenable ? await listVfUsers(host, present.address) : [];
      if (user !== undefined)
        return releaseOf(lease, 'kept', `its VM does not run with it: in use by ${user}`);
      await setVfTo(host, lease.key, lastingSettings(lease, present.settings), present);
    }
    // Its owner has it: whether it can be cleaned is asked again when he gives it back.
    endQuarantine(host.stateFolder, lease.key);
    return undefined;
  } catch (error) {
    return releaseOf(lease, 'kept', `its settings cannot be put right: ${messageOf(error)}`);
  }
}

/**
 * An attach that died after it had plugged in both has not said so, nor has an earlier vfleet. Only what is seen now may
 * say it: a detach that died has taken the mark away before anything else.
 */
async function notePair(host: AssigningHost, lease: Lease): Promise<Release | undefined> {
  if (lease.standby === undefined || isPairMarked(host.stateFolder, lease)) return undefined;
  try {
    const vm = await readVmOf(host, lease);
    if (vm !== undefined && isWholePair(vm, lease)) markPair(host.stateFolder, lease);
    return undefined;
  } catch (error) {
    return releaseOf(lease, 'kept', `whether it has its standby is not known: ${messageOf(error)}`);
  }
}

/**
 * What holds while the VM runs. The guest of a trusted VF may give it another address, and some PFs show that one: it is
 * left alone, unless it is the one that free VFs have.
 */
function lastingSettings({ settings, giveBack }: Lease, present: VfSettings): VfSettings {
  const isFreeMac = present.mac === zeroMacAddress || present.mac === giveBack.settings.mac;
  if (settings.trust !== true || isFreeMac) return settings;
  const { mac: _, ...others } = settings;
  return others;
}
