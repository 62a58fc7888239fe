// Owns the reading of what a choice among VFs stands on: the PFs of the pools, groups of their VFs, the host's isolation.
// Reads only, and no more than src/choice takes: an attach waits for it.

import { parsePfAddress, splitPfAddress } from '../base/identifiers.ts';
import type { PciAddress, PfAddress } from '../base/identifiers.ts';
import { present } from '../base/present.ts';
import type { FileTree } from '../kernel/kernel.ts';
import { readText } from '../kernel/file-text.ts';
import { readModulePlaces } from '../kernel/module-state.ts';
import { readInterruptRemapping } from '../kernel/proc/interrupts.ts';
import type { KernelSession } from '../kernel/session.ts';
import { listBridgesAbove } from '../kernel/pci-config/read-config.ts';
import { readDriver } from '../kernel/sysfs/device.ts';
import { readHostFacts } from '../kernel/sysfs/host.ts';
import { listIommuGroupDevices, listIommuUnits } from '../kernel/sysfs/iommu.ts';
import { listNumaNodes, readNumaNodeFiles } from '../kernel/sysfs/numa.ts';
import { readClassCode } from '../kernel/sysfs/pci-device.ts';
import { listRdmaDevices } from '../kernel/sysfs/rdma.ts';
import { listSriovPfs } from '../kernel/sysfs/sriov.ts';
import type { ChoiceFacts, ChoiceGroup, GroupMember, NodeCpus } from '../model/choice-facts.ts';
import type { Pf } from '../model/pf.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { readPciePath } from './pcie-path.ts';
import { readPfs } from './pfs.ts';

/** PCI class of bridges to another PCI bus. */
const bridgeClass = '0604';
const vfioDriver = 'vfio-pci';

/**
 * Reads what `chooseVfs` takes of these PFs, by their addresses, and outlines the PFs that share a PCIe link with them: what
 * is promised there is not free here. A PF that is not there is left out; what needs more rights is listed in `unread`.
 * Throws `kernel.refused`, `kernel.timeout`.
 */
export async function readChoiceFacts(session: KernelSession, pfs: readonly string[]): Promise<ChoiceFacts> {
  const { files } = session;
  const wanted = new Set<string>(pfs);
  const addresses = new Set([
    ...pfs.flatMap((pf) => parsePfAddress(pf) ?? []),
    ...listNeighbours(files, wanted),
  ]);
  const reading = await readPfs(session, {
    addresses: [...addresses],
    detail: 'settings',
    isWanted: ({ address }) => wanted.has(address),
  });
  return choiceFactsOf(files, reading);
}

/** PFs with the same bridge above them, which is where a link ends, as one of these has. */
function listNeighbours(files: FileTree, pfs: ReadonlySet<string>): readonly PfAddress[] {
  const bridgesOf = (pf: PfAddress): readonly string[] =>
    splitPfAddress(pf).bus === 'pci' ? (listBridgesAbove(files, pf as PciAddress) ?? []) : [];
  const all = listSriovPfs(files);
  const taken = new Set(all.filter((pf) => pfs.has(pf)).flatMap((pf) => bridgesOf(pf)));
  return all.filter((pf) => !pfs.has(pf) && bridgesOf(pf).some((bridge) => taken.has(bridge)));
}

/** The facts of a choice among PFs that were read with detail `settings`; the rest is files. */
export function choiceFactsOf(files: FileTree, reading: Pick<Snapshot, 'pfs' | 'unread'>): ChoiceFacts {
  const found = reading.pfs.map((pf) => withCard(files, pf));
  return present({
    pfs: found,
    groups: readGroups(files, found),
    interruptRemapping: readInterruptRemapping(files),
    hasVfioDriver: readHasVfioDriver(files),
    nodes: readNodes(files),
    // With settings alone, nothing but the users of VFs can stay unread.
    unread: reading.unread.map((each) => ({ ...each, fact: each.fact ?? 'holders' })),
  });
}

/** The PF with its RDMA devices and its way to the root. */
function withCard(files: FileTree, pf: Pf): Pf {
  const address = pf.address as PfAddress;
  if (splitPfAddress(address).bus !== 'pci') return pf;
  const device = address as PciAddress;
  const pciePath = readPciePath(files, device)?.path;
  const rdma = listRdmaDevices(files, device).map((each) => present({ ...each }));
  return { ...pf, rdma, ...(pciePath === undefined ? {} : { pciePath }) };
}

function readGroups(files: FileTree, pfs: readonly Pf[]): ChoiceGroup[] {
  const ids = new Set(pfs.flatMap((pf) => pf.vfs.flatMap(({ iommuGroup }) => iommuGroup ?? [])));
  // Where a unit translates, vfio makes no group of its own.
  const mayBeNoIommu = listIommuUnits(files).length === 0;
  return [...ids].map((id) => ({
    id,
    members: readMembers(files, listIommuGroupDevices(files, id)),
    isNoIommu: mayBeNoIommu && isMadeByVfio(files, id),
  }));
}

/** What a device of a group is matters only where there is another: most groups hold their VF alone. */
function readMembers(files: FileTree, devices: readonly string[]): GroupMember[] {
  if (devices.length === 1) return devices.map((address) => ({ address }));
  return devices.flatMap((address) => {
    const device = parsePfAddress(address);
    if (device === undefined || splitPfAddress(device).bus !== 'pci') return [{ address }];
    if (readClassCode(files, device as PciAddress)?.startsWith(bridgeClass) === true) return [];
    return [present({ address, driver: readDriver(files, device) })];
  });
}

/** The name that vfio gives a group for a device without IOMMU (drivers/vfio/group.c). */
function isMadeByVfio(files: FileTree, group: number): boolean {
  return readText(files, `/sys/kernel/iommu_groups/${group}/name`) === 'vfio-noiommu';
}

/** Undefined where the lists of modules cannot be read; they are long, and read only while the driver is not there. */
function readHasVfioDriver(files: FileTree): boolean | undefined {
  if (files.identity(`/sys/bus/pci/drivers/${vfioDriver}`) !== undefined) return true;
  const { kernelRelease = '' } = readHostFacts(files);
  const place = readModulePlaces(files, kernelRelease, [vfioDriver]).get(vfioDriver);
  return place === undefined ? undefined : place !== 'absent';
}

function readNodes(files: FileTree): NodeCpus[] {
  return listNumaNodes(files).map((node) => ({
    node,
    cpus: [...(readNumaNodeFiles(files, node).cpus ?? [])],
  }));
}
