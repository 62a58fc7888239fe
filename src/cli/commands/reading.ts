// Owns what commands that read a host share: taking a snapshot of whatever --host is, and closing it.

import { VfleetError } from '../../base/errors.ts';
import { readSnapshot } from '../../inventory/snapshot.ts';
import type { SnapshotOptions } from '../../inventory/snapshot.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { CliContext, Host, LiveHost } from '../context.ts';

/** Opens the host, gives it to `work`, and closes its sockets afterwards. */
export async function withHost<T>(context: CliContext, work: (host: Host) => Promise<T>): Promise<T> {
  const host = await context.openHost();
  try {
    return await work(host);
  } finally {
    if (host.kind === 'live') host.session.close();
  }
}

/** The picture of a host: read now, or as it was saved. */
export async function snapshotOf(
  host: Host,
  options: SnapshotOptions = { detail: 'full' },
): Promise<Snapshot> {
  return host.kind === 'snapshot' ? host.snapshot : readSnapshot(host.session, options);
}

/** The host if it can be changed. Throws `host.read-only`. */
export function changeable(host: Host): LiveHost {
  if (host.kind === 'live') return host;
  throw new VfleetError('host.read-only', `${host.label} can be read but not changed`);
}

/** JSON as every command prints it. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
