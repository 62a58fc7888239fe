// Owns the reading of all PFs that are looked at, with their VFs and who uses them.
// Loaded only when there is a PF: sockets, codecs and readers cost start-up time that a host without one need not pay.

import type { PfAddress } from '../base/identifiers.ts';
import type { KernelSession } from '../kernel/session.ts';
import type { Pf } from '../model/pf.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { readDevlink } from './devlink.ts';
import { readPf } from './pf.ts';
import { addHolders } from './vf.ts';

/** Reads PFs. One that goes away meanwhile is left out; what needs more rights is listed in `unread`. */
export async function readPfs(
  session: KernelSession,
  addresses: readonly PfAddress[],
  detail: 'settings' | 'full',
): Promise<Pick<Snapshot, 'pfs' | 'unread'>> {
  const { facts: devlink, unread: silent } = await readDevlink(session, detail);
  const pfs: Pf[] = [];
  for (const address of addresses) {
    const pf = await readPf(session, address, { detail, devlink });
    if (pf !== undefined) pfs.push(pf);
  }
  const hidden = await addHolders(
    session,
    pfs.flatMap((pf) => pf.vfs),
  );
  const unread = [...silent, ...hidden];
  return { pfs, unread: detail === 'full' ? [...unread, ...unreadConfigSpaces(pfs)] : unread };
}

function unreadConfigSpaces(pfs: readonly Pf[]): Snapshot['unread'] {
  const hidden = pfs.filter((pf) => pf.vendorId !== undefined && pf.sriov.vfBars === undefined);
  if (hidden.length === 0) return [];
  const addresses = hidden.map((pf) => pf.address).join(', ');
  return [{ what: `PCI configuration space of ${addresses} beyond 64 bytes`, why: 'needs CAP_SYS_ADMIN' }];
}
