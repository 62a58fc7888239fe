// Owns /proc/net of a simulated host: its routing tables, with one default route at most.

import type { SimHost } from '../host.ts';
import type { FolderNode } from './node.ts';
import { folderOf, line } from './node.ts';

/** Longest line of /proc/net/route: the kernel fills each up to it (net/ipv4/fib_trie.c fib_route_seq_show). */
const routeLineLength = 127;
const columns = 'Iface Destination Gateway  Flags RefCnt Use Metric Mask  MTU Window IRTT';
/** Up, and through a gateway. */
const defaultFlags = '0003';
const zeroIpv6 = '0'.repeat(32);

export function procNetFolder(host: SimHost): FolderNode {
  const name = defaultRouteOf(host);
  const route = [name, '00000000', '010200C0', defaultFlags, 0, 0, 0, '00000000', 0, 0, 0];
  const ipv4 = [columns.split(' '), ...(name === undefined ? [] : [route])].map((row) =>
    row.join('\t').padEnd(routeLineLength),
  );
  // The kernel's own entry for whatever has no route (net/ipv6/route.c ip6_null_entry).
  const ipv6 = `${zeroIpv6} 00 ${zeroIpv6} 00 ${zeroIpv6} ffffffff 00000001 00000000 00200200       lo`;
  return folderOf({ route: line(ipv4.join('\n')), ipv6_route: line(ipv6) });
}

/** The interface of the default route, as long as it is up. */
function defaultRouteOf({ profile, index }: SimHost): string | undefined {
  const name = profile.defaultRoute ?? profile.plainNics[0]?.netdev;
  return name !== undefined && index.ownLinks.get(name)?.netdev.up === true ? name : undefined;
}
