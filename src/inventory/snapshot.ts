// Owns the reading of a whole host into a Snapshot.
// Reads only. A host without PFs costs no socket.

import { parsePfAddress } from '../base/identifiers.ts';
import { present } from '../base/present.ts';
import type { KernelSession } from '../kernel/session.ts';
import { readHostFacts } from '../kernel/sysfs/host.ts';
import { listIommuGroups } from '../kernel/sysfs/iommu.ts';
import { listNumaNodes } from '../kernel/sysfs/numa.ts';
import { listSriovPfs } from '../kernel/sysfs/sriov.ts';
import type { PfIdentity } from '../model/pf.ts';
import type { Snapshot } from '../model/snapshot.ts';

/** Written out, not imported: the schema's library is not needed for reading a host. */
const snapshotVersion = 1;

export interface SnapshotOptions {
  /**
   * `settings` reads what plan, verify and undo compare; `full` adds what people and monitoring want: firmware,
   * counters, health, PCI capabilities, temperatures.
   */
  readonly detail: 'settings' | 'full';
  /** With `full`: also what the server is apart from its cards. It asks programs and reads long lists, some 0.1 s. */
  readonly platform?: boolean;
  /** Only these PFs; all when absent. */
  readonly pfs?: readonly string[];
  /**
   * Asked of each PF, by what tells it from others. A PF for which it says no is read so far that a spec can find it and
   * knows the addresses it keeps: without the holders of its VFs, its speed, and its eswitch mode. Its interfaces may
   * include representors here, so that it must not say no to a PF for a name that it has too many.
   */
  readonly isWanted?: (pf: PfIdentity) => boolean;
}

/** Reads the host. Throws `kernel.refused`, `kernel.timeout`; what needs more rights is listed in `unread`. */
export async function readSnapshot(session: KernelSession, options: SnapshotOptions): Promise<Snapshot> {
  const { files, clock } = session.kernel;
  const host = readHostFacts(files);
  const addresses = options.pfs?.flatMap((pf) => parsePfAddress(pf) ?? []) ?? listSriovPfs(files);
  const { pfs, unread } =
    addresses.length === 0
      ? { pfs: [], unread: [] }
      : await (
          await import('./pfs.ts')
        ).readPfs(session, { ...options, addresses, isSlow: options.platform === true });
  const drivers = pfs.flatMap((pf) => [pf.driver, ...pf.vfs.map((vf) => vf.driver)]);
  const server =
    options.platform === true && options.detail === 'full'
      ? await (await import('./platform.ts')).readPlatform(session, drivers.filter(isName))
      : undefined;
  return {
    apiVersion: 'vfleet/v1',
    kind: 'Snapshot',
    snapshotVersion,
    takenAt: new Date(clock.nowMs()).toISOString(),
    host: present({
      name: host.name ?? 'unknown',
      kernelRelease: host.kernelRelease ?? 'unknown',
      bootId: host.bootId ?? 'unknown',
      machineId: host.machineId,
      numaNodes: [...listNumaNodes(files)],
      iommuGroupCount: listIommuGroups(files).length,
    }),
    ...(server === undefined ? {} : { platform: server.platform }),
    pfs,
    unread: [...unread, ...(server?.unread ?? [])],
  };
}

function isName(driver: string | undefined): driver is string {
  return driver !== undefined;
}
