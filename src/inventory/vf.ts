// Owns how the facts of a VF are put together from sysfs, rtnetlink and the survey of holders.

import type { PciAddress, PfAddress, VfIndex } from '../base/identifiers.ts';
import { present } from '../base/present.ts';
import { checkVfAddress } from '../kernel/pci-config/requester-id.ts';
import type { VfPlacement } from '../kernel/pci-config/requester-id.ts';
import type { Link } from '../kernel/rtnetlink/link.ts';
import type { VfInfo } from '../kernel/rtnetlink/vf-info.ts';
import type { KernelSession } from '../kernel/session.ts';
import { readNumaNode } from '../kernel/sysfs/device.ts';
import { readIommuGroup } from '../kernel/sysfs/pci-device.ts';
import { listVirtfns } from '../kernel/sysfs/sriov.ts';
import type { SriovFiles } from '../kernel/sysfs/sriov.ts';
import { readNetdevMac, readNetdevMtu } from '../kernel/sysfs/net.ts';
import type { Vf, VfSettings } from '../model/vf.ts';
import { readAttachment, surveyHolders } from './holders.ts';
import type { HolderSurvey } from './holders.ts';

export interface VfSources {
  readonly pf: PfAddress;
  readonly sriov: SriovFiles;
  readonly vendorId: string | undefined;
  /** The PF's link with its VFs; undefined when it has no interface in our namespace. */
  readonly link: Link | undefined;
  readonly representors: ReadonlyMap<number, Link>;
}

/** VFs of one PF by index, without their holders. */
export function readVfs(session: KernelSession, sources: VfSources): Vf[] {
  const { pf, sriov, link } = sources;
  const infos = new Map<number, VfInfo>((link?.vfs ?? []).map((info) => [info.index, info]));
  const addresses = listVirtfns(session.files, pf);
  const indexes = addresses.size > 0 ? [...addresses.keys()] : [...infos.keys()].slice(0, sriov.numVfs);
  return indexes.map((index) =>
    readVf(session, sources, index as VfIndex, addresses.get(index as VfIndex), infos.get(index)),
  );
}

function readVf(
  session: KernelSession,
  sources: VfSources,
  index: VfIndex,
  address: PciAddress | undefined,
  info: VfInfo | undefined,
): Vf {
  const common: Vf = { index, settings: settingsOf(info), holders: [] };
  const representor = sources.representors.get(index)?.name;
  if (representor !== undefined) common.representor = representor;
  if (info?.statistics !== undefined) common.statistics = info.statistics;
  if (address === undefined) return common;
  const { driver, netdev } = readAttachment(session, address);
  const { requesterId, conflict } = checkVfAddress(
    sources.pf as PciAddress,
    placementOf(sources.sriov),
    index,
    address,
  );
  return present({
    ...common,
    address: address,
    requesterId,
    requesterIdConflict: conflict,
    vendorId: sources.vendorId,
    deviceId: sources.sriov.vfDeviceId,
    driver,
    iommuGroup: readIommuGroup(session.files, address),
    numaNode: readNumaNode(session.files, address),
    netdev,
    netdevMac: netdev === undefined ? undefined : readNetdevMac(session.files, netdev),
    netdevMtu: netdev === undefined ? undefined : readNetdevMtu(session.files, netdev),
  });
}

/** The settings that vfleet knows of; most drivers report no other, and then there is nothing to copy. */
function settingsOf(info: VfInfo | undefined): VfSettings {
  if (info?.settings.rssQuery === undefined) return info?.settings ?? {};
  const { rssQuery: _, ...settings } = info.settings;
  return settings;
}

function placementOf(sriov: SriovFiles): VfPlacement | undefined {
  if (sriov.offset === undefined || sriov.stride === undefined) return undefined;
  return { firstVfOffset: sriov.offset, vfStride: sriov.stride };
}

/** Finds the users of all VFs at once and writes them into the VFs; gives back what could not be read. */
export async function addHolders(
  session: KernelSession,
  vfs: readonly Vf[],
): Promise<HolderSurvey['unread']> {
  const attachments = vfs.flatMap(({ address, driver, netdev }) =>
    address === undefined ? [] : [{ address: address as PciAddress, driver, netdev }],
  );
  const { holders, unread } = await surveyHolders(session, attachments);
  for (const vf of vfs) {
    if (vf.address !== undefined) vf.holders = [...(holders.get(vf.address as PciAddress) ?? [])];
  }
  return unread;
}
