// Owns getting hold of a VF: its lock, an address that nobody has, and the lease, which one of many gets.
// Nothing of the VF is changed here.

import { randomBytes } from 'node:crypto';
import { VfleetError } from '../base/errors.ts';
import { readSnapshot } from '../inventory/snapshot.ts';
import type { FileLock } from '../kernel/file-lock.ts';
import { listLinks } from '../kernel/rtnetlink/link.ts';
import type { KernelSession } from '../kernel/session.ts';
import { markPair } from '../lease/pair-mark.ts';
import { lockVf } from '../lease/vf-lock.ts';
import type { CandidateVerdict } from '../model/attachment.ts';
import type { Lease, LeaseOwner } from '../model/lease.ts';
import type { Offer } from '../model/network.ts';
import { noDriver } from '../model/target.ts';
import type { Vm } from '../model/vm.ts';
import type { AssigningHost } from './assigning-host.ts';
import type { Candidates, Seeker } from './candidates.ts';
import { nothingToTake, poolVfOf, rankedOf } from './candidates.ts';
import type { Pairing } from './left-standby.ts';
import { listLeftStandbys, standbyFor, withoutLeft } from './left-standby.ts';
import { giveBackSettings, leasedSettings } from './lease-settings.ts';
import { chooseMac, listMacUsers } from './mac.ts';
import type { Addressed } from './mac.ts';
import { checkAsker } from './sharing.ts';
import type { PresentVf } from './vf-work.ts';
import { listVfUsers, nameOfVf, readPresentVf, withLeaseLock } from './vf-work.ts';
import { quoted } from './wording.ts';

/** 128 bits: nobody meets the same one twice. */
const generationBytes = 16;
const takenMeanwhile = 'somebody was quicker';

/** What a lease is asked for. */
export interface Claim {
  readonly offer: Offer;
  readonly seeker: Seeker;
  readonly owner: LeaseOwner;
  /** Absent: derived from `macOwner`. */
  readonly mac: string | undefined;
  readonly macOwner: string;
  readonly pairing: Pairing | undefined;
  /** Whose addresses are taken, besides those of the host and the leases. */
  readonly vms: readonly Vm[];
}

/** A VF that is ours: leased, and locked until `lock` is released. */
export interface Claimed {
  readonly lease: Lease;
  readonly lock: FileLock;
  /** The VF before anything of it is changed. */
  readonly present: PresentVf;
}

/**
 * Takes the best VF that nobody else takes first. Throws `vf.unavailable`, `risk.refused`, `mac.in-use`, `usage.invalid`;
 * nothing is changed then.
 */
export async function claimVf(host: AssigningHost, claim: Claim, candidates: Candidates): Promise<Claimed> {
  const { seeker } = claim;
  const ranked = rankedOf(candidates.verdicts);
  if (ranked.length === 0) throw nothingToTake(seeker, candidates.verdicts);
  let why = '';
  for (const candidate of ranked) {
    const claimed =
      candidates.reasonAgainst(candidate.key) ?? (await tryClaim(host, claim, candidates, candidate));
    if (typeof claimed !== 'string') return claimed;
    why = `${nameOfVf(candidate.key)}: ${claimed}`;
  }
  throw new VfleetError(
    'vf.unavailable',
    `none of the ${ranked.length} VFs of ${seeker.network.name} that were free can be taken now (${why})`,
  );
}

/** Everything of the host that has a MAC address. */
async function readAddressed(session: KernelSession): Promise<Addressed> {
  const { pfs } = await readSnapshot(session, { detail: 'settings', isWanted: () => false });
  return { pfs, links: await listLinks(session.route) };
}

/** Or why it cannot be: somebody else was quicker, or is at work on it. */
async function tryClaim(
  host: AssigningHost,
  claim: Claim,
  candidates: Candidates,
  { key, address, risks }: CandidateVerdict,
): Promise<Claimed | string> {
  const { offer, seeker, owner } = claim;
  const pool = poolVfOf(offer, key);
  if (pool === undefined || address === undefined) return 'it is in no pool';
  const lock = lockVf(host.stateFolder, key, `attach ${quoted(seeker.name)}`);
  if (!('release' in lock)) return `${lock.heldBy} works on it`;
  let lease: Lease | undefined;
  let against: string | undefined;
  try {
    if ((await host.leases.read(key)) !== undefined) return takenMeanwhile;
    const present = await readPresentVf(host, key);
    if (present.address === undefined || present.address !== address) return 'it was made anew meanwhile';
    // Since the choice was made somebody may have come and gone, or come past vfleet.
    const [user] = await listVfUsers(host, present.address);
    if (user !== undefined) return `in use by ${user}`;
    const settings = giveBackSettings(present.settings, pool);
    // A derived address is met again nowhere but in what vfleet itself gave; one that somebody chose can be anybody's.
    const addressed =
      claim.mac === undefined ? { pfs: candidates.facts.pfs, links: [] } : await readAddressed(host.session);
    lease = await withLeaseLock(host, 'mac', 'choose a MAC address', async () => {
      // Of a lease that cannot be understood the VF itself says the address, if it has it yet.
      const records = await host.leases.list();
      // Nobody else is given a VF while we have this lock.
      against = candidates.reasonAgainst(key, records);
      if (against !== undefined) return undefined;
      const { pairing } = claim;
      const left = pairing === undefined ? new Set<string>() : listLeftStandbys(pairing.vm, records.leases);
      const vms = pairing === undefined ? claim.vms : withoutLeft(claim.vms, pairing.vm, left);
      const users = listMacUsers(addressed, vms, records.leases);
      const mac = chooseMac(claim.mac, claim.macOwner, seeker.network.name, users);
      const wanted = leasedSettings(settings, seeker.network, mac);
      const standby = pairing === undefined ? undefined : standbyFor(pairing, left, wanted);
      const made: Lease = {
        apiVersion: 'vfleet/v1',
        kind: 'Lease',
        key,
        address,
        generation: randomBytes(generationBytes).toString('hex'),
        owner,
        network: seeker.network.name,
        settings: wanted,
        giveBack: { driver: pool.driver ?? present.driver ?? noDriver, settings },
        ...(standby === undefined ? {} : { standby }),
        acceptedRisks: [...risks],
        createdAt: new Date(host.session.kernel.clock.nowMs()).toISOString(),
      };
      // The last moment in which nothing has to be undone.
      checkAsker(host);
      // Before the lease: an attach that dies right after it must not take from the VM what that had before.
      if (standby?.alias !== undefined) markPair(host.stateFolder, made);
      return (await host.leases.create(made)) ? made : undefined;
    });
    return lease === undefined ? (against ?? takenMeanwhile) : { lease, lock, present };
  } finally {
    if (lease === undefined) lock.release();
  }
}
