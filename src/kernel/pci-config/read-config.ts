// Owns reading configuration spaces from the host, and the judgement of the bridges above a device.

import type { PciAddress } from '../../base/identifiers.ts';
import { parsePciAddress } from '../../base/identifiers.ts';
import type { FileTree } from '../kernel.ts';
import { isErrno } from '../kernel.ts';
import type { ConfigSpace } from './config-space.ts';
import { parseConfigSpace } from './config-space.ts';
import type { PcieType } from './pcie-capability.ts';
import { PCI_ACS_CR, PCI_ACS_RR, PCI_ACS_SV, PCI_ACS_UF } from './registers.ts';

/** The whole extended configuration space (PCI_CFG_SPACE_EXP_SIZE). */
const configSpaceBytes = 4096;

/**
 * A device's configuration space; undefined when the device is not there. Readers without CAP_SYS_ADMIN get 64 bytes.
 * The read wakes a sleeping device, and waits up to a second while the kernel resets it or switches its VFs
 * (drivers/pci/access.c pci_wait_cfg).
 */
export function readConfigSpace(files: FileTree, address: PciAddress): ConfigSpace | undefined {
  const bytes = files.readBytes(`/sys/bus/pci/devices/${address}/config`, configSpaceBytes);
  return isErrno(bytes) ? undefined : parseConfigSpace(bytes);
}

// What the kernel asks of every bridge above a device that gets an IOMMU group of its own
// (REQ_ACS_FLAGS in drivers/iommu/iommu.c).
const requiredAcs = PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF;
const functionTypes: ReadonlySet<PcieType> = new Set([
  'endpoint',
  'legacy-endpoint',
  'upstream-port',
  'root-complex-endpoint',
]);

/**
 * Whether every bridge above the device keeps devices from reaching each other: ACS redirects all to the IOMMU. Follows
 * pci_acs_path_enabled (drivers/pci/pci.c), by registers alone: the kernel also knows some bridges that isolate without
 * the capability (drivers/pci/quirks.c), so a device can be alone in its IOMMU group where this is false. True when
 * there is no bridge; undefined when a bridge cannot be read.
 */
export function readAcsIsolation(files: FileTree, address: PciAddress): boolean | undefined {
  const bridges = listBridgesAbove(files, address);
  if (bridges === undefined) return undefined;
  let isKnown = true;
  for (const bridge of bridges) {
    const config = readConfigSpace(files, bridge);
    const isolates = config === undefined ? undefined : isolatesByAcs(config);
    if (isolates === false) return false;
    if (isolates === undefined) isKnown = false;
  }
  return isKnown ? true : undefined;
}

/**
 * Bridges between the host and a device, the one next to the host first; undefined when the device is not there.
 * The target of its link in /sys/bus/pci/devices is the path: `…/pci0000:00/0000:00:01.0/0000:01:00.0`.
 */
export function listBridgesAbove(files: FileTree, address: PciAddress): readonly PciAddress[] | undefined {
  const target = files.readLink(`/sys/bus/pci/devices/${address}`);
  return target
    ?.split('/')
    .slice(0, -1)
    .map((name) => parsePciAddress(name))
    .filter((above) => above !== undefined);
}

/** One bridge's answer (drivers/pci/pci.c pci_acs_enabled); undefined when the bytes do not tell. */
function isolatesByAcs(config: ConfigSpace): boolean | undefined {
  if (!config.capabilitiesReadable) return undefined;
  const type = config.pcie?.type;
  if (type === 'root-port' || type === 'downstream-port') return hasRequiredAcs(config);
  // Other functions need it only among several: one alone has nobody to talk to behind the bridge's back.
  if (type !== undefined && functionTypes.has(type)) return !config.isMultifunction || hasRequiredAcs(config);
  // No PCI Express at all, or a bus behind the bridge that cannot say who sent a request.
  return false;
}

function hasRequiredAcs(config: ConfigSpace): boolean | undefined {
  if (!config.extendedCapabilitiesReadable) return undefined;
  if (config.acs === undefined) return false;
  // A control that the capability does not list is hard-wired on (pci_acs_flags_enabled).
  const needed = requiredAcs & config.acs.capabilityBits;
  return (config.acs.controlBits & needed) === needed;
}
