// Owns the little that is read of a PF which nobody wants to change: what a spec can find it by, and the addresses that it
// and its VFs keep. Who uses its VFs, its port and its eswitch are not asked for.

import type { PciAddress, PfAddress } from '../base/identifiers.ts';
import { splitPfAddress } from '../base/identifiers.ts';
import { present } from '../base/present.ts';
import type { FileTree } from '../kernel/kernel.ts';
import type { KernelSession } from '../kernel/session.ts';
import { listNetdevs, readDriver, readNumaNode } from '../kernel/sysfs/device.ts';
import { readPciIds } from '../kernel/sysfs/pci-device.ts';
import { readSriov } from '../kernel/sysfs/sriov.ts';
import type { Pf, PfIdentity } from '../model/pf.ts';
import { netdevOf, sriovOf } from './pf.ts';
import { readPfLinks } from './uplink.ts';
import { readVfs } from './vf.ts';

/** Reads what tells a PF from others, from files alone. Its interfaces may include representors. */
export function readPfIdentity(files: FileTree, address: PfAddress): PfIdentity {
  const isPci = splitPfAddress(address).bus === 'pci';
  return present({
    address,
    ...(isPci ? readPciIds(files, address as PciAddress) : {}),
    driver: readDriver(files, address),
    numaNode: readNumaNode(files, address),
    netdevs: listNetdevs(files, address).map((name) => ({ name })),
  });
}

/** A PF with its VFs and their settings, without holders, port and devlink; undefined when it has gone. */
export async function outlinePf(
  session: KernelSession,
  address: PfAddress,
  identity: PfIdentity,
): Promise<Pf | undefined> {
  const sriov = readSriov(session.files, address);
  if (sriov === undefined) return undefined;
  const { own, representors } = await readPfLinks(session, address, { vfs: sriov.numVfs > 0 });
  const { vendorId } = identity;
  return present({
    ...identity,
    sriov: sriovOf(sriov),
    netdevs: own.map((link) => netdevOf(link)),
    vfs: readVfs(session, { pf: address, sriov, vendorId, link: own[0], representors }),
  });
}
