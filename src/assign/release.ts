// Owns the end of a lease: unplug, reset, settings, driver, verify, and only then free; or quarantine, or kept with why.
// Needs the VF's lock. Whether a lease is to end is the caller's to say.

import { VfleetError, messageOf } from '../base/errors.ts';
import { waitFor } from '../apply/execution.ts';
import { readDriver } from '../kernel/sysfs/device.ts';
import { clearDriverOverride, unbindDriver } from '../kernel/sysfs/driver-binding.ts';
import { resetFunction } from '../kernel/sysfs/function-reset.ts';
import { endPairMark, isPairMarked } from '../lease/pair-mark.ts';
import { endQuarantine, readQuarantine, writeQuarantine } from '../lease/quarantine.ts';
import type { Release } from '../model/attachment.ts';
import type { Lease, Quarantine } from '../model/lease.ts';
import { noDriver } from '../model/target.ts';
import type { PciAddress } from '../base/identifiers.ts';
import { zeroMacAddress } from '../base/identifiers.ts';
import type { Vm } from '../model/vm.ts';
import { hasVfDriver, isPassThroughDriver } from '../planner/vf-driver.ts';
import type { AssigningHost } from './assigning-host.ts';
import { describeMismatch, giveBackSettings } from './lease-settings.ts';
import type { PresentVf } from './vf-work.ts';
import { bindVf, executionOf, findVf, listVfUsers, nameOfVf, readPresentVf, setVfTo } from './vf-work.ts';
import { hasStandby, hasVf, standbyAliasOf, takeStandbyCommand, vfAliasesOf, wholeScope } from './vm-nic.ts';
import { quoted } from './wording.ts';

/** A VM as it was read a moment ago, under the lock of the VF; `vm` is absent when the hypervisor knows it no more. */
export interface SeenVm {
  readonly vm: Vm | undefined;
}

/** How a VF is given back. */
export interface ReleaseOptions {
  readonly seen?: SeenVm | undefined;
  /**
   * What becomes of the standby of a failover pair. `taken`, if absent: it goes with the VF. Where the owner has lost the VF
   * past vfleet, the standby of a pair that was whole is all the network that the VM has.
   */
  readonly standby?: 'taken' | 'stays once the pair was whole';
}

/**
 * Gives a VF back. Answers `free`; `quarantined` when it could not be cleaned: it stays leased, and nobody gets it; or
 * `kept` when somebody has it still, or nobody can say: nothing of the VF was changed then. Throws `lease.changed` when
 * the VF has no lease of this generation any more, and what the lease store throws.
 */
export async function releaseVf(
  host: AssigningHost,
  lease: Lease,
  { seen, standby = 'taken' }: ReleaseOptions = {},
): Promise<Release> {
  const current = await host.leases.read(lease.key);
  if (current?.generation !== lease.generation) throw changed(lease);
  const isStaying =
    standby !== 'taken' && lease.standby !== undefined && isPairMarked(host.stateFolder, lease);
  const unplugged = await unplug(host, lease, seen, isStaying);
  const obstacle = unplugged.obstacle ?? (await findUser(host, lease, unplugged.isFresh));
  if (obstacle !== undefined) return releaseOf(lease, 'kept', obstacle);
  try {
    await clean(host, lease);
  } catch (error) {
    return quarantine(host, lease, reasonOf(error));
  }
  // What a hypervisor was doing while somebody died may have ended only now.
  const late = (await findLateUse(host, lease)) ?? (await findUser(host, lease, false));
  if (late !== undefined) return releaseOf(lease, 'kept', late);
  endQuarantine(host.stateFolder, lease.key);
  if (!(await host.leases.deleteIfGeneration(lease.key, lease.generation))) throw changed(lease);
  // After the lease: as long as that stands, the mark keeps the standby.
  if (lease.standby !== undefined) endPairMark(host.stateFolder, lease.key);
  return releaseOf(lease, 'free', unplugged.staying);
}

export function releaseOf(lease: Lease, result: Release['result'], why?: string): Release {
  const { key, owner, network } = lease;
  return { key, owner: owner.name, network, result, ...(why === undefined ? {} : { why }) };
}

function changed({ key, owner }: Lease): VfleetError {
  return new VfleetError(
    'lease.changed',
    `${nameOfVf(key)} is not leased to ${quoted(owner.name)} any more: nothing was changed`,
    { details: { pf: key.pf, vf: key.vf } },
  );
}

interface Unplugged {
  /** Why the VM has it still, or nobody knows. */
  readonly obstacle?: string | undefined;
  /** The VM had it until now: its process may need a moment to close it. */
  readonly isFresh: boolean;
  /** What is left in the VM, and how to take it. */
  readonly staying?: string | undefined;
}

/** Takes VF and standby from the VM, or the VF alone. */
async function unplug(
  host: AssigningHost,
  lease: Lease,
  seen: SeenVm | undefined,
  isStandbyStaying: boolean,
): Promise<Unplugged> {
  if (lease.owner.kind !== 'libvirt') return { isFresh: false };
  if (host.hypervisor === undefined)
    return { obstacle: 'no hypervisor can be asked about its VM', isFresh: false };
  try {
    const { vm } = seen ?? { vm: await readVmOf(host, lease) };
    // A copy of the VM that somebody names is another matter: it is asked for.
    if (vm === undefined) return { obstacle: otherHypervisor(host, lease), isFresh: false };
    host.report(`unplugging ${nameOfVf(lease.key)} from ${quoted(vm.name)}`);
    // Also when it is not seen: a hypervisor that is still plugging it in does one after the other.
    const isStandbyTaken = lease.standby !== undefined && !isStandbyStaying;
    const standby = isStandbyTaken ? [standbyAliasOf(lease)] : [];
    // Before the VF goes: who dies after that has begun to take both.
    if (isStandbyTaken) endPairMark(host.stateFolder, lease.key);
    for (const alias of [...vfAliasesOf(vm, lease), ...standby])
      await host.hypervisor.detachNic(vm.uuid, alias, wholeScope(vm), host.unplugTimeoutMs);
    const { live, stored } = hasVf(vm, lease);
    // Where nothing was seen and nothing taken, the last look before the lease ends is enough.
    const obstacle = live || stored ? await findLateUse(host, lease) : undefined;
    return { obstacle, isFresh: live, staying: isStandbyStaying ? stayingStandby(vm, lease) : undefined };
  } catch (error) {
    if (isAnswer(error)) return { obstacle: error.message, isFresh: false };
    throw error;
  }
}

/** Says that the standby stays, and what takes it; undefined where it has gone. */
function stayingStandby(vm: Vm, lease: Lease): string | undefined {
  const { live, stored } = hasStandby(vm, lease);
  if (!live && !stored) return undefined;
  return `its standby stays in ${quoted(vm.name)}; ${takeStandbyCommand(vm, standbyAliasOf(lease))} takes it`;
}

/** The VM of a lease; undefined when the hypervisor knows it no more. */
export async function readVmOf(host: AssigningHost, { owner }: Lease): Promise<Vm | undefined> {
  if (owner.kind !== 'libvirt' || host.hypervisor === undefined) return undefined;
  try {
    return await host.hypervisor.readVm(owner.uuid);
  } catch (error) {
    if (error instanceof VfleetError && error.code === 'vm.unknown') return undefined;
    throw error;
  }
}

/**
 * Says that the hypervisor which was asked is not that of the lease's VM, so that a VM which it does not have, or has without
 * the VF, says nothing. Undefined when it is the one, or nobody knows.
 */
export function otherHypervisor({ hypervisor }: AssigningHost, { owner }: Lease): string | undefined {
  const asked = hypervisor?.uri;
  if (owner.kind !== 'libvirt' || owner.hypervisor === undefined || asked === undefined) return undefined;
  if (owner.hypervisor === asked) return undefined;
  return `its VM is one of ${quoted(owner.hypervisor)}, not of ${quoted(asked)}, which was asked`;
}

/**
 * Answers of a hypervisor after which nobody knows, or knows well, that the VM has the VF still; that it does not show this
 * VM to us is one.
 */
export function isAnswer(error: unknown): error is VfleetError {
  return (
    error instanceof VfleetError &&
    (error.code.startsWith('hypervisor.') || error.code === 'permission.missing')
  );
}

/** Why the VM is not rid of the VF; undefined when it is. */
async function findLateUse(host: AssigningHost, lease: Lease): Promise<string | undefined> {
  if (lease.owner.kind !== 'libvirt') return undefined;
  try {
    const vm = await readVmOf(host, lease);
    if (vm === undefined) return undefined;
    const { live, stored } = hasVf(vm, lease);
    if (live) return `VM ${quoted(vm.name)} has it still`;
    return stored ? `the stored definition of VM ${quoted(vm.name)} names it still` : undefined;
  } catch (error) {
    if (isAnswer(error)) return error.message;
    throw error;
  }
}

/** Who has the VF open; a process that was just told to close it is given some time. */
async function findUser(
  host: AssigningHost,
  lease: Pick<Lease, 'key'>,
  isFresh: boolean,
): Promise<string | undefined> {
  const address = findVf(host, lease.key)?.address;
  if (address === undefined) return undefined;
  let users: readonly string[] = [];
  await waitFor(executionOf(host), isFresh ? host.timeouts.settleMs : 0, async () => {
    users = await listVfUsers(host, address);
    return users.length === 0 ? true : undefined;
  });
  return users.length === 0 ? undefined : `in use by ${users.join(', ')}`;
}

/**
 * Cleans a VF in quarantine whose lease somebody has removed, so that nobody can say what it goes back to: it is reset,
 * gets what a new VF has and keeps its driver, and the quarantine ends. Otherwise that says why not. Needs the VF's lock.
 */
export async function releaseOrphan(host: AssigningHost, quarantined: Quarantine): Promise<Release> {
  const { key } = quarantined;
  const release = { key, owner: 'somebody unknown', network: 'unknown network' };
  try {
    if (findVf(host, key) !== undefined) {
      const user = await findUser(host, { key }, false);
      if (user !== undefined) throw new VfleetError('vf.quarantined', user);
      const { settings, driver = noDriver } = await readPresentVf(host, key);
      await clean(host, {
        key,
        giveBack: { driver, settings: giveBackSettings(settings, { index: key.vf, settings: {} }) },
      });
    }
    endQuarantine(host.stateFolder, key);
    return { ...release, result: 'free' };
  } catch (error) {
    const why = reasonOf(error);
    writeQuarantine(host.stateFolder, { ...quarantined, why });
    return { ...release, result: 'quarantined', why };
  }
}

/** Makes the VF what it was before, and verifies it. Throws what went wrong. */
async function clean(host: AssigningHost, lease: Pick<Lease, 'key' | 'giveBack'>): Promise<void> {
  const { key, giveBack } = lease;
  const place = findVf(host, key);
  // A VF that is made anew begins clean.
  if (place === undefined) return;
  host.report(`cleaning ${nameOfVf(key)}`);
  if (place.address !== undefined) await reset(host, place.address);
  // Binding another driver clears it. Who died while he bound the VF has left it, and the VF would not stay without.
  if (place.address !== undefined && giveBack.driver === noDriver)
    await clearDriverOverride(host.session.files, place.address, host.timeouts.driverMs);
  const now = await setVfTo(host, key, giveBack.settings);
  const driver = now.address === undefined ? undefined : giveBack.driver;
  // What was read back right now need not be read again, unless a driver comes after it.
  if (driver === undefined || hasDriver(now, driver)) return verify(lease, now);
  await bindVf(host, key, driver);
  verify(lease, await readPresentVf(host, key));
}

async function reset(host: AssigningHost, address: PciAddress): Promise<void> {
  const { files } = host.session;
  const { driverMs } = host.timeouts;
  const driver = readDriver(files, address);
  // Only a driver that lets user space have the VF stands a reset under it.
  if (driver !== undefined && !isPassThroughDriver(driver)) await unbindDriver(files, address, driverMs);
  const outcome = await resetFunction(files, address, driverMs);
  if (!outcome.isDone) throw new VfleetError('kernel.refused', `it cannot be reset: ${outcome.why}`);
}

/** Whether the VF is what it goes back to, with the driver in place. */
function verify({ giveBack }: Pick<Lease, 'giveBack'>, now: PresentVf): void {
  const { mac, ...others } = giveBack.settings;
  // A network driver that finds no address takes one, and some PFs show that.
  const isOwnMac = mac === zeroMacAddress && now.driver !== undefined && !isPassThroughDriver(now.driver);
  const mismatch = describeMismatch(now.settings, isOwnMac ? others : giveBack.settings);
  if (mismatch !== undefined) throw new VfleetError('verify.mismatch', mismatch);
  const wanted = giveBack.driver;
  if (now.address !== undefined && wanted !== undefined && !hasDriver(now, wanted))
    throw new VfleetError('verify.mismatch', `its driver is ${now.driver ?? noDriver}, not ${wanted}`);
}

function hasDriver({ driver }: PresentVf, wanted: string): boolean {
  return hasVfDriver(driver === undefined ? {} : { driver }, wanted);
}

/** What went wrong, and what can be done about it: whoever reads the record has nothing else. */
function reasonOf(error: unknown): string {
  const hint = error instanceof VfleetError ? error.hint : undefined;
  return hint === undefined ? messageOf(error) : `${messageOf(error)}. ${hint}`;
}

async function quarantine(host: AssigningHost, lease: Lease, why: string): Promise<Release> {
  const { key, generation } = lease;
  const known = readQuarantine(host.stateFolder, key);
  const since =
    known?.generation === generation
      ? known.since
      : new Date(host.session.kernel.clock.nowMs()).toISOString();
  writeQuarantine(host.stateFolder, { key, generation, why, since });
  host.report(`${nameOfVf(key)} is in quarantine: ${why}`);
  return releaseOf(lease, 'quarantined', why);
}
