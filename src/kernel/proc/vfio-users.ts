// Owns who holds devices through vfio: which process has which node of /dev/vfio open.
// Which node belongs to which device is in ../sysfs/iommu.ts (listVfioNodes).

import type { FileTree } from '../kernel.ts';
import { isErrno } from '../kernel.ts';
import type { ProcessRef } from './process.ts';
import { listProcesses, readProcessRef } from './process.ts';

export interface VfioUsers {
  /** Processes by node: `/dev/vfio/12`, `/dev/vfio/noiommu-0`, `/dev/vfio/devices/vfio0`; nodes without one are absent. */
  readonly byNode: ReadonlyMap<string, readonly ProcessRef[]>;
  /** Processes whose open files we may not see: somebody else's, without CAP_SYS_PTRACE. 0 means that the map is whole. */
  readonly unreadProcesses: number;
}

const nodePattern = /^\/dev\/vfio\/(?:(?:noiommu-)?[0-9]+|devices\/(?:noiommu-)?vfio[0-9]+)$/;

/**
 * Reads the open files of all processes once (proc_pid_fd(5)), about 5 µs for each; nothing is read where /dev/vfio has
 * no node of a device. A VM's process is among them as long as it has the device, also one that was plugged in.
 */
export function listVfioUsers(files: FileTree): VfioUsers {
  const byNode = new Map<string, ProcessRef[]>();
  let unreadProcesses = 0;
  if (!hasVfioNodes(files)) return { byNode, unreadProcesses };

  for (const pid of listProcesses(files)) {
    const folder = `/proc/${pid}/fd`;
    const descriptors = files.list(folder);
    if (descriptors.length === 0 && isForbidden(files, folder)) unreadProcesses += 1;
    const nodes = new Set<string>();
    for (const descriptor of descriptors) {
      const target = files.readLink(`${folder}/${descriptor}`);
      if (target !== undefined && nodePattern.test(target)) nodes.add(target);
    }
    if (nodes.size === 0) continue;
    const process = readProcessRef(files, pid);
    for (const node of nodes) {
      const users = byNode.get(node);
      if (users === undefined) byNode.set(node, [process]);
      else users.push(process);
    }
  }
  return { byNode, unreadProcesses };
}

/** `/dev/vfio/vfio` alone is only the container that vfio's module brings along. */
function hasVfioNodes(files: FileTree): boolean {
  const names = files.list('/dev/vfio').filter((name) => name !== 'vfio' && name !== 'devices');
  return names.length > 0 || files.list('/dev/vfio/devices').length > 0;
}

/** A kernel thread's folder is empty, too, but it can be opened. */
function isForbidden(files: FileTree, folder: string): boolean {
  const answer = files.readBytes(folder, 1);
  return isErrno(answer) && (answer.errno === 'EACCES' || answer.errno === 'EPERM');
}
