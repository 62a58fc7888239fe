// Owns the two writes to a PF's sriov_* files.
// Does not wait for VFs to appear, and does not go through 0 by itself: those are steps of a plan.

import type { PfAddress } from '../../base/identifiers.ts';
import type { FileTree } from '../kernel.ts';
import { writeAttribute } from './attribute-write.ts';
import { readDriver } from './device.ts';
import { driversAutoprobePath, numVfsPath } from './sriov.ts';

/**
 * Writes `sriov_numvfs`. The kernel answers EBUSY for a change from one number above 0 to another, ENOENT when no driver
 * that can make VFs is bound, ERANGE above `sriov_totalvfs` (drivers/pci/iov.c sriov_numvfs_store). Success does not
 * mean that the driver made as many as asked. Throws `kernel.refused`, `kernel.absent`, `kernel.timeout`.
 */
export async function writeNumVfs(
  files: FileTree,
  pf: PfAddress,
  count: number,
  timeoutMs: number,
): Promise<void> {
  const driver = readDriver(files, pf);
  await writeAttribute(files, numVfsPath(pf), `${count}`, timeoutMs, {
    operation: 'write sriov_numvfs',
    doing: `setting ${count} VFs on ${pf}`,
    pf,
    ...(driver === undefined ? {} : { driver }),
    timeoutHint:
      'The driver is still at work, or it hangs: look at the kernel log. Until it is done, nothing can change this PF.',
  });
}

/** Writes `sriov_drivers_autoprobe`: whether VFs get a driver by themselves. Errors as {@link writeNumVfs}. */
export async function writeDriversAutoprobe(
  files: FileTree,
  pf: PfAddress,
  enabled: boolean,
  timeoutMs: number,
): Promise<void> {
  await writeAttribute(files, driversAutoprobePath(pf), enabled ? '1' : '0', timeoutMs, {
    operation: 'write sriov_drivers_autoprobe',
    doing: `switching the driver probe of new VFs ${enabled ? 'on' : 'off'} on ${pf}`,
    pf,
  });
}
