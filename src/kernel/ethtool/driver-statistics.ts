// Owns a driver's own counters, read by SIOCETHTOOL: netlink does not carry them.
// Their names and number are the driver's business and can change while they are read.
// Structures: include/uapi/linux/ethtool.h (ethtool_sset_info, ethtool_gstrings, ethtool_stats).

import { VfleetError } from '../../base/errors.ts';
import { text } from '../netlink/attributes.ts';
import { askDriver, requestOf } from './driver-information.ts';
import type { EthtoolPort } from './driver-information.ts';

export const ETHTOOL_GSTRINGS = 0x1b;
export const ETHTOOL_GSTATS = 0x1d;
export const ETHTOOL_GSSET_INFO = 0x37;
export const ETH_SS_STATS = 1;

/** struct ethtool_sset_info: command, reserved, 64-bit mask, then one count per bit. */
const stringSetHeaderBytes = 16;
/** struct ethtool_gstrings: command, string set, count, then names of 32 bytes. */
const stringsHeaderBytes = 12;
const nameBytes = 32;
/** struct ethtool_stats: command, count, then 64-bit values. */
const valuesHeaderBytes = 8;
const valueBytes = 8;
/** The largest seen are some 10,000 (mlx5 with 128 channels); more is no answer to trust. */
const maxCounters = 65_536;
/** The three requests fit together only if the driver's set of counters did not change meanwhile. */
const maxAttempts = 3;

function viewOf(bytes: Uint8Array, sizeBytes: number, what: string): DataView {
  if (bytes.byteLength < sizeBytes)
    throw new VfleetError('kernel.malformed', `${what} of ${bytes.byteLength} bytes is cut off`);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Number of counters that ethtool_sset_info says; undefined when the driver has none. Throws `kernel.malformed`. */
export function decodeCounterCount(bytes: Uint8Array): number | undefined {
  const view = viewOf(bytes, stringSetHeaderBytes + 4, 'a string set information');
  // The kernel clears the bits of sets that the driver does not have.
  if ((view.getUint32(8, true) & (1 << ETH_SS_STATS)) === 0) return undefined;
  const count = view.getUint32(stringSetHeaderBytes, true);
  if (count > maxCounters)
    throw new VfleetError('kernel.malformed', `a driver claims to have ${count} counters`);
  return count === 0 ? undefined : count;
}

/** Names in ethtool_gstrings. Throws `kernel.malformed` when fewer are there than it says. */
export function decodeCounterNames(bytes: Uint8Array): string[] {
  const count = viewOf(bytes, stringsHeaderBytes, 'a set of counter names').getUint32(8, true);
  if (count > maxCounters || bytes.byteLength < stringsHeaderBytes + count * nameBytes)
    throw new VfleetError(
      'kernel.malformed',
      `${count} counter names do not fit in ${bytes.byteLength} bytes`,
    );
  return Array.from({ length: count }, (_, index) => {
    const offset = stringsHeaderBytes + index * nameBytes;
    return text.decode(bytes.subarray(offset, offset + nameBytes)).trim();
  });
}

/** Values in ethtool_stats. Throws `kernel.malformed` when fewer are there than it says. */
export function decodeCounterValues(bytes: Uint8Array): number[] {
  const view = viewOf(bytes, valuesHeaderBytes, 'a set of counters');
  const count = view.getUint32(4, true);
  if (count > maxCounters || bytes.byteLength < valuesHeaderBytes + count * valueBytes)
    throw new VfleetError('kernel.malformed', `${count} counters do not fit in ${bytes.byteLength} bytes`);
  return Array.from({ length: count }, (_, index) =>
    Number(view.getBigUint64(valuesHeaderBytes + index * valueBytes, true)),
  );
}

/**
 * Reads the driver's counters by the driver's names, exact up to 2^53. Undefined when the interface is gone, the
 * driver has none, or their number changed at each of three attempts.
 * Throws `kernel.refused`, `kernel.malformed`.
 */
export async function readDriverStatistics(
  kernel: EthtoolPort,
  ifName: string,
): Promise<Map<string, number> | undefined> {
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const known = await askDriver(kernel, ifName, 'ETHTOOL_GSSET_INFO', encodeCountRequest());
    const count = known === undefined ? undefined : decodeCounterCount(known);
    if (count === undefined) return undefined;
    const namesRequest = requestOf(
      stringsHeaderBytes + count * nameBytes,
      ETHTOOL_GSTRINGS,
      ETH_SS_STATS,
      count,
    );
    const named = await askDriver(kernel, ifName, 'ETHTOOL_GSTRINGS', namesRequest);
    if (named === undefined) return undefined;
    // A kernel that found more writes no more than was asked for (local kernel: see ethtool-ioctl.ts), but says more.
    if (countIn(named, 8) !== count) continue;
    const valuesRequest = requestOf(valuesHeaderBytes + count * valueBytes, ETHTOOL_GSTATS, count);
    const valued = await askDriver(kernel, ifName, 'ETHTOOL_GSTATS', valuesRequest);
    if (valued === undefined) return undefined;
    if (countIn(valued, 4) !== count) continue;
    return joinCounters(decodeCounterNames(named), decodeCounterValues(valued));
  }
  return undefined;
}

function countIn(bytes: Uint8Array, offset: number): number {
  return viewOf(bytes, offset + 4, 'an answer of SIOCETHTOOL').getUint32(offset, true);
}

/** Request for the number of counters. */
export function encodeCountRequest(): Uint8Array {
  return requestOf(stringSetHeaderBytes + 4, ETHTOOL_GSSET_INFO, 0, 1 << ETH_SS_STATS, 0);
}

/** Drivers leave names empty for counters that are not in use; a name that comes twice keeps its first value. */
function joinCounters(names: readonly string[], values: readonly number[]): Map<string, number> {
  const counters = new Map<string, number>();
  names.forEach((name, index) => {
    const value = values[index];
    if (name !== '' && value !== undefined && !counters.has(name)) counters.set(name, value);
  });
  return counters;
}

/**
 * Answers one of the three requests from a list of counters as the kernel does, in an array as long as the request;
 * for the simulated host. Undefined for another request.
 */
export function answerCounterRequest(
  request: Uint8Array,
  counters: ReadonlyMap<string, number>,
): Uint8Array | undefined {
  const answer = Uint8Array.from(request);
  const view = viewOf(answer, 4, 'a request');
  switch (view.getUint32(0, true)) {
    case ETHTOOL_GSSET_INFO: {
      const has = counters.size > 0 && (view.getUint32(8, true) & (1 << ETH_SS_STATS)) !== 0;
      view.setBigUint64(8, has ? BigInt(1 << ETH_SS_STATS) : 0n, true);
      if (has) view.setUint32(stringSetHeaderBytes, counters.size, true);
      return answer;
    }
    case ETHTOOL_GSTRINGS: {
      view.setUint32(8, counters.size, true);
      let offset = stringsHeaderBytes;
      for (const name of counters.keys()) {
        if (offset + nameBytes > answer.byteLength) break;
        answer.set(Buffer.from(name).subarray(0, nameBytes - 1), offset);
        offset += nameBytes;
      }
      return answer;
    }
    case ETHTOOL_GSTATS: {
      view.setUint32(4, counters.size, true);
      let offset = valuesHeaderBytes;
      for (const value of counters.values()) {
        if (offset + valueBytes > answer.byteLength) break;
        view.setBigUint64(offset, BigInt(value), true);
        offset += valueBytes;
      }
      return answer;
    }
    default:
      return undefined;
  }
}
