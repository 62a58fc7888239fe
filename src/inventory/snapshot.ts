// Owns the reading of a whole host into a Snapshot.
// Reads only. A host without PFs costs no socket.

import { present } from '../base/present.ts';
import type { KernelSession } from '../kernel/session.ts';
import { readHostFacts } from '../kernel/sysfs/host.ts';
import { listIommuGroups } from '../kernel/sysfs/iommu.ts';
import { listNumaNodes } from '../kernel/sysfs/numa.ts';
import { listSriovPfs } from '../kernel/sysfs/sriov.ts';
import type { Snapshot } from '../model/snapshot.ts';

/** Written out, not imported: the schema's library is not needed for reading a host. */
const snapshotVersion = 1;

export interface SnapshotOptions {
  /**
   * `settings` reads what plan, verify and undo compare; `full` adds what people and monitoring want: firmware,
   * counters, health, PCI capabilities, temperatures.
   */
  readonly detail: 'settings' | 'full';
  /** Only these PFs; all when absent. */
  readonly pfs?: readonly string[];
}

/** Reads the host. Throws `kernel.refused`, `kernel.timeout`; what needs more rights is listed in `unread`. */
export async function readSnapshot(session: KernelSession, options: SnapshotOptions): Promise<Snapshot> {
  const { files, clock } = session.kernel;
  const host = readHostFacts(files);
  const addresses = listSriovPfs(files).filter((pf) => options.pfs?.includes(pf) ?? true);
  const { pfs, unread } =
    addresses.length === 0
      ? { pfs: [], unread: [] }
      : await (await import('./pfs.ts')).readPfs(session, addresses, options.detail);
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
    pfs,
    unread,
  };
}
