// Owns taking VFs from a VM on request, and giving back a single lease.

import { setTimeout as sleep } from 'node:timers/promises';
import { VfleetError } from '../base/errors.ts';
import { parseMacAddress } from '../base/identifiers.ts';
import type { LeaseRecords } from '../lease/lease-store.ts';
import { lockVf } from '../lease/vf-lock.ts';
import type { DetachRequest, Release, ReleaseList } from '../model/attachment.ts';
import type { CorruptLease, Lease } from '../model/lease.ts';
import type { AssigningHost } from './assigning-host.ts';
import { releaseOf, releaseVf } from './release.ts';
import { checkAsker, shareHost } from './sharing.ts';
import { fewOf, meantHint, quoted } from './wording.ts';

const lockPollMs = 20;

/**
 * Takes the VFs of a VM back, all or those on a network or with a MAC address. A VM that the hypervisor does not know any
 * more, or cannot be asked about, is found by its leases. Records that cannot be understood are told besides, since each may
 * be of this VM. Throws `lease.none` when there is nothing to take, `usage.invalid` when a VM of the hypervisor and a plain
 * QEMU are meant, `lock.held`, `apply.interrupted`.
 */
export async function detachVfs(host: AssigningHost, request: DetachRequest): Promise<ReleaseList> {
  const found = await findLeases(host, request);
  const { leases, corrupt } = found;
  if (leases.length === 0) throw await nothingToDetach(host, request, found);
  if (new Set(leases.map(({ owner }) => owner.kind)).size > 1) {
    throw new VfleetError(
      'usage.invalid',
      `${quoted(request.vm)} is a VM of the hypervisor and a QEMU that somebody started, and both have VFs`,
      { hint: 'name the VM by its UUID, or one VF by --mac' },
    );
  }
  const releases: Release[] = [];
  for (const lease of leases) {
    // Once one VF has gone back the others follow, also when nobody waits for the answer any more.
    const hasBegun = releases.some(({ result }) => result !== 'kept');
    releases.push(await takeBack(hasBegun ? { ...host, asker: undefined } : host, lease, request.waitMs));
  }
  return { releases, corrupt: [...corrupt] };
}

/** The error for whoever finds no lease; a record that cannot be understood may be the one. */
export function noLease(message: string, corrupt: readonly CorruptLease[], meant?: string): VfleetError {
  const { length: count } = corrupt;
  const records = count === 1 ? 'one record of a lease' : `${count} records of leases`;
  const hints = [
    ...(meant === undefined ? [] : [meant]),
    ...(count === 0 ? [] : [`${records} cannot be understood, and may be it: see \`vfleet leases\``]),
  ];
  return new VfleetError('lease.none', message, hints.length === 0 ? {} : { hint: hints.join('; ') });
}

/** Says what is not there: the VM, or a VF of it on that network. */
async function nothingToDetach(
  host: AssigningHost,
  { vm, network, mac }: DetachRequest,
  { own, all, isVmUnknown, corrupt }: FoundLeases,
): Promise<VfleetError> {
  const name = quoted(vm);
  if (own.length === 0 && isVmUnknown) {
    const owners = [...new Set(all.map(({ owner }) => owner.name))];
    const meant =
      meantHint(vm, owners) ??
      meantHint(vm, await listVmNames(host)) ??
      (owners.length === 0 ? 'no VF is leased' : `those with VFs are ${fewOf(owners)}`);
    return noLease(`there is no VM ${name}, and no VF is leased to that name`, corrupt, meant);
  }
  const on = network === undefined ? '' : ` on ${network}`;
  const at = mac === undefined ? '' : ` with MAC address ${mac}`;
  const networks = [...new Set(own.map((lease) => lease.network))];
  const meant =
    network === undefined || networks.length === 0 || networks.includes(network)
      ? undefined
      : (meantHint(network, networks) ?? `it has VFs on ${fewOf(networks)}`);
  return noLease(`${name} has no VF of vfleet${on}${at}`, corrupt, meant);
}

/** Only for a hint: a hypervisor that does not answer names none. */
async function listVmNames({ hypervisor }: AssigningHost): Promise<readonly string[]> {
  const vms = await hypervisor?.listVms().catch(() => []);
  return (vms ?? []).map(({ name }) => name);
}

/**
 * Gives a lease back as {@link giveBack} does. One that ended since it was read is free: the agent, a holder or a recovery
 * was quicker, and did what is asked for.
 */
export async function takeBack(host: AssigningHost, lease: Lease, waitMs = 0): Promise<Release> {
  try {
    return await giveBack(host, lease, waitMs);
  } catch (error) {
    if (error instanceof VfleetError && error.code === 'lease.changed') return releaseOf(lease, 'free');
    throw error;
  }
}

/**
 * Gives a lease back, whoever has it now is asked to let go. Waits `waitMs` for an apply that changes the host as a whole,
 * and for somebody who works on that VF as long or some seconds. Throws `lease.changed` when the VF has another lease, or
 * none, meanwhile: nothing is changed then. `lock.held`, `apply.interrupted`.
 */
export async function giveBack(host: AssigningHost, lease: Lease, waitMs = 0): Promise<Release> {
  const { stateFolder, signal } = host;
  const hostLock = await shareHost(host, 'detach', waitMs);
  try {
    const endMs = Date.now() + Math.max(waitMs, host.timeouts.settleMs);
    for (;;) {
      checkAsker(host);
      const lock = lockVf(stateFolder, lease.key, `detach ${quoted(lease.owner.name)}`);
      if ('release' in lock) {
        try {
          return await releaseVf(host, lease);
        } finally {
          lock.release();
        }
      }
      if (Date.now() >= endMs || signal?.aborted === true)
        return releaseOf(lease, 'kept', `${lock.heldBy} works on it`);
      await sleep(lockPollMs);
    }
  } finally {
    hostLock.release();
  }
}

interface FoundLeases extends LeaseRecords {
  /** Those of the VM, whatever network and address. */
  readonly own: readonly Lease[];
  /** Those of everybody. */
  readonly all: readonly Lease[];
  /** The hypervisor says that it has no such VM. */
  readonly isVmUnknown: boolean;
}

async function findLeases(host: AssigningHost, { vm, network, mac }: DetachRequest): Promise<FoundLeases> {
  const found = await findUuid(host, vm);
  const { uuid } = found;
  const wanted = mac === undefined ? undefined : (parseMacAddress(mac) ?? mac);
  const { leases: all, corrupt } = await host.leases.list();
  const own = all.filter(({ owner }) =>
    owner.kind === 'libvirt'
      ? owner.uuid === (uuid ?? vm.toLowerCase()) || (uuid === undefined && owner.name === vm)
      : owner.name === vm,
  );
  const leases = own.filter(
    (lease) =>
      (network === undefined || lease.network === network) &&
      (wanted === undefined || lease.settings.mac === wanted),
  );
  return { leases, own, all, corrupt, isVmUnknown: found.isUnknown };
}

/** UUID of a VM that the hypervisor knows; one that does not answer knows none, and does not say so. */
async function findUuid(
  { hypervisor }: AssigningHost,
  vm: string,
): Promise<{ readonly uuid?: string; readonly isUnknown: boolean }> {
  if (hypervisor === undefined) return { isUnknown: false };
  try {
    return { uuid: (await hypervisor.readVm(vm)).uuid, isUnknown: false };
  } catch (error) {
    if (!(error instanceof VfleetError)) throw error;
    if (error.code === 'vm.unknown') return { isUnknown: true };
    if (error.code === 'hypervisor.unreachable') return { isUnknown: false };
    throw error;
  }
}
