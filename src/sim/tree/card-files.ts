// Owns what the folder of a PCI function says of the card: address space, resets, product data, RDMA; and the slots.
// Sources: Documentation/ABI/testing/sysfs-bus-pci, drivers/pci/pci-sysfs.c (resource), vpd.c, slot.c, iov.c.

import { encodeVitalProductData } from '../../kernel/pci-config/vital-product-data.ts';
import type { SimHost } from '../host.ts';
import type { SimFunction } from '../host-index.ts';
import { rdmaDevicesOf } from '../rdma.ts';
import { vfSpacesOf } from '../vf-space.ts';
import { vfResetMethodFile } from './device-writes.ts';
import type { FileNode, FolderNode, FolderTable, TreeNode } from './node.ts';
import { folderOf, line, link } from './node.ts';
import { functionPath } from './places.ts';

export interface FunctionSubject {
  readonly host: SimHost;
  readonly fn: SimFunction;
}

/** Lines of `resource`: six BARs, the ROM, six VF BARs; bridges have their windows behind. */
const resourceLines = 13;
const firstVfResource = 7;
const bridgeResourceLines = 17;
/** IORESOURCE_MEM, SIZEALIGN; PREFETCH; MEM_64 (include/linux/ioport.h), the latter with their bits of the register. */
const memoryFlags = 0x40200n;
const prefetchFlag = 0x2008n;
const is64BitFlag = 0x100004n;
const noResource = resourceLine(0n, 0n, 0n);

export const cardFiles: FolderTable<FunctionSubject> = {
  infiniband: ({ host, fn }) => rdmaFolder(host, fn),
  reset_method: ({ host, fn }) => resetMethodFile(host, fn),
  resource: ({ fn }) => line(resourcesOf(fn).join('\n')),
  sriov_vf_total_msix: ({ fn }) => (fn.role === 'pf' ? totalMsixFile(fn) : undefined),
  vpd: (subject) => vpdFile(subject),
};

function resourceLine(start: bigint, end: bigint, flags: bigint): string {
  return [start, end, flags].map((value) => `0x${value.toString(16).padStart(16, '0')}`).join(' ');
}

function resourcesOf(fn: SimFunction): string[] {
  const count = fn.role === 'bridge' ? bridgeResourceLines : resourceLines;
  const lines = Array.from({ length: count }, () => noResource);
  if (fn.role !== 'pf') return lines;
  for (const { bar, sizeBytes, start } of vfSpacesOf(fn.profile)) {
    // A resource without a place is forgotten whole (drivers/pci/setup-bus.c reset_resource).
    if (start === undefined) continue;
    const flags = memoryFlags | (bar.prefetchable ? prefetchFlag : 0n) | (bar.is64Bit ? is64BitFlag : 0n);
    lines[firstVfResource + bar.index] = resourceLine(start, start + sizeBytes - 1n, flags);
  }
  return lines;
}

/** Endpoints have function-level reset here; alone behind its port, a card can be reset by its bus as well. */
function resetMethodFile(host: SimHost, fn: SimFunction): TreeNode | undefined {
  if (fn.role === 'vf') return vfResetMethodFile(host, fn);
  if (fn.role === 'bridge') return undefined;
  if (fn.role === 'nic') return line('pm bus');
  const isAlone = fn.role === 'pf' && fn.profile.card.pci?.multifunction !== true && fn.pf.vfs.length === 0;
  return line(isAlone ? 'flr bus' : 'flr');
}

function totalMsixFile(fn: Extract<SimFunction, { role: 'pf' }>): FileNode {
  const isBound = fn.pf.driver === fn.profile.card.driver;
  return {
    kind: 'file',
    about: { pf: fn.address },
    lock: () => fn.address,
    read: () => `${isBound ? (fn.profile.card.pci?.vfTotalMsix ?? 0) : 0}\n`,
  };
}

/** For root only (mode 0600), and cards answer slowly: vfleet's own reader waits for them. */
function vpdFile({ host, fn }: FunctionSubject): FileNode | undefined {
  const vpd = fn.role === 'pf' ? fn.profile.card.pci?.vpd : undefined;
  if (vpd === undefined) return undefined;
  return {
    kind: 'file',
    about: { pf: fn.address },
    read: () => (host.hasCapability('CAP_DAC_OVERRIDE') ? encodeVitalProductData(vpd) : { errno: 'EACCES' }),
  };
}

function rdmaFolder(host: SimHost, fn: SimFunction): FolderNode | undefined {
  const own = rdmaDevicesOf(host).filter(({ pf }) => fn.role === 'pf' && pf === fn.pf);
  if (own.length === 0) return undefined;
  const port = folderOf({ link_layer: line('Ethernet'), state: line('4: ACTIVE') });
  return folderOf(
    Object.fromEntries(own.map(({ name }) => [name, folderOf({ ports: folderOf({ '1': port }) })])),
  );
}

/** /sys/class/infiniband. */
export function rdmaClassFolder(host: SimHost): FolderNode {
  const links = rdmaDevicesOf(host).flatMap(({ name, pf }) => {
    const fn = host.index.functions.get(pf.address);
    return fn === undefined ? [] : [[name, link(`${functionPath(fn)}/infiniband/${name}`)] as const];
  });
  return folderOf(Object.fromEntries(links));
}

/** /sys/bus/pci/slots. */
export function slotsFolder(host: SimHost): FolderNode {
  const slots = host.profile.rootPorts.flatMap(({ slot, address, secondaryBus }) => {
    if (slot === undefined) return [];
    const bus = secondaryBus.toString(16).padStart(2, '0');
    return [[slot, folderOf({ address: line(`${address.slice(0, 4)}:${bus}:00`) })] as const];
  });
  return folderOf(Object.fromEntries(slots));
}
