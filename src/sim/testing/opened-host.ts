// Owns how tests of the simulated host open one: VFs on the first PF, and a netlink client of the real kernel layer.

import type { PfAddress } from '../../base/identifiers.ts';
import { NetlinkClient } from '../../kernel/netlink/client.ts';
import { readLink } from '../../kernel/rtnetlink/link.ts';
import type { VfInfoSettings } from '../../kernel/rtnetlink/vf-info.ts';
import { readNetdevFiles } from '../../kernel/sysfs/net.ts';
import { writeNumVfs } from '../../kernel/sysfs/sriov-change.ts';
import type { SimFault } from '../fault.ts';
import type { SimProfileName } from '../profiles/profile-table.ts';
import { createSimKernel } from '../sim-kernel.ts';
import type { SimKernel } from '../sim-kernel.ts';

/** Longer than any card takes, in the host's time. */
export const timeoutMs = 600_000;
const firstPf = {
  igb: ['0000:01:00.0', 'enp1s0'],
  i40e: ['0000:3b:00.0', 'enp59s0f0np0'],
  ice: ['0000:17:00.0', 'enp23s0'],
  mlx5: ['0000:81:00.0', 'enp129s0f0np0'],
  netdevsim: ['netdevsim/netdevsim1', 'eni1np1'],
} as const;

/** A host with VFs on its first PF, and a client that speaks to it through the real kernel layer. */
export interface Opened {
  readonly kernel: SimKernel;
  readonly client: NetlinkClient;
  readonly ifIndex: number;
  readonly pf: PfAddress;
}

export async function openWithVfs(
  profile: keyof typeof firstPf & SimProfileName,
  numVfs: number,
  faults: readonly SimFault[] = [],
): Promise<Opened> {
  const kernel = createSimKernel({ profile, faults });
  const [address, netdev] = firstPf[profile];
  const pf = address as PfAddress;
  await writeNumVfs(kernel.files, pf, numVfs, timeoutMs);
  const { ifIndex = 0 } = readNetdevFiles(kernel.files, netdev);
  return { kernel, client: new NetlinkClient(kernel.openNetlink('route')), ifIndex, pf };
}

/** What the PF reports for a VF. */
export async function settingsOf(
  { client, ifIndex }: Opened,
  index: number,
): Promise<VfInfoSettings | undefined> {
  const { vfs = [] } = await readLink(client, ifIndex, { vfs: true });
  return vfs[index]?.settings;
}
