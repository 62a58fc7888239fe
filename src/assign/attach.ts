// Owns giving a VF to a VM of the hypervisor: choice, lease, settings, plugging in, looking that all of it is so.
// Once a lease is made, either the VM has the VF as the lease says, or it is given back.

import { VfleetError } from '../base/errors.ts';
import { checkNotCutOff } from '../apply/cut-off.ts';
import type { ChangeScope, Hypervisor, NewNic } from '../hypervisor/hypervisor.ts';
import { markPair } from '../lease/pair-mark.ts';
import type { Attachment, AttachRequest, CandidateVerdict } from '../model/attachment.ts';
import type { Lease, LeaseOwner } from '../model/lease.ts';
import { findVm, isActive } from '../model/vm.ts';
import type { Vm } from '../model/vm.ts';
import type { AssigningHost } from './assigning-host.ts';
import { judgeCandidates, networkOf, seekerOf } from './candidates.ts';
import { claimVf } from './claim.ts';
import type { Claimed } from './claim.ts';
import type { ReadGround } from './ground.ts';
import { shareHost } from './sharing.ts';
import { checkStandby, findStandbyRefusal } from './standby-bridge.ts';
import { checkInterrupted, undoAttach } from './undo.ts';
import { setVfTo } from './vf-work.ts';
import { hasVf, standbyAliasOf, vfAliasOf } from './vm-nic.ts';
import { quoted } from './wording.ts';

/**
 * Gives a VM a VF of a network. Throws before anything was changed `vm.unknown`, `offer.none`, `network.unknown`,
 * `vf.unavailable`, `risk.refused`, `mac.in-use`, `usage.invalid` (the VM does not run, or has no stored definition, or
 * there is no bridge for the standby), `hypervisor.*`, `lock.held`, `apply.interrupted`, `apply.cut-off`, `journal.corrupt`;
 * afterwards `attach.undone`, `attach.inconsistent`.
 */
export async function attachVf(
  host: AssigningHost,
  readGround: ReadGround,
  request: AttachRequest,
): Promise<Attachment> {
  const hypervisor = hypervisorOf(host);
  const hostLock = await shareHost(host, 'attach', request.waitMs ?? 0);
  try {
    await checkNotCutOff(host.stateFolder);
    const ground = await readGround();
    const network = networkOf(ground.offer, request.network);
    const { vm, vms } = await readVms(hypervisor, request.vm);
    const scope = scopeOf(vm, request);
    checkStandby(host, request.failover);
    const seeker = seekerOf(vm, network, request);
    const candidates = await judgeCandidates(host, ground, seeker, vms);
    const { lease, lock, present } = await claimVf(
      host,
      {
        offer: ground.offer,
        seeker,
        owner: ownerOf(vm, hypervisor, request),
        mac: request.mac,
        macOwner: vm.uuid,
        pairing: request.failover === undefined ? undefined : { vm, scope, standby: request.failover },
        vms,
      },
      candidates,
    );
    try {
      return await give(host, hypervisor, { lease, present }, scope);
    } catch (error) {
      throw await undoAttach(host, lease, error);
    } finally {
      lock.release();
    }
  } finally {
    hostLock.release();
  }
}

/** Every VF of the pools and why it would be taken or not; changes nothing. Throws as {@link attachVf} does before. */
export async function explainAttach(
  host: AssigningHost,
  readGround: ReadGround,
  request: AttachRequest,
): Promise<readonly CandidateVerdict[]> {
  const ground = await readGround();
  const network = networkOf(ground.offer, request.network);
  const { vm, vms } = await readVms(hypervisorOf(host), request.vm);
  const { verdicts } = await judgeCandidates(host, ground, seekerOf(vm, network, request), vms);
  const refused = findStandbyRefusal(host, request.failover);
  return refused === undefined
    ? verdicts
    : verdicts.map((verdict) => refuse(verdict, `standby: ${refused.message}`));
}

/** No VF is taken as long as its standby cannot be plugged in. */
function refuse(verdict: CandidateVerdict, text: string): CandidateVerdict {
  const { rank: _, excluded, ...others } = verdict;
  return { ...others, excluded: [{ code: 'standby', text }, ...excluded], scores: [] };
}

/** All VMs and the one that is meant. Throws `vm.unknown`, and why that one cannot be read. */
async function readVms(
  hypervisor: Hypervisor,
  nameOrUuid: string,
): Promise<{ readonly vm: Vm; readonly vms: readonly Vm[] }> {
  const vms = await hypervisor.listVms();
  const listed = findVm(vms, nameOrUuid);
  if (listed !== undefined && listed.problem === undefined) return { vm: listed, vms };
  const vm = await hypervisor.readVm(nameOrUuid);
  return { vm, vms: [...vms.filter(({ uuid }) => uuid !== vm.uuid), vm] };
}

export function hypervisorOf({ hypervisor }: AssigningHost): Hypervisor {
  if (hypervisor !== undefined) return hypervisor;
  throw new VfleetError('hypervisor.unreachable', 'this host has no hypervisor', {
    hint: 'for a QEMU that you start yourself there is --qemu',
  });
}

function ownerOf(
  { uuid, name }: Vm,
  { uri }: Hypervisor,
  { hold }: AttachRequest,
): Extract<LeaseOwner, { kind: 'libvirt' }> {
  return { kind: 'libvirt', uuid, name, ...(uri === undefined ? {} : { hypervisor: uri }), hold };
}

/** What of the VM is changed. */
function scopeOf(vm: Vm, { hold }: AttachRequest): ChangeScope {
  const name = quoted(vm.name);
  if (hold === 'stored' && !vm.persistent) {
    throw new VfleetError('usage.invalid', `${name} has no stored definition that could name the VF`);
  }
  if (hold === 'live' && !isActive(vm)) {
    throw new VfleetError(
      'usage.invalid',
      `${name} does not run, so it can have a VF in its stored definition only`,
      {
        hint: 'add --persistent',
      },
    );
  }
  return { live: isActive(vm), stored: hold === 'stored' };
}

/** The VF is set, plugged in and looked at. */
async function give(
  host: AssigningHost,
  hypervisor: Hypervisor,
  { lease, present }: Pick<Claimed, 'lease' | 'present'>,
  scope: ChangeScope,
): Promise<Attachment> {
  const { key, settings, owner } = lease;
  if (owner.kind !== 'libvirt') throw new VfleetError('internal.bug', 'only a VM of libvirt is plugged into');
  checkInterrupted(host);
  host.report(`setting VF ${key.vf} of ${key.pf}`);
  await setVfTo(host, key, settings, present);
  for (const nic of nicsOf(lease)) {
    checkInterrupted(host);
    host.report(`plugging ${'vf' in nic ? nic.vf.hostAddress : 'the standby'} into ${quoted(owner.name)}`);
    await hypervisor.attachNic(owner.uuid, nic, scope);
  }
  // The hypervisor sets address and tag by itself, and with them priority and protocol of the tag.
  await setVfTo(host, key, settings);
  for (const [what, alias] of aliasesOf(lease)) {
    if (await hypervisor.hasNic(owner.uuid, alias, scope)) continue;
    throw new VfleetError(
      'verify.mismatch',
      `${hypervisor.label} took the ${what}, and ${quoted(owner.name)} does not have it`,
    );
  }
  if (!scope.live) await checkNotStarted(hypervisor, owner.uuid, lease);
  // From now on the VF may be taken from the VM, and the VM goes on with its standby.
  if (lease.standby !== undefined) markPair(host.stateFolder, lease);
  return { lease, alias: vfAliasOf(lease) };
}

/** Throws `verify.mismatch` for a VM that was started before its stored definition named the VF: it runs without it. */
async function checkNotStarted(hypervisor: Hypervisor, uuid: string, lease: Lease): Promise<void> {
  const vm = await hypervisor.readVm(uuid);
  if (!isActive(vm) || hasVf(vm, lease).live) return;
  throw new VfleetError(
    'verify.mismatch',
    `${quoted(vm.name)} was started meanwhile, and runs without the VF`,
    { hint: 'ask once more: it is plugged into the running VM, too' },
  );
}

/** What the VM must have in the end, by name. */
function aliasesOf(lease: Lease): readonly (readonly [string, string])[] {
  const vf = ['VF', vfAliasOf(lease)] as const;
  return lease.standby === undefined ? [vf] : [['standby', standbyAliasOf(lease)], vf];
}

/** The standby comes first: the VF names it. */
function nicsOf(lease: Lease): readonly NewNic[] {
  const { address, settings, standby } = lease;
  if (address === undefined || settings.mac === undefined)
    throw new VfleetError('internal.bug', 'a VM cannot have a VF without a PCI address or a MAC address');
  const { mac, vlan = 0 } = settings;
  const alias = vfAliasOf(lease);
  const tag = vlan > 0 ? { vlan } : {};
  const vf = { hostAddress: address, mac, alias, ...tag };
  if (standby === undefined) return [{ vf }];
  const standbyAlias = standbyAliasOf(lease);
  // It is in the VM already.
  if (standby.alias !== undefined) return [{ vf: { ...vf, standbyAlias } }];
  const standbyTag = standby.kind === 'openvswitch' ? tag : {};
  return [
    { standby: { ...standby, ...standbyTag, mac, alias: standbyAlias } },
    { vf: { ...vf, standbyAlias } },
  ];
}
