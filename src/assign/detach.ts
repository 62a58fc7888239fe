// Owns taking VFs from a VM on request, and giving back a single lease.

import { setTimeout as sleep } from 'node:timers/promises';
import { VfleetError } from '../base/errors.ts';
import { parseMacAddress } from '../base/identifiers.ts';
import { lockHost } from '../apply/host-lock.ts';
import type { LeaseRecords } from '../lease/lease-store.ts';
import { lockVf } from '../lease/vf-lock.ts';
import type { DetachRequest, Release, ReleaseList } from '../model/attachment.ts';
import type { CorruptLease, Lease } from '../model/lease.ts';
import type { AssigningHost } from './assigning-host.ts';
import { releaseOf, releaseVf } from './release.ts';
import { quoted } from './wording.ts';

const lockPollMs = 20;

/**
 * Takes the VFs of a VM back, all or those on a network or with a MAC address. A VM that the hypervisor does not know any
 * more, or cannot be asked about, is found by its leases. Records that cannot be understood are told besides, since each may
 * be of this VM. Throws `lease.none` when there is nothing to take, `usage.invalid` when a VM of the hypervisor and a plain
 * QEMU are meant, `lock.held`, `apply.interrupted`.
 */
export async function detachVfs(host: AssigningHost, request: DetachRequest): Promise<ReleaseList> {
  const { leases, corrupt } = await findLeases(host, request);
  if (leases.length === 0) {
    const on = request.network === undefined ? '' : ` on ${request.network}`;
    const at = request.mac === undefined ? '' : ` with MAC address ${request.mac}`;
    throw noLease(`${quoted(request.vm)} has no VF of vfleet${on}${at}`, corrupt);
  }
  if (new Set(leases.map(({ owner }) => owner.kind)).size > 1) {
    throw new VfleetError(
      'usage.invalid',
      `${quoted(request.vm)} is a VM of the hypervisor and a QEMU that somebody started, and both have VFs`,
      { hint: 'name the VM by its UUID, or one VF by --mac' },
    );
  }
  const releases: Release[] = [];
  for (const lease of leases) releases.push(await giveBack(host, lease, request.waitMs));
  return { releases, corrupt: [...corrupt] };
}

/** The error for whoever finds no lease; a record that cannot be understood may be the one. */
export function noLease(message: string, corrupt: readonly CorruptLease[]): VfleetError {
  const { length: count } = corrupt;
  const records = count === 1 ? 'one record of a lease' : `${count} records of leases`;
  const hint = `${records} cannot be understood, and may be it: see \`vfleet leases\``;
  return new VfleetError('lease.none', message, count === 0 ? {} : { hint });
}

/**
 * Gives a lease back, whoever has it now is asked to let go. Waits `waitMs` for an apply that changes the host as a whole,
 * and for somebody who works on that VF as long or some seconds. Throws `lease.changed` when the VF has another lease, or
 * none, meanwhile: nothing is changed then. `lock.held`, `apply.interrupted`.
 */
export async function giveBack(host: AssigningHost, lease: Lease, waitMs = 0): Promise<Release> {
  const { stateFolder, signal } = host;
  const hostLock = await lockHost(stateFolder, { command: 'detach', waitMs, mode: 'shared', signal });
  try {
    const endMs = Date.now() + Math.max(waitMs, host.timeouts.settleMs);
    for (;;) {
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

async function findLeases(host: AssigningHost, { vm, network, mac }: DetachRequest): Promise<LeaseRecords> {
  const uuid = await findUuid(host, vm);
  const wanted = mac === undefined ? undefined : (parseMacAddress(mac) ?? mac);
  const { leases, corrupt } = await host.leases.list();
  const found = leases.filter(({ owner, network: on, settings }) => {
    const isOwner =
      owner.kind === 'libvirt'
        ? owner.uuid === (uuid ?? vm.toLowerCase()) || (uuid === undefined && owner.name === vm)
        : owner.name === vm;
    return (
      isOwner &&
      (network === undefined || on === network) &&
      (wanted === undefined || settings.mac === wanted)
    );
  });
  return { leases: found, corrupt };
}

/** UUID of a VM that the hypervisor knows; one that does not answer knows none. */
async function findUuid(host: AssigningHost, vm: string): Promise<string | undefined> {
  try {
    return (await host.hypervisor?.readVm(vm))?.uuid;
  } catch (error) {
    if (error instanceof VfleetError && ['vm.unknown', 'hypervisor.unreachable'].includes(error.code))
      return undefined;
    throw error;
  }
}
