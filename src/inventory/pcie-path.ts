// Owns the way from a card to the root of its PCIe tree: every bridge with its link, payload sizes, ACS and neighbours.
// Reads sysfs and configuration space; what is too narrow or does not isolate is judged elsewhere.

import type { PciAddress } from '../base/identifiers.ts';
import { parsePciAddress } from '../base/identifiers.ts';
import { present } from '../base/present.ts';
import type { FileTree } from '../kernel/kernel.ts';
import type { AcsCapability, ConfigSpace } from '../kernel/pci-config/config-space.ts';
import type { PcieType } from '../kernel/pci-config/pcie-capability.ts';
import { listBridgesAbove, readConfigSpace } from '../kernel/pci-config/read-config.ts';
import {
  PCI_ACS_CR,
  PCI_ACS_DT,
  PCI_ACS_EC,
  PCI_ACS_RR,
  PCI_ACS_SV,
  PCI_ACS_TB,
  PCI_ACS_UF,
} from '../kernel/pci-config/registers.ts';
import { devicePath } from '../kernel/sysfs/device.ts';
import type { PciDevice } from '../kernel/sysfs/pci-device.ts';
import { readClassCode, readPciDevice, readPhysfn } from '../kernel/sysfs/pci-device.ts';
import type { AcsControl, PcieDevice, PcieLink } from '../model/pcie.ts';

/** Header type of a bridge to another PCI bus (include/uapi/linux/pci_regs.h PCI_HEADER_TYPE_BRIDGE). */
const bridgeHeader = 1;
const bridgeClass = '0604';

const kinds: Readonly<Record<PcieType, PcieDevice['kind']>> = {
  endpoint: 'endpoint',
  'legacy-endpoint': 'endpoint',
  'root-complex-endpoint': 'endpoint',
  'root-port': 'root-port',
  'upstream-port': 'upstream-port',
  'downstream-port': 'downstream-port',
  'pcie-to-pci-bridge': 'bridge',
  'pci-to-pcie-bridge': 'bridge',
  'root-complex-event-collector': 'other',
};

const acsControls: readonly (readonly [AcsControl, number])[] = [
  ['sourceValidation', PCI_ACS_SV],
  ['translationBlocking', PCI_ACS_TB],
  ['requestRedirect', PCI_ACS_RR],
  ['completionRedirect', PCI_ACS_CR],
  ['upstreamForwarding', PCI_ACS_UF],
  ['egressControl', PCI_ACS_EC],
  ['directTranslated', PCI_ACS_DT],
];

export interface PciePathReading {
  /** The card first, the root port last. */
  readonly path: PcieDevice[];
  /** Every configuration space could be read to its end; otherwise payload sizes and ACS are missing (not root). */
  readonly isWhole: boolean;
}

/** Reads the way of a PCI function up to the root; undefined when the function has gone. */
export function readPciePath(files: FileTree, address: PciAddress): PciePathReading | undefined {
  const bridges = listBridgesAbove(files, address);
  if (bridges === undefined) return undefined;
  const path: PcieDevice[] = [];
  let isWhole = true;
  let parent: Pick<PcieDevice, 'address' | 'kind'> | undefined;
  for (const each of [address, ...bridges.toReversed()]) {
    const device = readPciDevice(files, each);
    const { vendorId, deviceId } = device;
    if (vendorId === undefined || deviceId === undefined) return undefined;
    const config = readConfigSpace(files, each);
    const pcie = config?.pcie;
    if (config === undefined || !isReadable(config)) isWhole = false;
    const kind = kindOf(config, device);
    if (each !== address) parent ??= { address: each, kind };
    path.push(
      present({
        address: each,
        vendorId,
        deviceId,
        kind,
        link: linkOf(device),
        acs: config?.acs === undefined ? undefined : acsOf(config.acs),
        maxPayloadBytes: pcie?.maxPayloadBytes,
        maxPayloadSupportedBytes: pcie?.maxPayloadSupportedBytes,
        maxReadRequestBytes: pcie?.maxReadRequestBytes,
        alsoBelow:
          each === address || parent === undefined ? [] : listAlsoBelow(files, each, { address, parent }),
      }),
    );
  }
  return { path, isWhole };
}

/** Conventional PCI devices have no extended capabilities, and are readable without them. */
function isReadable(config: ConfigSpace): boolean {
  if (!config.capabilitiesReadable) return false;
  return config.pcie === undefined || config.extendedCapabilitiesReadable;
}

/** Without its PCI Express capability (not root) a bridge is just that, and a function with a PCIe link an endpoint. */
function kindOf(config: ConfigSpace | undefined, device: PciDevice): PcieDevice['kind'] {
  const type = config?.pcie?.type;
  if (type !== undefined) return kinds[type];
  if (config?.headerType === bridgeHeader || device.classCode?.startsWith(bridgeClass) === true)
    return 'bridge';
  return config?.headerType === 0 && device.currentWidth !== undefined ? 'endpoint' : 'other';
}

/** Current and possible link of a device as sysfs has them; undefined where it has none, or the link is down. */
export function linkOf(device: PciDevice): PcieLink | undefined {
  const { currentSpeedGTps, currentWidth, maxSpeedGTps, maxWidth } = device;
  if (currentWidth === undefined) return undefined;
  return present({ currentSpeedGTps, currentWidth, maxSpeedGTps, maxWidth });
}

function acsOf({ capabilityBits, controlBits }: AcsCapability): NonNullable<PcieDevice['acs']> {
  const namesOf = (bits: number): AcsControl[] =>
    acsControls.filter(([, bit]) => (bits & bit) !== 0).map(([name]) => name);
  return { capable: namesOf(capabilityBits), enabled: namesOf(controlBits) };
}

/** Whose neighbours are looked for, and the bridge right above it. */
interface Card {
  readonly address: PciAddress;
  readonly parent: Pick<PcieDevice, 'address' | 'kind'>;
}

/**
 * Endpoints below a bridge without the card's own functions, without VFs. A PCIe link leads to one device, so everything
 * right below the port above the card is the card, also functions that ARI numbers beyond 7.
 */
function listAlsoBelow(files: FileTree, bridge: PciAddress, card: Card): string[] {
  const own = card.address.slice(0, card.address.indexOf('.') + 1);
  const isPort = card.parent.kind === 'root-port' || card.parent.kind === 'downstream-port';
  const found: string[] = [];
  const seen = new Set<string>();
  const walk = (above: PciAddress): void => {
    if (seen.has(above) || (isPort && above === card.parent.address)) return;
    seen.add(above);
    for (const name of files.list(devicePath(above))) {
      const child = parsePciAddress(name);
      if (child === undefined || child.startsWith(own)) continue;
      if (readClassCode(files, child)?.startsWith(bridgeClass) === true) walk(child);
      else if (readPhysfn(files, child) === undefined) found.push(child);
    }
  };
  walk(bridge);
  return found.sort();
}
