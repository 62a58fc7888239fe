// Owns the question whether a process has a VF open through vfio.

import type { SimHost } from './host.ts';
import type { SimVf } from './state.ts';

/** Device nodes that lead to a VF while a vfio driver has it: its group's, and its own. */
export function vfioNodesOf(vf: SimVf): { readonly group: string; readonly device: string } | undefined {
  if (vf.iommuGroup === undefined) return undefined;
  return {
    group: `/dev/vfio/${vf.iommuGroup}`,
    device: `/dev/vfio/devices/${vfioDeviceName(vf.iommuGroup)}`,
  };
}

/** Name of a device below `vfio-dev`; the kernel counts them on their own, one number for both will do. */
export function vfioDeviceName(iommuGroup: number): string {
  return `vfio${iommuGroup}`;
}

export function isVfHeld(host: SimHost, vf: SimVf): boolean {
  const nodes = vfioNodesOf(vf);
  if (nodes === undefined) return false;
  return host.state.processes.some(
    ({ openFiles }) => openFiles.includes(nodes.group) || openFiles.includes(nodes.device),
  );
}
