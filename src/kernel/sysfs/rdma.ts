// Owns the RDMA devices of a PCI device in sysfs: their names, and what kind of network their ports are on.
// The active path MTU is in no file; ../programs/rdma-port.ts asks for it.

import type { PciAddress } from '../../base/identifiers.ts';
import { readText } from '../file-text.ts';
import type { FileTree } from '../kernel.ts';
import { devicePath } from './device.ts';

/** An RDMA device (Documentation/ABI/stable/sysfs-class-infiniband). */
export interface RdmaFiles {
  readonly name: string;
  /** `Ethernet` (RoCE, iWARP) or `InfiniBand` of the first port; undefined when it has none. */
  readonly linkLayer: string | undefined;
}

/** RDMA devices of a function, by name; empty when its driver makes none. */
export function listRdmaDevices(files: FileTree, address: PciAddress): readonly RdmaFiles[] {
  const path = `${devicePath(address)}/infiniband`;
  return files.list(path).map((name) => {
    const ports = files.list(`${path}/${name}/ports`).filter((port) => /^[1-9][0-9]{0,3}$/.test(port));
    const [first] = ports.sort((a, b) => Number(a) - Number(b));
    return {
      name,
      linkLayer:
        first === undefined ? undefined : readText(files, `${path}/${name}/ports/${first}/link_layer`),
    };
  });
}
