// Owns the sriov_* files of a PF: which PFs there are, what they hold, where their VFs are.
// Reads only; a change of the number of VFs is in sriov-change.ts.

import type { PciAddress, PfAddress, VfIndex } from '../../base/identifiers.ts';
import { hex, parsePciAddress, parsePfAddress, splitPfAddress } from '../../base/identifiers.ts';
import { VfleetError } from '../../base/errors.ts';
import { parseInteger, readHex, readInteger, readLinkName, readText, textOf } from '../file-text.ts';
import { isErrno } from '../kernel.ts';
import type { FileTree } from '../kernel.ts';
import { devicePath } from './device.ts';
import { listPciDevices, readClassCode } from './pci-device.ts';

/** Buses besides PCI whose devices have an `sriov_numvfs` file. */
const otherBuses = ['netdevsim'];
const networkBaseClass = '02';
const virtfnPattern = /^virtfn(0|[1-9][0-9]{0,4})$/;

/** The sriov_* files of a PF (Documentation/ABI/testing/sysfs-bus-pci, drivers/pci/iov.c). */
export interface SriovFiles {
  /** The most VFs that the driver allows now. netdevsim: `max_vfs` of its debugfs, 0 when debugfs cannot be read. */
  readonly totalVfs: number;
  /** VFs that are there now: the `virtfnN` links of a PCI device, counted without waiting for its lock. */
  readonly numVfs: number;
  /** FirstVFOffset and VFStride in requester IDs; undefined where there are none (other buses). */
  readonly offset: number | undefined;
  readonly stride: number | undefined;
  /** PCI device ID of the VFs, four hex digits. */
  readonly vfDeviceId: string | undefined;
  /** Whether new VFs get a driver by themselves; undefined on other buses. */
  readonly driversAutoprobe: boolean | undefined;
}

/**
 * Network devices that can have VFs: PCI devices of class 02 with `sriov_totalvfs`, and devices of netdevsim's bus.
 * One stat for each PCI device: VFs and everything else are passed over without a read.
 */
export function listSriovPfs(files: FileTree): readonly PfAddress[] {
  const pfs: PfAddress[] = listPciDevices(files).filter(
    (address) =>
      files.identity(`${devicePath(address)}/sriov_totalvfs`) !== undefined &&
      readClassCode(files, address)?.startsWith(networkBaseClass) === true,
  );
  for (const bus of otherBuses) {
    for (const device of files.list(`/sys/bus/${bus}/devices`)) {
      const address = parsePfAddress(`${bus}/${device}`);
      if (address === undefined || files.identity(numVfsPath(address)) === undefined) continue;
      pfs.push(address);
    }
  }
  return pfs;
}

/** The sriov_* files of a PF, undefined when the device is no PF or is not there. */
export function readSriov(files: FileTree, pf: PfAddress): SriovFiles | undefined {
  const path = devicePath(pf);
  if (splitPfAddress(pf).bus !== 'pci') return readOtherSriov(files, pf);
  const totalVfs = readInteger(files, `${path}/sriov_totalvfs`);
  if (totalVfs === undefined) return undefined;
  const vfDevice = readHex(files, `${path}/sriov_vf_device`);
  return {
    totalVfs,
    numVfs: listVirtfns(files, pf).size,
    offset: readInteger(files, `${path}/sriov_offset`),
    stride: readInteger(files, `${path}/sriov_stride`),
    vfDeviceId: vfDevice === undefined ? undefined : hex(vfDevice, 4),
    driversAutoprobe: readDriversAutoprobe(files, pf),
  };
}

/** Whether new VFs of the PF get a driver by themselves; undefined where there is no such switch. */
export function readDriversAutoprobe(files: FileTree, pf: PfAddress): boolean | undefined {
  const text = readText(files, driversAutoprobePath(pf));
  return text === '1' || text === '0' ? text === '1' : undefined;
}

/**
 * The number of VFs in the kernel's own words. In kernels 5.5 to 6.8 this waits for the device lock, which a change of
 * the number holds for minutes (drivers/pci/iov.c sriov_numvfs_show): therefore a child process with a bound.
 * `kernel.timeout`; `kernel.absent` when the device has no such file; `kernel.malformed`.
 */
export async function readNumVfs(files: FileTree, pf: PfAddress, timeoutMs: number): Promise<number> {
  const path = numVfsPath(pf);
  const answer = await files.readWaiting(path, timeoutMs);
  if (isErrno(answer)) {
    throw new VfleetError('kernel.absent', `${pf} has no readable sriov_numvfs (${answer.errno})`, {
      details: { pf, operation: 'read sriov_numvfs', errno: answer.errno, file: path },
    });
  }
  const count = parseInteger(textOf(answer));
  if (count === undefined || count < 0) {
    throw new VfleetError('kernel.malformed', `sriov_numvfs of ${pf} holds no number`, {
      details: { pf, operation: 'read sriov_numvfs', file: path },
    });
  }
  return count;
}

/**
 * PCI addresses of a PF's VFs by index, from the `virtfnN` links and in the order of the index. The index says nothing
 * about the address. Empty on other buses. While VFs are being made, the map holds those that are ready.
 */
export function listVirtfns(files: FileTree, pf: PfAddress): ReadonlyMap<VfIndex, PciAddress> {
  const path = devicePath(pf);
  const found: [VfIndex, PciAddress][] = [];
  for (const name of files.list(path)) {
    const match = virtfnPattern.exec(name);
    if (match === null) continue;
    const address = parsePciAddress(readLinkName(files, `${path}/${name}`) ?? '');
    if (address !== undefined) found.push([Number(match[1]) as VfIndex, address]);
  }
  return new Map(found.sort(([a], [b]) => a - b));
}

/** PCI address of one VF, as {@link listVirtfns} has it; undefined when there is no such VF. */
export function readVirtfn(files: FileTree, pf: PfAddress, index: number): PciAddress | undefined {
  return parsePciAddress(readLinkName(files, `${devicePath(pf)}/virtfn${index}`) ?? '');
}

/** File that holds and sets the number of VFs. Reading it may wait: see {@link readNumVfs}. */
export function numVfsPath(pf: PfAddress): string {
  return `${devicePath(pf)}/sriov_numvfs`;
}

/** File that says whether new VFs get a driver by themselves. */
export function driversAutoprobePath(pf: PfAddress): string {
  return `${devicePath(pf)}/sriov_drivers_autoprobe`;
}

// netdevsim answers sriov_numvfs without a lock (drivers/net/netdevsim/bus.c nsim_bus_dev_numvfs_show).
function readOtherSriov(files: FileTree, pf: PfAddress): SriovFiles | undefined {
  const { bus, device } = splitPfAddress(pf);
  const numVfs = readInteger(files, numVfsPath(pf));
  if (numVfs === undefined) return undefined;
  return {
    totalVfs: readInteger(files, `/sys/kernel/debug/${bus}/${device}/max_vfs`) ?? 0,
    numVfs,
    offset: undefined,
    stride: undefined,
    vfDeviceId: undefined,
    driversAutoprobe: undefined,
  };
}
