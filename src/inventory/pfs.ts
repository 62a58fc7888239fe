// Owns the reading of all PFs that are looked at, with their VFs and who uses them.
// Loaded only when there is a PF: sockets, codecs and readers cost start-up time that a host without one need not pay.

import { parsePfAddress } from '../base/identifiers.ts';
import type { PfAddress } from '../base/identifiers.ts';
import type { KernelSession } from '../kernel/session.ts';
import { readSlotNames } from '../kernel/sysfs/pci-identity.ts';
import type { DevlinkFacts, Pf, PfIdentity } from '../model/pf.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Target } from '../model/target.ts';
import { readDevlink } from './devlink.ts';
import { readHostNetwork } from './host-network.ts';
import { outlinePf, readPfIdentity } from './outline.ts';
import { readPf } from './pf.ts';
import type { PfSources } from './pf.ts';
import { unreadOf } from './unread-notes.ts';
import type { UnreadNote } from './unread-notes.ts';
import { addHolders } from './vf.ts';

/** Which PFs are read, and how much of them. */
export interface PfsRequest {
  readonly addresses: readonly PfAddress[];
  readonly detail: 'settings' | 'full';
  /** PFs for which this says no are only outlined: see outline.ts. */
  readonly isWanted?: ((pf: PfIdentity) => boolean) | undefined;
  /** A full reading also asks cards and programs, by a child process each: product data, vectors, RDMA, LLDP. */
  readonly isSlow?: boolean;
}

/** Reads PFs. One that goes away meanwhile is left out; what needs more rights is listed in `unread`. */
export async function readPfs(
  session: KernelSession,
  request: PfsRequest,
): Promise<Pick<Snapshot, 'pfs' | 'unread'>> {
  const { addresses, detail, isWanted, isSlow = false } = request;
  const { facts: devlink, unread: silent } =
    detail === 'full' ? await readDevlink(session) : { facts: new Map<string, DevlinkFacts>(), unread: [] };
  const notes: UnreadNote[] = [];
  const sources: PfSources = {
    detail,
    devlink,
    ...(detail === 'full' ? { full: await readHostSources(session, isSlow) } : {}),
    note: (note) => notes.push(note),
  };
  const pfs: Pf[] = [];
  const wanted: Pf[] = [];
  for (const address of addresses) {
    const identity = isWanted === undefined ? undefined : readPfIdentity(session.files, address);
    const isOutlined = identity !== undefined && isWanted?.(identity) === false;
    const pf = isOutlined
      ? await outlinePf(session, address, identity)
      : await readPf(session, address, sources);
    if (pf === undefined) continue;
    pfs.push(pf);
    if (!isOutlined) wanted.push(pf);
  }
  const hidden = await addHolders(
    session,
    wanted.flatMap((pf) => pf.vfs),
  );
  return { pfs, unread: [...silent, ...hidden, ...unreadOf(notes)] };
}

async function readHostSources(
  session: KernelSession,
  isSlow: boolean,
): Promise<NonNullable<PfSources['full']>> {
  return { slots: readSlotNames(session.files), network: await readHostNetwork(session, isSlow), isSlow };
}

/** Reads what can be set of the PFs of a target, and nothing of the host around them. */
export async function readTargetedPfs(
  session: KernelSession,
  target: Target,
): Promise<Pick<Snapshot, 'pfs'>> {
  const addresses = target.pfs.flatMap((pf) => parsePfAddress(pf.address) ?? []);
  return readPfs(session, { addresses, detail: 'settings' });
}
