// Owns what a choice is made from for one VM, and the words when nothing can be taken.
// Reads; changes nothing.

import { VfleetError } from '../base/errors.ts';
import { chooseVfs } from '../choice/choose-vfs.ts';
import type { ChoiceInput } from '../choice/choice-input.ts';
import { readChoiceFacts } from '../inventory/choice-facts.ts';
import type { LeaseRecords } from '../lease/lease-store.ts';
import { listQuarantines } from '../lease/quarantine.ts';
import type { CandidateVerdict } from '../model/attachment.ts';
import type { ChoiceFacts } from '../model/choice-facts.ts';
import { Risk } from '../model/lease.ts';
import type { Network, Offer, PoolVf } from '../model/network.ts';
import type { VfKey } from '../model/lease.ts';
import type { Vm, VmPlacement } from '../model/vm.ts';
import type { AssigningHost } from './assigning-host.ts';
import type { Ground } from './ground.ts';
import { meantHint, quoted } from './wording.ts';

/** Who asks for a VF of which network. */
export interface Seeker {
  readonly name: string;
  /** Absent: a plain QEMU. */
  readonly uuid?: string;
  readonly placement?: VmPlacement;
  readonly hostAddresses: readonly string[];
  readonly network: Network;
  readonly spread: boolean;
  readonly acceptedRisks: readonly Risk[];
}

export interface Candidates {
  readonly facts: ChoiceFacts;
  readonly verdicts: readonly CandidateVerdict[];
  /**
   * Why a VF that could be taken cannot any more, by what others were given since; undefined when it can. `now`: the leases
   * as they are, where they have been read again.
   */
  readonly reasonAgainst: (key: VfKey, now?: LeaseRecords) => string | undefined;
}

/** The network of a name. Throws `offer.none`, `network.unknown`. */
export function networkOf(offer: Offer, name: string): Network {
  if (offer.networks.length === 0 || offer.pools.length === 0) {
    throw new VfleetError('offer.none', 'no network is offered to VMs on this host', {
      hint: 'apply a spec with `networks`, or pass --spec FILE',
    });
  }
  const network = offer.networks.find((each) => each.name === name);
  if (network !== undefined) return network;
  const known = offer.networks.map((each) => each.name);
  throw new VfleetError('network.unknown', `the spec names no network ${quoted(name)}`, {
    hint: meantHint(name, known) ?? `it names ${known.join(', ')}`,
  });
}

/** A VM as one who asks for a VF. */
export function seekerOf(
  vm: Vm,
  network: Network,
  request: { readonly spread: boolean; readonly acceptedRisks: readonly Risk[] },
): Seeker {
  return {
    name: vm.name,
    uuid: vm.uuid,
    placement: vm.placement,
    hostAddresses: [...vm.nics, ...vm.storedNics].flatMap(({ hostAddress }) => hostAddress ?? []),
    network,
    spread: request.spread,
    acceptedRisks: request.acceptedRisks,
  };
}

/** Judges every VF of the pools for one who asks, with the host as it is now. */
export async function judgeCandidates(
  host: AssigningHost,
  { offer, facts: known }: Ground,
  seeker: Seeker,
  vms: readonly Vm[],
): Promise<Candidates> {
  const { network, spread, acceptedRisks, name, uuid, placement, hostAddresses } = seeker;
  const facts =
    known ??
    (await readChoiceFacts(
      host.session,
      offer.pools.map(({ pf }) => pf),
    ));
  const { leases, corrupt } = await host.leases.list();
  const input: ChoiceInput = {
    facts,
    offer,
    network,
    leases,
    corrupt,
    quarantines: listQuarantines(host.stateFolder),
    definedUsers: definedUsersOf(vms),
    unknownUsers: vms.flatMap((vm) => (vm.withheld === true ? [vm.name] : [])),
    vm: {
      name,
      hostAddresses,
      ...(uuid === undefined ? {} : { uuid }),
      ...(placement === undefined ? {} : { placement }),
    },
    spread,
    acceptedRisks,
  };
  return { facts, verdicts: chooseVfs(input), reasonAgainst: followLeases(input) };
}

/** A lease counts for other VFs, too: it takes its card with `spread`, its IOMMU group, and a part of what a port guarantees. */
function followLeases(input: ChoiceInput): Candidates['reasonAgainst'] {
  const nameOf = ({ pf, vf }: VfKey): string => `${pf}@${vf}`;
  let judged = input;
  let reasons: ReadonlyMap<string, string> = new Map();
  return (key, now) => {
    if (now !== undefined && hasNew(judged, now)) {
      judged = { ...judged, ...now };
      reasons = new Map(
        chooseVfs(judged).flatMap(({ key: of, excluded: [first] }) =>
          first === undefined ? [] : [[nameOf(of), first.text] as const],
        ),
      );
    }
    return reasons.get(nameOf(key));
  };
}

function hasNew(judged: LeaseRecords, { leases, corrupt }: LeaseRecords): boolean {
  const known = new Set(judged.leases.map(({ generation }) => generation));
  return leases.some(({ generation }) => !known.has(generation)) || corrupt.length > judged.corrupt.length;
}

/** Which VM has which device of the host: those that run, and those that will when they are started. */
function definedUsersOf(vms: readonly Vm[]): ChoiceInput['definedUsers'] {
  return vms.flatMap(({ name, nics, storedNics }) =>
    [...nics, ...storedNics].flatMap(({ hostAddress }) =>
      hostAddress === undefined ? [] : [{ address: hostAddress, vm: name }],
    ),
  );
}

/** Those that can be taken, the best first. */
export function rankedOf(verdicts: readonly CandidateVerdict[]): readonly CandidateVerdict[] {
  return verdicts.filter(({ rank }) => rank !== undefined).sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0));
}

export function poolVfOf(offer: Offer, key: VfKey): PoolVf | undefined {
  return offer.pools.find(({ pf }) => pf === key.pf)?.vfs.find(({ index }) => index === key.vf);
}

/** Why no VF can be taken: `risk.refused` when risks alone stand against one, otherwise `vf.unavailable`. */
export function nothingToTake(seeker: Seeker, verdicts: readonly CandidateVerdict[]): VfleetError {
  const { name, network } = seeker;
  const risky = verdicts.find(
    ({ excluded }) => excluded.length > 0 && excluded.every(({ code }) => Risk.safeParse(code).success),
  );
  if (risky !== undefined) {
    const { key, excluded } = risky;
    return new VfleetError(
      'risk.refused',
      `VF ${key.vf} of ${key.pf} is not safe to give: ${excluded.map(({ text }) => text).join('; ')}`,
      { hint: `mend it, or pass ${excluded.map(({ code }) => `--accept-risk ${code}`).join(' ')}` },
    );
  }
  const counts = new Map<string, number>();
  for (const { excluded } of verdicts) {
    const [first] = excluded;
    if (first !== undefined) counts.set(first.text, (counts.get(first.text) ?? 0) + 1);
  }
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  const why = most === undefined ? 'there is none' : `${most[1]} of ${verdicts.length}: ${most[0]}`;
  return new VfleetError(
    'vf.unavailable',
    `no VF of ${network.name} can be taken for ${quoted(name)} (${why})`,
    { hint: 'add --explain to see each VF and why' },
  );
}
