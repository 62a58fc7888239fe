// Owns the files of /proc that list routes, as far as they say through which interfaces the default routes go.

import { readLines } from '../file-text.ts';
import type { FileTree } from '../kernel.ts';

/** Some 8,000 routes; IPv4 default routes come first, so a host with a full Internet table loses none of these. */
const maxBytes = 1024 * 1024;
/** RTF_UP and RTF_REJECT of include/uapi/linux/route.h. */
const routeUp = 0x1;
const routeReject = 0x200;
const zeroIpv6 = '0'.repeat(32);

/**
 * Names of the interfaces that the default routes of the main table go through, IPv4 and IPv6, each once. A route over
 * several next hops shows its first only (net/ipv4/fib_trie.c fib_route_seq_show, net/ipv6/ip6_fib.c
 * ipv6_route_native_seq_show). Undefined when neither file can be read.
 */
export function readDefaultRouteInterfaces(files: FileTree): readonly string[] | undefined {
  const paths = ['/proc/net/route', '/proc/net/ipv6_route'];
  if (paths.every((path) => files.identity(path) === undefined)) return undefined;
  const [ipv4 = [], ipv6 = []] = paths.map((path) => readLines(files, path, maxBytes));
  const names = [...ipv4.map(interfaceOfIpv4), ...ipv6.map(interfaceOfIpv6)];
  return [...new Set(names.filter((name) => name !== undefined))];
}

/** `eth0 00000000 010200C0 0003 0 0 100 00000000 0 0 0`: the eighth column is the mask. */
function interfaceOfIpv4(line: string): string | undefined {
  const [name, destination, , flags = '', , , , mask] = line.trim().split(/\s+/);
  const isDefault = destination === '00000000' && mask === '00000000' && isUsable(flags);
  return isDefault ? name : undefined;
}

/** Destination, its prefix length, source, its prefix length, next hop, metric, two counts, flags, interface. */
function interfaceOfIpv6(line: string): string | undefined {
  const [destination, prefixLength, , , , , , , flags = '', name] = line.trim().split(/\s+/);
  const isDefault = destination === zeroIpv6 && prefixLength === '00' && isUsable(flags);
  return isDefault ? name : undefined;
}

function isUsable(flags: string): boolean {
  if (!/^[0-9a-f]{1,8}$/i.test(flags)) return false;
  const bits = parseInt(flags, 16);
  return (bits & routeUp) !== 0 && (bits & routeReject) === 0;
}
