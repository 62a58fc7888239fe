// Owns the reading of all PFs that are looked at, with their VFs and who uses them.
// Loaded only when there is a PF: sockets, codecs and readers cost start-up time that a host without one need not pay.

import { parsePfAddress } from '../base/identifiers.ts';
import type { PfAddress } from '../base/identifiers.ts';
import type { KernelSession } from '../kernel/session.ts';
import type { DevlinkFacts, Pf, PfIdentity } from '../model/pf.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Target } from '../model/target.ts';
import { readDevlink } from './devlink.ts';
import { outlinePf, readPfIdentity } from './outline.ts';
import { readPf } from './pf.ts';
import { addHolders } from './vf.ts';

/** Which PFs are read, and how much of them. */
export interface PfsRequest {
  readonly addresses: readonly PfAddress[];
  readonly detail: 'settings' | 'full';
  /** PFs for which this says no are only outlined: see outline.ts. */
  readonly isWanted?: ((pf: PfIdentity) => boolean) | undefined;
}

/** Reads PFs. One that goes away meanwhile is left out; what needs more rights is listed in `unread`. */
export async function readPfs(
  session: KernelSession,
  { addresses, detail, isWanted }: PfsRequest,
): Promise<Pick<Snapshot, 'pfs' | 'unread'>> {
  const { facts: devlink, unread: silent } =
    detail === 'full' ? await readDevlink(session) : { facts: new Map<string, DevlinkFacts>(), unread: [] };
  const pfs: Pf[] = [];
  const wanted: Pf[] = [];
  for (const address of addresses) {
    const identity = isWanted === undefined ? undefined : readPfIdentity(session.files, address);
    const isOutlined = identity !== undefined && isWanted?.(identity) === false;
    const pf = isOutlined
      ? await outlinePf(session, address, identity)
      : await readPf(session, address, { detail, devlink });
    if (pf === undefined) continue;
    pfs.push(pf);
    if (!isOutlined) wanted.push(pf);
  }
  const hidden = await addHolders(
    session,
    wanted.flatMap((pf) => pf.vfs),
  );
  const unread = [...silent, ...hidden];
  return { pfs, unread: detail === 'full' ? [...unread, ...unreadConfigSpaces(pfs)] : unread };
}

/** Reads what can be set of the PFs of a target, and nothing of the host around them. */
export async function readTargetedPfs(
  session: KernelSession,
  target: Target,
): Promise<Pick<Snapshot, 'pfs'>> {
  const addresses = target.pfs.flatMap((pf) => parsePfAddress(pf.address) ?? []);
  return readPfs(session, { addresses, detail: 'settings' });
}

function unreadConfigSpaces(pfs: readonly Pf[]): Snapshot['unread'] {
  const hidden = pfs.filter((pf) => pf.vendorId !== undefined && pf.sriov.vfBars === undefined);
  if (hidden.length === 0) return [];
  const addresses = hidden.map((pf) => pf.address).join(', ');
  return [{ what: `PCI configuration space of ${addresses} beyond 64 bytes`, why: 'needs CAP_SYS_ADMIN' }];
}
