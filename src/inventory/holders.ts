// Owns the question who uses a VF: a VM or another process through vfio, another network namespace, the host itself.
// Looks at each source once per reading, and only when some VF makes it necessary.

import { VfleetError } from '../base/errors.ts';
import type { PciAddress, PfAddress, VfIndex } from '../base/identifiers.ts';
import { NetlinkClient } from '../kernel/netlink/client.ts';
import { listNetns } from '../kernel/proc/netns.ts';
import { listProcesses, readProcess } from '../kernel/proc/process.ts';
import { vfioHostAddressesOf, vmNameOf } from '../kernel/proc/qemu-command.ts';
import { listVfioUsers } from '../kernel/proc/vfio-users.ts';
import { listAddresses } from '../kernel/rtnetlink/address.ts';
import { listLinks } from '../kernel/rtnetlink/link.ts';
import type { Link } from '../kernel/rtnetlink/link.ts';
import type { KernelSession } from '../kernel/session.ts';
import { listNetdevs, readDriver } from '../kernel/sysfs/device.ts';
import { listVfioNodes } from '../kernel/sysfs/iommu.ts';
import { listVirtfns } from '../kernel/sysfs/sriov.ts';
import type { VfHolder } from '../model/vf.ts';

/** What a VF is bound to and shows, as far as its users depend on it. */
export interface VfAttachment {
  readonly address: PciAddress;
  readonly driver: string | undefined;
  /** Its interface in our network namespace. */
  readonly netdev: string | undefined;
}

export interface HolderSurvey {
  readonly holders: ReadonlyMap<PciAddress, readonly VfHolder[]>;
  readonly unread: readonly { readonly what: string; readonly why: string }[];
}

/** Finds the users of VFs. A VF without one has no entry. */
export async function surveyHolders(
  session: KernelSession,
  vfs: readonly VfAttachment[],
): Promise<HolderSurvey> {
  const holders = new Map<PciAddress, VfHolder[]>();
  const unread: { what: string; why: string }[] = [];
  const add = (address: PciAddress, found: readonly VfHolder[]): void => {
    if (found.length > 0) holders.set(address, [...(holders.get(address) ?? []), ...found]);
  };
  const vfio = vfs.filter((vf) => vf.driver?.includes('vfio') === true);
  const shown = vfs.filter((vf) => vf.netdev !== undefined);
  const hidden = vfs.filter((vf) => vf.driver !== undefined && vf.netdev === undefined && !vfio.includes(vf));
  if (vfio.length > 0) surveyVfio(session, vfio, add, unread);
  if (hidden.length > 0) await surveyNamespaces(session, hidden, add, unread);
  if (shown.length > 0) await surveyHostUse(session, shown, add);
  return { holders, unread };
}

type Add = (address: PciAddress, found: readonly VfHolder[]) => void;
type Unread = { what: string; why: string }[];

function surveyVfio(session: KernelSession, vfs: readonly VfAttachment[], add: Add, unread: Unread): void {
  const { files } = session;
  const { byNode, unreadProcesses } = listVfioUsers(files);
  const claims = unreadProcesses > 0 ? listVmClaims(session) : new Map<PciAddress, VfHolder>();
  for (const { address } of vfs) {
    const users = new Map<number, VfHolder>();
    for (const node of listVfioNodes(files, address)) {
      for (const { pid, comm } of byNode.get(node) ?? []) {
        const vm = vmNameOf(readProcess(files, pid)?.commandLine ?? []);
        users.set(pid, vm === undefined ? { kind: 'vfio', name: comm, pid } : { kind: 'vm', name: vm, pid });
      }
    }
    const claim = claims.get(address);
    if (users.size === 0 && claim !== undefined) users.set(0, claim);
    add(address, [...users.values()]);
  }
  if (unreadProcesses > 0) {
    unread.push({
      what: `open files of ${unreadProcesses} processes (who holds a vfio device)`,
      why: 'needs CAP_SYS_PTRACE',
    });
  }
}

/** VFs that QEMU processes name on their command line, for when their open files may not be seen. */
function listVmClaims(session: KernelSession): Map<PciAddress, VfHolder> {
  const claims = new Map<PciAddress, VfHolder>();
  for (const pid of listProcesses(session.files)) {
    const { commandLine = [] } = readProcess(session.files, pid) ?? {};
    for (const address of vfioHostAddressesOf(commandLine)) {
      claims.set(address, { kind: 'vm', name: vmNameOf(commandLine) ?? 'unnamed', pid });
    }
  }
  return claims;
}

/** VFs with a network driver and no interface here: their interface may live in another namespace. */
async function surveyNamespaces(
  session: KernelSession,
  vfs: readonly VfAttachment[],
  add: Add,
  unread: Unread,
): Promise<void> {
  const wanted = new Set<string>(vfs.map((vf) => vf.address));
  for (const namespace of listNetns(session.files)) {
    let links: Link[];
    try {
      const client = new NetlinkClient(session.kernel.openNetlink('route', { netns: namespace.path }));
      try {
        links = await listLinks(client);
      } finally {
        client.close();
      }
    } catch (error) {
      if (!(error instanceof VfleetError)) throw error;
      if (error.code !== 'kernel.absent')
        unread.push({ what: `network namespace ${namespace.name}`, why: error.message });
      continue;
    }
    for (const { name, attributes } of links) {
      const parent = attributes.parentDeviceName;
      if (parent === undefined || !wanted.has(parent)) continue;
      const { pid } = namespace;
      add(parent as PciAddress, [
        {
          kind: 'netns',
          name: namespace.name,
          ...(pid === undefined ? {} : { pid }),
          why: `interface ${name}`,
        },
      ]);
    }
  }
}

/** Interfaces of VFs that the host itself uses: with a master, an interface on top, or an address of more than link scope. */
async function surveyHostUse(session: KernelSession, vfs: readonly VfAttachment[], add: Add): Promise<void> {
  const links = await listLinks(session.route);
  const addresses = await listAddresses(session.route);
  const byName = new Map(links.map((link) => [link.name, link]));
  const byIndex = new Map<number, Link>(links.map((link) => [link.ifIndex, link]));
  const uppers = new Map<number, Link>();
  for (const link of links) {
    const { lowerLink, linkNetnsId } = link.attributes;
    if (lowerLink !== undefined && linkNetnsId === undefined) uppers.set(lowerLink, link);
  }
  const addressesInUse = new Map<number, string>();
  for (const { ifIndex, scope, address } of addresses)
    if (scope !== 'link') addressesInUse.set(ifIndex, address);
  for (const { address, netdev } of vfs) {
    const link = byName.get(netdev ?? '');
    if (link === undefined) continue;
    const { master } = link.attributes;
    const upper = uppers.get(link.ifIndex);
    const ip = addressesInUse.get(link.ifIndex);
    const why = [
      ...(master === undefined ? [] : [`part of ${byIndex.get(master)?.name ?? `interface ${master}`}`]),
      ...(upper === undefined ? [] : [`under ${upper.name}`]),
      ...(ip === undefined ? [] : [`has address ${ip}`]),
    ];
    if (why.length > 0) add(address, [{ kind: 'netdev', name: link.name, why: why.join(', ') }]);
  }
}

/** Reads what the users of a VF depend on. */
export function readAttachment(session: KernelSession, address: PciAddress): VfAttachment {
  const [netdev] = listNetdevs(session.files, address);
  return { address, driver: readDriver(session.files, address), netdev };
}

/** VFs of a PF that somebody uses right now, by index. */
export async function readPfHolders(
  session: KernelSession,
  pf: PfAddress,
): Promise<readonly { readonly index: VfIndex; readonly holders: readonly VfHolder[] }[]> {
  const addresses = listVirtfns(session.files, pf);
  const { holders } = await surveyHolders(
    session,
    [...addresses.values()].map((address) => readAttachment(session, address)),
  );
  return [...addresses].flatMap(([index, address]) => {
    const found = holders.get(address);
    return found === undefined ? [] : [{ index, holders: found }];
  });
}
