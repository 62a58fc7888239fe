// Owns how the facts of a PF are put together from sysfs, configuration space, rtnetlink, ethtool and devlink.

import type { PciAddress, PfAddress } from '../base/identifiers.ts';
import { splitPfAddress } from '../base/identifiers.ts';
import { present } from '../base/present.ts';
import { readDriverInformation } from '../kernel/ethtool/driver-information.ts';
import { readLinkModes } from '../kernel/ethtool/link-settings.ts';
import type { LinkSettings } from '../kernel/ethtool/link-settings.ts';
import { readEswitchMode } from '../kernel/genetlink/devlink.ts';
import { readAcsIsolation, readConfigSpace } from '../kernel/pci-config/read-config.ts';
import type { ConfigSpace } from '../kernel/pci-config/config-space.ts';
import { readLink } from '../kernel/rtnetlink/link.ts';
import type { Link } from '../kernel/rtnetlink/link.ts';
import type { FileTree } from '../kernel/kernel.ts';
import type { KernelSession } from '../kernel/session.ts';
import { readAerTotals } from '../kernel/sysfs/aer.ts';
import { readDriver, readNumaNode } from '../kernel/sysfs/device.ts';
import { readTemperatureCelsius } from '../kernel/sysfs/hwmon.ts';
import { readPciDevice } from '../kernel/sysfs/pci-device.ts';
import { readSriov } from '../kernel/sysfs/sriov.ts';
import type { SriovFiles } from '../kernel/sysfs/sriov.ts';
import type { DevlinkFacts, Netdev, Pf, Sriov } from '../model/pf.ts';
import { readPfLinks } from './uplink.ts';
import type { SlotNames } from '../kernel/sysfs/pci-identity.ts';
import { devlinkTotalVfsOf, readCardFacts, readSriovDetails } from './card-facts.ts';
import type { TakeNote } from './card-facts.ts';
import { readPortFacts } from './host-network.ts';
import type { HostNetwork } from './host-network.ts';
import { linkOf } from './pcie-path.ts';
import type { UnreadNote } from './unread-notes.ts';
import { readVfs } from './vf.ts';

/** How much of a PF is read, and what devlink says of all PFs of the host where that was asked at once. */
export interface PfSources {
  readonly detail: 'settings' | 'full';
  readonly devlink: ReadonlyMap<string, DevlinkFacts>;
  /** What a full reading asks the host once. */
  readonly full?: {
    readonly slots: SlotNames;
    readonly network: HostNetwork;
    /** Cards and programs are asked that take their time. */
    readonly isSlow: boolean;
  };
  note(note: UnreadNote): void;
}

/** Reads one PF with its VFs, without their holders; undefined when it has gone. */
export async function readPf(
  session: KernelSession,
  pf: PfAddress,
  sources: PfSources,
): Promise<Pf | undefined> {
  const { files } = session;
  const isFull = sources.detail === 'full';
  // The kernel is at work on the first two while the files are read.
  const [{ own, representors }, devlink, { sriov, device, driver, numaNode }] = await Promise.all([
    readPfLinks(session, pf, { vfs: true, statistics: isFull }),
    isFull ? sources.devlink.get(pf) : readEswitchFacts(session, pf),
    readPfFiles(files, pf),
  ]);
  if (sriov === undefined) return undefined;
  const [first] = own;
  const config = device === undefined || !isFull ? undefined : readConfigSpace(files, device.address);
  const { full } = sources;
  const note: TakeNote = (unread) => sources.note({ ...unread, pf });
  return present({
    address: pf,
    vendorId: device?.vendorId,
    deviceId: device?.deviceId,
    subsystemVendorId: device?.subsystemVendorId,
    subsystemDeviceId: device?.subsystemDeviceId,
    driver,
    numaNode,
    iommuGroup: device?.iommuGroup,
    pcieLink: device === undefined ? undefined : linkOf(device),
    ...(isFull ? await readDetails(session, pf, { config, devlink, first }) : {}),
    ...(full === undefined || device === undefined
      ? {}
      : await readCardFacts(session, device.address, { ...full, note })),
    sriov: present({
      ...sriovOf(sriov, config),
      devlinkTotalVfs: devlinkTotalVfsOf(devlink),
      ...(full === undefined || device === undefined
        ? {}
        : await readSriovDetails(session, device.address, { config, note, isSlow: full.isSlow })),
    }),
    netdevs: await readNetdevs(session, own, sources, note),
    devlink,
    vfs: readVfs(session, { pf, sriov, vendorId: device?.vendorId, link: first, representors }),
  });
}

/** The files of a PF; asynchronous only to be read while requests are under way. */
async function readPfFiles(files: FileTree, pf: PfAddress) {
  const isPci = splitPfAddress(pf).bus === 'pci';
  return {
    sriov: readSriov(files, pf),
    device: isPci ? readPciDevice(files, pf as PciAddress) : undefined,
    driver: readDriver(files, pf),
    numaNode: readNumaNode(files, pf),
  };
}

/** The one thing of devlink that can be set; undefined for a PF without an eswitch, or without devlink. */
async function readEswitchFacts(session: KernelSession, pf: PfAddress): Promise<DevlinkFacts | undefined> {
  const handle = splitPfAddress(pf);
  const eswitchMode = await readEswitchMode(session.generic, handle);
  if (eswitchMode === undefined) return undefined;
  return {
    handle: `${handle.bus}/${handle.device}`,
    versions: { fixed: {}, running: {}, stored: {} },
    eswitchMode,
    ports: [],
    healthReporters: [],
    parameters: [],
  };
}

async function readDetails(
  session: KernelSession,
  pf: PfAddress,
  sources: { config: ConfigSpace | undefined; devlink: DevlinkFacts | undefined; first: Link | undefined },
): Promise<Partial<Pf>> {
  const { config, devlink, first } = sources;
  const isPci = splitPfAddress(pf).bus === 'pci';
  const driver = first === undefined ? undefined : await readDriverInformation(session.kernel, first.name);
  const aer = isPci ? present(readAerTotals(session.files, pf as PciAddress)) : {};
  return present({
    driverVersion: driver?.version,
    firmware:
      devlink?.versions.running['fw'] ?? devlink?.versions.running['fw.version'] ?? driver?.firmwareVersion,
    msixVectors: config?.msix?.vectors,
    acsIsolates: isPci ? readAcsIsolation(session.files, pf as PciAddress) : undefined,
    aer: Object.keys(aer).length === 0 ? undefined : aer,
    temperatureCelsius: readTemperatureCelsius(session.files, pf),
  });
}

/** What a PF can have and has of VFs; what only the configuration space tells is absent without it. */
export function sriovOf(sriov: SriovFiles, config?: ConfigSpace): Sriov {
  const capability = config?.sriov;
  return present({
    totalVfs: sriov.totalVfs,
    numVfs: sriov.numVfs,
    driversAutoprobe: sriov.driversAutoprobe,
    firstVfOffset: sriov.offset,
    vfStride: sriov.stride,
    vfDeviceId: sriov.vfDeviceId,
    systemPageSizeBytes: capability?.systemPageSizeBytes,
    capabilityTotalVfs: capability?.totalVfs,
    ariCapableHierarchy: capability?.ariCapableHierarchy,
  });
}

async function readNetdevs(
  session: KernelSession,
  links: readonly Link[],
  { full }: PfSources,
  note: TakeNote,
): Promise<Netdev[]> {
  const netdevs: Netdev[] = [];
  for (const link of links) {
    const { master } = link.attributes;
    const port = await readLinkModes(session.generic, link.ifIndex);
    const facts = full === undefined ? {} : await readPortFacts(session, link, full.network, note);
    const upper = master === undefined ? undefined : await readLink(session.route, master);
    netdevs.push({ ...netdevOf(link, port, upper), ...facts });
  }
  return netdevs;
}

/** An interface of a PF; without `port` and `master` nothing is said of its speed and of what it is part of. */
export function netdevOf(link: Link, port?: LinkSettings, master?: Link): Netdev {
  const { attributes } = link;
  return present({
    name: link.name,
    ifIndex: link.ifIndex,
    mac: attributes.address,
    mtu: link.mtu,
    minMtu: attributes.minMtu,
    // 0 stands for a driver that names no limit (include/linux/netdevice.h).
    maxMtu: attributes.maxMtu === 0 ? undefined : attributes.maxMtu,
    up: link.up,
    carrier: attributes.carrier === undefined ? undefined : attributes.carrier === 1,
    speedMbps: port?.speedMbps,
    duplex: port?.duplex,
    physPortName: attributes.physPortName,
    physPortId: attributes.physPortId,
    physSwitchId: attributes.physSwitchId,
    master: master?.name,
    masterKind: master?.attributes.linkInfo?.kind,
  });
}
