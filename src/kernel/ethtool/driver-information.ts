// Owns what an interface's driver says of itself by SIOCETHTOOL: name, versions, bus address, permanent address.
// Netlink has no message for these. Structures: include/uapi/linux/ethtool.h.

import { VfleetError } from '../../base/errors.ts';
import { present } from '../../base/present.ts';
import { hardwareAddress, text } from '../netlink/attributes.ts';
import { isErrno } from '../kernel.ts';
import type { Kernel } from '../kernel.ts';

export type EthtoolPort = Pick<Kernel, 'ethtoolIoctl'>;

export const ETHTOOL_GDRVINFO = 0x03;
export const ETHTOOL_GPERMADDR = 0x20;

// struct ethtool_drvinfo: command, then fixed-width texts, NUL-terminated.
export const driverInfoBytes = 196;
const textBytes = 32;
const driverOffset = 4;
const versionOffset = 36;
const firmwareOffset = 68;
const busOffset = 100;

/** MAX_ADDR_LEN, include/linux/netdevice.h. */
const maxAddressBytes = 32;
/** struct ethtool_perm_addr: command, size, then the address. */
const permanentAddressHeaderBytes = 8;

/** A field is absent when the driver leaves it empty or says `N/A`. */
export interface DriverInformation {
  readonly driver?: string;
  /** The driver's version; most drivers of the kernel's own tree give the kernel's release. */
  readonly version?: string;
  readonly firmwareVersion?: string;
  /** PCI address of the device, or the name on its own bus. */
  readonly busAddress?: string;
}

/** Refusals that mean absence: the driver has no such operation; the interface is gone or its device asleep. */
export const absentErrnos: readonly string[] = ['EOPNOTSUPP', 'ENODEV'];

/**
 * Makes one request; undefined when it means absence. The answer is as long as the request, or it is malformed.
 * Throws `kernel.refused`, `kernel.malformed`.
 */
export async function askDriver(
  kernel: EthtoolPort,
  ifName: string,
  operation: string,
  request: Uint8Array,
): Promise<Uint8Array | undefined> {
  const answer = await kernel.ethtoolIoctl(ifName, request);
  if (!isErrno(answer)) {
    if (answer.byteLength === request.byteLength) return answer;
    throw new VfleetError('kernel.malformed', `${operation} ${ifName}: ${answer.byteLength} bytes came back`);
  }
  if (absentErrnos.includes(answer.errno)) return undefined;
  throw new VfleetError('kernel.refused', `${operation} ${ifName}: ${answer.errno}`, {
    details: { operation: `${operation} ${ifName}`, errno: answer.errno },
  });
}

/** A request: the command, and what else the structure has, as 32-bit words. */
export function requestOf(sizeBytes: number, ...words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  const view = new DataView(bytes.buffer);
  words.forEach((word, index) => view.setUint32(4 * index, word, true));
  return bytes;
}

/** Reads ETHTOOL_GDRVINFO. Undefined when the interface is gone or its driver tells nothing. */
export async function readDriverInformation(
  kernel: EthtoolPort,
  ifName: string,
): Promise<DriverInformation | undefined> {
  const request = requestOf(driverInfoBytes, ETHTOOL_GDRVINFO);
  const answer = await askDriver(kernel, ifName, 'ETHTOOL_GDRVINFO', request);
  return answer === undefined ? undefined : decodeDriverInformation(answer);
}

/** Reads struct ethtool_drvinfo. Throws `kernel.malformed` when it is cut off. */
export function decodeDriverInformation(bytes: Uint8Array): DriverInformation {
  if (bytes.byteLength < driverInfoBytes)
    throw new VfleetError('kernel.malformed', `a driver information of ${bytes.byteLength} bytes is cut off`);
  const fieldAt = (offset: number): string | undefined => {
    const field = text.decode(bytes.subarray(offset, offset + textBytes)).trim();
    return field === '' || field === 'N/A' ? undefined : field;
  };
  return present({
    driver: fieldAt(driverOffset),
    version: fieldAt(versionOffset),
    firmwareVersion: fieldAt(firmwareOffset),
    busAddress: fieldAt(busOffset),
  });
}

/** Writes struct ethtool_drvinfo, for the simulated host. Texts over 31 bytes are cut off, as the kernel does. */
export function encodeDriverInformation(information: DriverInformation): Uint8Array {
  const bytes = requestOf(driverInfoBytes, ETHTOOL_GDRVINFO);
  const put = (offset: number, field: string | undefined): void => {
    bytes.set(Buffer.from(field ?? '').subarray(0, textBytes - 1), offset);
  };
  put(driverOffset, information.driver);
  put(versionOffset, information.version);
  put(firmwareOffset, information.firmwareVersion ?? 'N/A');
  put(busOffset, information.busAddress);
  return bytes;
}

/** The address burnt into the card. Undefined when the interface is gone or its device has none. */
export async function readPermanentAddress(kernel: EthtoolPort, ifName: string): Promise<string | undefined> {
  const request = requestOf(
    permanentAddressHeaderBytes + maxAddressBytes,
    ETHTOOL_GPERMADDR,
    maxAddressBytes,
  );
  const answer = await askDriver(kernel, ifName, 'ETHTOOL_GPERMADDR', request);
  return answer === undefined ? undefined : decodePermanentAddress(answer);
}

/** Reads struct ethtool_perm_addr; zeros mean that there is none. Throws `kernel.malformed`. */
export function decodePermanentAddress(bytes: Uint8Array): string | undefined {
  if (bytes.byteLength < permanentAddressHeaderBytes)
    throw new VfleetError('kernel.malformed', 'a permanent address is cut off');
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  if (size > bytes.byteLength - permanentAddressHeaderBytes)
    throw new VfleetError('kernel.malformed', `a permanent address of ${size} bytes does not fit`);
  const address = bytes.subarray(permanentAddressHeaderBytes, permanentAddressHeaderBytes + size);
  return address.every((byte) => byte === 0) ? undefined : hardwareAddress.decode(address);
}

/** Writes struct ethtool_perm_addr of a given size, for the simulated host. */
export function encodePermanentAddress(address: string, sizeBytes: number): Uint8Array {
  const value = hardwareAddress.encode(address);
  const bytes = requestOf(sizeBytes, ETHTOOL_GPERMADDR, value.byteLength);
  bytes.set(value, permanentAddressHeaderBytes);
  return bytes;
}
