// Owns the text form of IP addresses: bytes to text as inet_ntop(3) writes it, and back.
// Nothing of subnets or scopes.

import { isIPv4, isIPv6 } from 'node:net';
import { VfleetError } from '../../base/errors.ts';

export const ipv4Bytes = 4;
export const ipv6Bytes = 16;
const ipv6Groups = 8;

/** Text of 4 or 16 bytes; IPv6 in the form of RFC 5952. Throws `kernel.malformed` for any other length. */
export function formatIpAddress(bytes: Uint8Array): string {
  if (bytes.byteLength === ipv4Bytes) return bytes.join('.');
  if (bytes.byteLength === ipv6Bytes) return formatIpv6(bytes);
  throw new VfleetError('kernel.malformed', `an IP address of ${bytes.byteLength} bytes`);
}

function formatIpv6(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const groups = Array.from({ length: ipv6Groups }, (_, index) => view.getUint16(2 * index));
  // An IPv4 address in IPv6 (RFC 4291, 2.5.5.2) keeps its dots.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return `::ffff:${bytes.subarray(12).join('.')}`;
  const run = longestZeroRun(groups);
  const texts = groups.map((group) => group.toString(16));
  if (run.length < 2) return texts.join(':');
  const before = texts.slice(0, run.start).join(':');
  const after = texts.slice(run.start + run.length).join(':');
  return `${before}::${after}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, index) => {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  });
  return best;
}

/** Bytes of an address in text form, undefined when it is none. A zone (`%eth0`) is not part of an address. */
export function parseIpAddress(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const dotted = text.lastIndexOf('.') < 0 ? undefined : text.slice(text.lastIndexOf(':') + 1);
  const [a = 0, b = 0, c = 0, d = 0] = dotted?.split('.').map(Number) ?? [];
  const hex =
    dotted === undefined
      ? text
      : text.slice(0, -dotted.length) + [(a << 8) | b, (c << 8) | d].map((n) => n.toString(16)).join(':');
  const [head = '', tail] = hex.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: ipv6Groups - before.length - after.length }, () => '0');
  const bytes = new Uint8Array(ipv6Bytes);
  const view = new DataView(bytes.buffer);
  [...before, ...zeros, ...after].forEach((group, index) => view.setUint16(2 * index, parseInt(group, 16)));
  return bytes;
}
