// Owns what a conformance case may see of a host: plain data without what differs from host to host and from run to run
// (made-up MAC addresses, interface names and indexes, numbers of IOMMU groups, where the firmware placed BARs).

import { VfleetError } from '../../src/base/errors.ts';
import type { PciAddress } from '../../src/base/identifiers.ts';
import { hex } from '../../src/base/identifiers.ts';
import type { FileTree } from '../../src/kernel/kernel.ts';
import { readConfigSpace } from '../../src/kernel/pci-config/read-config.ts';
import { listIommuGroupDevices } from '../../src/kernel/sysfs/iommu.ts';
import { listVirtfns } from '../../src/kernel/sysfs/sriov.ts';
import type { Netdev, Pf } from '../../src/model/pf.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import type { Vf } from '../../src/model/vf.ts';

/** A failure as scripts see it. Errors that are not ours say so, and make every comparison fail. */
export function observeFailure(error: unknown): unknown {
  if (!(error instanceof VfleetError)) return { bug: String(error) };
  const { errno, kernelMessage, vf, attribute, driver, step, problems } = error.details;
  return {
    error: error.code,
    message: observeText(error.message),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...Object.fromEntries(
      Object.entries({
        errno,
        kernelMessage,
        vf,
        attribute,
        driver,
        step,
        problems: problems?.map((problem) => observeText(problem)),
      }).filter(([, value]) => value !== undefined),
    ),
  };
}

/** Text without indexes and names of interfaces, and without what else there is on a host. */
function observeText(text: string): string {
  return text
    .replaceAll(/(RTM_[A-Z]+) \d+/g, '$1')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/\((igb), \w+\)/g, '($1)')
    .replace(/; this host has .*/, '');
}

/** A PF with its VFs. */
export function observePf(files: FileTree, pf: Pf, unread: Snapshot['unread']): unknown {
  const { driverVersion, firmware, iommuGroup, sriov, netdevs, vfs: _, ...others } = pf;
  // Where the card sits, and what it is able to besides SR-IOV, is a matter of the board.
  const { pciePath: _path, resetMethods: _resets, vpd: _vpd, slot: _slot, rdma: _rdma, ...facts } = others;
  // The capability's own numbers have a case of their own (`observeConfigSpaces`).
  const { msixPerVf: _vectors, vfTotalMsix: _pool, capabilityTotalVfs: _total, ...limits } = sriov;
  return {
    ...facts,
    driverVersion: driverVersion === undefined ? 'none' : 'some',
    firmware: firmware === undefined ? 'none' : 'some',
    iommuGroup: observeGroup(files, iommuGroup),
    sriov: {
      ...limits,
      vfBars: sriov.vfBars?.map(({ address: __, sizeBytes: _size, assigned: _assigned, ...bar }) => bar),
    },
    netdevs: netdevs.map((netdev) => observeNetdev(netdev)),
    vfs: observeVfs(files, pf),
    unread,
  };
}

function observeNetdev(netdev: Netdev): unknown {
  const { name: _, ifIndex: __, mac, speedMbps, duplex, ...others } = netdev;
  const { defaultRoute: _route, lldp: _lldp, flowControlPriorities: _priorities, ...facts } = others;
  // What a port without a link says of its speed depends on whether it ever had one.
  const port = netdev.carrier === true ? { speedMbps, duplex } : {};
  return { ...facts, ...port, mac: mac === undefined ? 'none' : 'some' };
}

/** The VFs of a PF, a line each. */
export function observeVfs(files: FileTree, pf: Pf): unknown {
  return pf.vfs.map((vf) => observeVf(files, vf));
}

function observeVf(files: FileTree, vf: Vf): string {
  const { index, settings, address, requesterId, requesterIdConflict, driver, holders } = vf;
  const { mac, ...others } = settings;
  const counters = Object.values(vf.statistics ?? {});
  return [
    `VF ${index} ${address}`,
    `requester ${requesterId === undefined ? 'unknown' : `0x${hex(requesterId, 4)}`}${requesterIdConflict ?? ''}`,
    `ID ${vf.vendorId}:${vf.deviceId}`,
    `driver ${driver ?? 'none'}`,
    `group ${observeGroup(files, vf.iommuGroup)}`,
    `interface ${vf.netdev === undefined ? 'none' : `with ${observeNetdevMac(vf.netdevMac, mac)}`}`,
    `mac ${mac === undefined ? 'unknown' : observeMac(mac)}`,
    ...Object.entries(others).map(([name, value]) => `${name} ${value}`),
    ...(counters.length === 0
      ? []
      : [`counters ${counters.every((count) => count === 0) ? 'zero' : 'count'}`]),
    ...holders.map(({ kind }) => `held by ${kind}`),
  ].join(', ');
}

/** All addresses that cases set begin like this; no driver makes up one that does (they set the local bit, 02). */
const casePrefix = '52:54:00:aa:';

/**
 * A MAC address as far as it does not differ from run to run: igbvf makes one up and tells igb, or, when igb answers its
 * mailbox too late, only makes one up (drivers/net/ethernet/intel/igbvf/netdev.c igbvf_probe, vf.c e1000_reset_hw_vf).
 */
export function observeMac(mac: string): string {
  return mac.startsWith(casePrefix) ? mac : 'not set';
}

function observeNetdevMac(mac: string | undefined, admin: string | undefined): string {
  if (mac === undefined) return 'no address';
  if (!mac.startsWith(casePrefix)) return 'an address of its own';
  return mac === admin ? 'the address of the settings' : `address ${mac}`;
}

function observeGroup(files: FileTree, group: number | undefined): string {
  if (group === undefined) return 'none';
  const { length } = listIommuGroupDevices(files, group);
  return length === 1 ? 'its own' : `of ${length} devices`;
}

/** What the configuration spaces of a PF and its VFs say. */
export function observeConfigSpaces(files: FileTree, pf: PciAddress): unknown {
  return [pf, ...listVirtfns(files, pf).values()].map((address) => {
    const config = readConfigSpace(files, address);
    if (config === undefined) return { address, readable: false };
    const { sriov, pcie, vendorId, deviceId, msix, acs, hasAer, problems } = config;
    // What else a board has (power management, payload sizes, serial number) is no matter of SR-IOV.
    return {
      address,
      vendorId,
      deviceId,
      msix,
      acs,
      hasAer,
      problems,
      pcie: { type: pcie?.type, functionLevelReset: pcie?.functionLevelReset },
      ...(sriov === undefined
        ? {}
        : {
            sriov: {
              ...sriov,
              vfBars: sriov.vfBars.map(({ index, is64Bit, prefetchable }) => ({
                index,
                is64Bit,
                prefetchable,
              })),
            },
          }),
    };
  });
}
