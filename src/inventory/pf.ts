// Owns how the facts of a PF are put together from sysfs, configuration space, rtnetlink, ethtool and devlink.

import type { PciAddress, PfAddress } from '../base/identifiers.ts';
import { splitPfAddress } from '../base/identifiers.ts';
import { present } from '../base/present.ts';
import { readDriverInformation } from '../kernel/ethtool/driver-information.ts';
import { readLinkSettings } from '../kernel/ethtool/link-settings.ts';
import type { LinkSettings } from '../kernel/ethtool/link-settings.ts';
import { readAcsIsolation, readConfigSpace } from '../kernel/pci-config/read-config.ts';
import type { ConfigSpace } from '../kernel/pci-config/config-space.ts';
import { readLink } from '../kernel/rtnetlink/link.ts';
import type { Link } from '../kernel/rtnetlink/link.ts';
import type { KernelSession } from '../kernel/session.ts';
import { readAerTotals } from '../kernel/sysfs/aer.ts';
import { readDriver, readNumaNode } from '../kernel/sysfs/device.ts';
import { readTemperatureCelsius } from '../kernel/sysfs/hwmon.ts';
import { readPciDevice } from '../kernel/sysfs/pci-device.ts';
import { readSriov } from '../kernel/sysfs/sriov.ts';
import type { SriovFiles } from '../kernel/sysfs/sriov.ts';
import type { DevlinkFacts, Netdev, Pf, Sriov } from '../model/pf.ts';
import { readPfLinks } from './uplink.ts';
import { readVfs } from './vf.ts';

/** What is known of the host as a whole when a PF is read. */
export interface HostSources {
  readonly detail: 'settings' | 'full';
  readonly devlink: ReadonlyMap<string, DevlinkFacts>;
}

/** Reads one PF with its VFs, without their holders; undefined when it has gone. */
export async function readPf(
  session: KernelSession,
  pf: PfAddress,
  host: HostSources,
): Promise<Pf | undefined> {
  const { files } = session;
  const sriov = readSriov(files, pf);
  if (sriov === undefined) return undefined;
  const isPci = splitPfAddress(pf).bus === 'pci';
  const device = isPci ? readPciDevice(files, pf as PciAddress) : undefined;
  const { own, representors } = await readPfLinks(session, pf);
  const [first] = own;
  const uplink =
    first === undefined || sriov.numVfs === 0
      ? first
      : await readLink(session.route, first.ifIndex, { vfs: true, statistics: host.detail === 'full' });
  const devlink = host.devlink.get(pf);
  const config =
    device === undefined || host.detail !== 'full' ? undefined : readConfigSpace(files, device.address);
  return present({
    address: pf,
    vendorId: device?.vendorId,
    deviceId: device?.deviceId,
    subsystemVendorId: device?.subsystemVendorId,
    subsystemDeviceId: device?.subsystemDeviceId,
    driver: readDriver(files, pf),
    numaNode: readNumaNode(files, pf),
    iommuGroup: device?.iommuGroup,
    pcieLink:
      device?.currentWidth === undefined
        ? undefined
        : present({
            currentSpeedGTps: device.currentSpeedGTps,
            currentWidth: device.currentWidth,
            maxSpeedGTps: device.maxSpeedGTps,
            maxWidth: device.maxWidth,
          }),
    ...(host.detail === 'full' ? await readDetails(session, pf, { config, devlink, first }) : {}),
    sriov: sriovOf(sriov, config),
    netdevs: await readNetdevs(session, own),
    devlink,
    vfs: readVfs(session, { pf, sriov, vendorId: device?.vendorId, link: uplink, representors }),
  });
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

function sriovOf(sriov: SriovFiles, config: ConfigSpace | undefined): Sriov {
  const capability = config?.sriov;
  return present({
    totalVfs: sriov.totalVfs,
    numVfs: sriov.numVfs,
    driversAutoprobe: sriov.driversAutoprobe,
    firstVfOffset: sriov.offset,
    vfStride: sriov.stride,
    vfDeviceId: sriov.vfDeviceId,
    systemPageSizeBytes: capability?.systemPageSizeBytes,
    ariCapableHierarchy: capability?.ariCapableHierarchy,
    vfBars: capability?.vfBars.map((bar) => ({ ...bar })),
  });
}

async function readNetdevs(session: KernelSession, links: readonly Link[]): Promise<Netdev[]> {
  const netdevs: Netdev[] = [];
  for (const link of links) {
    const { master } = link.attributes;
    const port = await readLinkSettings(session.generic, link.ifIndex);
    netdevs.push(
      netdevOf(link, port, master === undefined ? undefined : await readLink(session.route, master)),
    );
  }
  return netdevs;
}

function netdevOf(link: Link, port: LinkSettings | undefined, master: Link | undefined): Netdev {
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
  });
}
