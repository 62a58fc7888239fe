// Owns the bytes of configuration space of a simulated PCI function: header, PCI Express, MSI-X, AER, ARI, SR-IOV, ACS.
// Layouts: PCIe Base Specification and include/uapi/linux/pci_regs.h. Who may read how much is in tree/.

import { hex } from '../base/identifiers.ts';
import {
  PCI_ACS_CAP,
  PCI_ACS_CR,
  PCI_ACS_CTRL,
  PCI_ACS_RR,
  PCI_ACS_SV,
  PCI_ACS_UF,
  PCI_ARI_CAP,
  PCI_BASE_ADDRESS_MEM_PREFETCH,
  PCI_BASE_ADDRESS_MEM_TYPE_64,
  PCI_CAP_ID_EXP,
  PCI_CAP_ID_MSIX,
  PCI_CAPABILITY_LIST,
  PCI_DEVICE_ID,
  PCI_EXP_DEVCAP,
  PCI_EXP_DEVCAP2,
  PCI_EXP_DEVCAP2_ARI,
  PCI_EXP_DEVCAP_FLR,
  PCI_EXP_DEVCTL,
  PCI_EXP_DEVCTL2,
  PCI_EXP_DEVCTL2_ARI,
  PCI_EXP_FLAGS,
  PCI_EXP_LNKCAP,
  PCI_EXP_LNKSTA,
  PCI_EXT_CAP_ID_ACS,
  PCI_EXT_CAP_ID_ARI,
  PCI_EXT_CAP_ID_DSN,
  PCI_EXT_CAP_ID_ERR,
  PCI_EXT_CAP_ID_SRIOV,
  PCI_HEADER_TYPE,
  PCI_HEADER_TYPE_MFD,
  PCI_MSIX_FLAGS,
  PCI_MSIX_FLAGS_ENABLE,
  PCI_SRIOV_BAR,
  PCI_SRIOV_CTRL,
  PCI_SRIOV_CTRL_ARI,
  PCI_SRIOV_CTRL_MSE,
  PCI_SRIOV_CTRL_VFE,
  PCI_SRIOV_INITIAL_VF,
  PCI_SRIOV_NUM_VF,
  PCI_SRIOV_SUP_PGSIZE,
  PCI_SRIOV_SYS_PGSIZE,
  PCI_SRIOV_TOTAL_VF,
  PCI_SRIOV_VF_DID,
  PCI_SRIOV_VF_OFFSET,
  PCI_SRIOV_VF_STRIDE,
  PCI_STATUS,
  PCI_STATUS_CAP_LIST,
  PCI_VENDOR_ID,
} from '../kernel/pci-config/registers.ts';
import { driverOf } from './host-index.ts';
import type { SimFunction } from './host-index.ts';
import type { SimPcieLink } from './pcie-link.ts';
import { pcieLinkOf } from './pcie-link.ts';
import type { SimPciCard, SimProfile } from './profile.ts';
import { vfSpacesOf } from './vf-space.ts';

const extendedBytes = 4096;
const pcieOffset = 0x40;
const msixOffset = 0x90;
// Device/Port Type and version 2 of the capability.
const pcieEndpoint = 0x0002;
const pcieRootPort = 0x0042;
// A maximum payload of 256 bytes, set and possible; read requests of 512.
const payload256 = 0x1;
const deviceControl = (0x2 << 12) | (payload256 << 5);
const linkSpeeds = [2.5, 5, 8, 16, 32, 64];
// What hardware offers (bits 0, 1, 4, 6, 8 and 10: 4 KiB to 4 MiB) and what Linux on x86 sets.
const supportedPageSizes = 0x553;
const systemPageSize = 0x1;
/** The whole 4096 bytes of a function. */
export function buildConfigSpace(host: SimProfile, fn: SimFunction): Uint8Array {
  const bytes = new Uint8Array(extendedBytes);
  const view = new DataView(bytes.buffer);
  const link = pcieLinkOf(host, fn);
  if (fn.role === 'bridge') writeRootPort(view, fn.port, link);
  else if (fn.role === 'nic') writeNic(view, fn.nic, link);
  else if (fn.role === 'pf') writePf(view, fn, link);
  else writeVf(view, fn);
  return bytes;
}

function writeHeader(view: DataView, header: { vendor: number; device: number; classCode: number }): void {
  view.setUint16(PCI_VENDOR_ID, header.vendor, true);
  view.setUint16(PCI_DEVICE_ID, header.device, true);
  view.setUint16(0x04, 0x0406, true);
  view.setUint16(PCI_STATUS, PCI_STATUS_CAP_LIST, true);
  view.setUint8(0x09, header.classCode & 0xff);
  view.setUint8(0x0a, (header.classCode >> 8) & 0xff);
  view.setUint8(0x0b, header.classCode >> 16);
  view.setUint8(PCI_CAPABILITY_LIST, pcieOffset);
}

function writePcie(view: DataView, next: number, type: number, link: SimPcieLink | undefined): void {
  view.setUint8(pcieOffset, PCI_CAP_ID_EXP);
  view.setUint8(pcieOffset + 1, next);
  view.setUint16(pcieOffset + PCI_EXP_FLAGS, type, true);
  const isEndpoint = type === pcieEndpoint;
  view.setUint32(pcieOffset + PCI_EXP_DEVCAP, payload256 | (isEndpoint ? PCI_EXP_DEVCAP_FLR : 0), true);
  view.setUint16(pcieOffset + PCI_EXP_DEVCTL, deviceControl, true);
  if (link !== undefined) {
    const capabilities = speedCode(link.maxSpeedGTps) | (link.maxWidth << 4);
    view.setUint32(pcieOffset + PCI_EXP_LNKCAP, capabilities, true);
    view.setUint16(pcieOffset + PCI_EXP_LNKSTA, speedCode(link.speedGTps) | (link.width << 4), true);
  }
  if (isEndpoint) return;
  view.setUint32(pcieOffset + PCI_EXP_DEVCAP2, PCI_EXP_DEVCAP2_ARI, true);
  view.setUint16(pcieOffset + PCI_EXP_DEVCTL2, PCI_EXP_DEVCTL2_ARI, true);
}

function speedCode(speedGTps: number): number {
  return linkSpeeds.indexOf(speedGTps) + 1;
}

function writeMsix(view: DataView, vectors: number, enabled: boolean): void {
  view.setUint8(msixOffset, PCI_CAP_ID_MSIX);
  view.setUint16(msixOffset + PCI_MSIX_FLAGS, (vectors - 1) | (enabled ? PCI_MSIX_FLAGS_ENABLE : 0), true);
  // Table and pending bits in BAR 3.
  view.setUint32(msixOffset + 4, 0x3, true);
  view.setUint32(msixOffset + 8, 0x2003, true);
}

/** Extended capabilities one after another; each writes its registers behind its header. */
function writeExtended(
  view: DataView,
  capabilities: readonly { id: number; version: number; sizeBytes: number; write?: (at: number) => void }[],
): void {
  let offset = 0x100;
  capabilities.forEach(({ id, version, sizeBytes, write }, index) => {
    const next = index === capabilities.length - 1 ? 0 : offset + sizeBytes;
    view.setUint32(offset, id | (version << 16) | (next << 20), true);
    write?.(offset);
    offset += sizeBytes;
  });
}

const aerCapability = { id: PCI_EXT_CAP_ID_ERR, version: 2, sizeBytes: 0x48 };

function acsCapability(view: DataView): Parameters<typeof writeExtended>[1][number] {
  const controls = PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF;
  return {
    id: PCI_EXT_CAP_ID_ACS,
    version: 1,
    sizeBytes: 8,
    write: (at) => {
      view.setUint16(at + PCI_ACS_CAP, controls, true);
      view.setUint16(at + PCI_ACS_CTRL, controls, true);
    },
  };
}

function writeRootPort(
  view: DataView,
  port: Extract<SimFunction, { role: 'bridge' }>['port'],
  link: SimPcieLink | undefined,
): void {
  writeHeader(view, { vendor: word(port.vendorId), device: word(port.deviceId), classCode: 0x060400 });
  view.setUint8(PCI_HEADER_TYPE, 1);
  view.setUint8(0x18, parseInt(port.address.slice(5, 7), 16));
  view.setUint8(0x19, port.secondaryBus);
  view.setUint8(0x1a, port.subordinateBus);
  writePcie(view, 0, pcieRootPort, link);
  writeExtended(view, port.acs ? [aerCapability, acsCapability(view)] : [aerCapability]);
}

function writeNic(
  view: DataView,
  nic: Extract<SimFunction, { role: 'nic' }>['nic'],
  link: SimPcieLink | undefined,
): void {
  writeHeader(view, { vendor: word(nic.vendorId), device: word(nic.deviceId), classCode: 0x020000 });
  writePcie(view, msixOffset, pcieEndpoint, link);
  writeMsix(view, 5, true);
  writeExtended(view, [aerCapability]);
}

function writePf(
  view: DataView,
  fn: Extract<SimFunction, { role: 'pf' }>,
  link: SimPcieLink | undefined,
): void {
  const { pci } = fn.profile.card;
  if (pci === undefined) return;
  writeHeader(view, { vendor: word(pci.vendorId), device: word(pci.deviceId), classCode: 0x020000 });
  view.setUint8(0x08, pci.revision);
  view.setUint8(PCI_HEADER_TYPE, pci.multifunction === true ? PCI_HEADER_TYPE_MFD : 0);
  writeSubsystem(view, pci);
  writePcie(view, msixOffset, pcieEndpoint, link);
  writeMsix(view, pci.msixVectors, driverOf(fn) !== undefined);
  const serial = {
    id: PCI_EXT_CAP_ID_DSN,
    version: 1,
    sizeBytes: 0xc,
    write: (at: number) => writeSerial(view, at, fn),
  };
  const ari = {
    id: PCI_EXT_CAP_ID_ARI,
    version: 1,
    sizeBytes: 8,
    write: (at: number) => view.setUint8(at + PCI_ARI_CAP + 1, 0),
  };
  const sriov = {
    id: PCI_EXT_CAP_ID_SRIOV,
    version: 1,
    sizeBytes: 0x40,
    write: (at: number) => writeSriov(view, at, fn, pci),
  };
  const isolation = pci.multifunction === true ? [acsCapability(view)] : [];
  writeExtended(view, [aerCapability, serial, ari, sriov, ...isolation]);
}

function writeSubsystem(view: DataView, pci: SimPciCard): void {
  view.setUint16(0x2c, word(pci.subsystemVendorId), true);
  view.setUint16(0x2e, word(pci.subsystemDeviceId), true);
}

/** The card's first address as an EUI-64. */
function writeSerial(view: DataView, at: number, fn: Extract<SimFunction, { role: 'pf' }>): void {
  const mac = fn.profile.mac.split(':').map((byte) => parseInt(byte, 16));
  const eui = [...mac.slice(0, 3), 0xff, 0xff, ...mac.slice(3)];
  eui.forEach((byte, index) => view.setUint8(at + 4 + 7 - index, byte));
}

function writeSriov(
  view: DataView,
  at: number,
  fn: Extract<SimFunction, { role: 'pf' }>,
  pci: SimPciCard,
): void {
  const { pf, profile } = fn;
  const numVfs = pf.vfs.length;
  const isFirst = fn.address.endsWith('.0');
  const enabled = numVfs > 0 ? PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE : 0;
  view.setUint16(at + PCI_SRIOV_CTRL, enabled | (isFirst ? PCI_SRIOV_CTRL_ARI : 0), true);
  const vfs = profile.card.capabilityVfs ?? profile.card.totalVfs;
  view.setUint16(at + PCI_SRIOV_INITIAL_VF, vfs, true);
  view.setUint16(at + PCI_SRIOV_TOTAL_VF, vfs, true);
  view.setUint16(at + PCI_SRIOV_NUM_VF, numVfs, true);
  view.setUint16(at + PCI_SRIOV_VF_OFFSET, profile.firstVfOffset, true);
  view.setUint16(at + PCI_SRIOV_VF_STRIDE, profile.vfStride, true);
  view.setUint16(at + PCI_SRIOV_VF_DID, word(pci.vfDeviceId), true);
  view.setUint32(at + PCI_SRIOV_SUP_PGSIZE, supportedPageSizes, true);
  view.setUint32(at + PCI_SRIOV_SYS_PGSIZE, systemPageSize, true);
  for (const { bar, start = 0n } of vfSpacesOf(profile)) {
    const kind =
      (bar.is64Bit ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0) |
      (bar.prefetchable ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0);
    const low = (Number(start & 0xffff_fff0n) | kind) >>> 0;
    view.setUint32(at + PCI_SRIOV_BAR + 4 * bar.index, low, true);
    if (bar.is64Bit) view.setUint32(at + PCI_SRIOV_BAR + 4 * (bar.index + 1), Number(start >> 32n), true);
  }
}

/** A VF answers all ones for its IDs (PCIe Base Specification, SR-IOV, VF configuration space); sysfs has the PF's word. */
function writeVf(view: DataView, fn: Extract<SimFunction, { role: 'vf' }>): void {
  const { pci } = fn.profile.card;
  if (pci === undefined) return;
  writeHeader(view, { vendor: 0xffff, device: 0xffff, classCode: 0x020000 });
  view.setUint8(0x08, pci.revision);
  writeSubsystem(view, pci);
  writePcie(view, msixOffset, pcieEndpoint, undefined);
  writeMsix(view, pci.vfMsixVectors, fn.vf.driver !== undefined);
  writeExtended(view, [aerCapability, { id: PCI_EXT_CAP_ID_ARI, version: 1, sizeBytes: 8 }]);
}

function word(digits: string): number {
  return parseInt(digits, 16);
}

/** Text of the `modalias` of a function, from which user space finds modules. */
export function modaliasOf(ids: { vendor: string; device: string }, classCode: number): string {
  const wide = (digits: string): string => digits.toUpperCase().padStart(8, '0');
  const base = hex(classCode >> 16, 2);
  const sub = hex((classCode >> 8) & 0xff, 2);
  return `pci:v${wide(ids.vendor)}d${wide(ids.device)}sv*sd*bc${base}sc${sub}i00`;
}
