// Owns rtnetlink's addresses: which IP addresses the interfaces of a network namespace have.
// Reads only. Source: include/uapi/linux/if_addr.h (struct ifaddrmsg, IFA_*), rtnetlink.h (RT_SCOPE_*).

import { VfleetError } from '../../base/errors.ts';
import type { IfIndex } from '../../base/identifiers.ts';
import { binary, concatBytes, decodeAttributes, encodeAttributes } from '../netlink/attributes.ts';
import type { AttributeTable } from '../netlink/attributes.ts';
import type { NetlinkClient } from '../netlink/client.ts';
import { formatIpAddress, ipv4Bytes, ipv6Bytes, parseIpAddress } from './ip-address.ts';

export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
const AF_INET = 2;
const AF_INET6 = 10;
/** struct ifaddrmsg: family, prefix length, flags, scope (8 bits each), index (32). */
const ifaddrmsgBytes = 8;

const addressTable = {
  /** The address itself, but on a point-to-point link the other end's. */
  address: { type: 1, codec: binary },
  /** The address itself where IFA_ADDRESS is not. IPv4 always has both. */
  local: { type: 2, codec: binary },
} as const satisfies AttributeTable;

/** RT_SCOPE_* by value. */
const scopes = { 0: 'global', 200: 'site', 253: 'link', 254: 'host', 255: 'nowhere' } as const;

export interface InterfaceAddress {
  readonly ifIndex: IfIndex;
  readonly family: 'ipv4' | 'ipv6';
  /** Text form, without a zone. */
  readonly address: string;
  readonly prefixLength: number;
  /** `global`, `site`, `link`, `host`, `nowhere`, or the number of a scope that the administrator made. */
  readonly scope: string;
}

/** Reads the payload of an RTM_NEWADDR; undefined for a family other than IP. Throws `kernel.malformed`. */
export function decodeAddress(payload: Uint8Array): InterfaceAddress | undefined {
  if (payload.byteLength < ifaddrmsgBytes)
    throw new VfleetError(
      'kernel.malformed',
      `an address message of ${payload.byteLength} bytes has no header`,
    );
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const family = view.getUint8(0);
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  const attributes = decodeAttributes(addressTable, payload.subarray(ifaddrmsgBytes));
  const bytes = attributes.local ?? attributes.address;
  if (bytes?.byteLength !== (family === AF_INET ? ipv4Bytes : ipv6Bytes))
    throw new VfleetError('kernel.malformed', 'an address message has no address of its family');
  const scope = view.getUint8(3);
  return {
    ifIndex: view.getUint32(4, true) as IfIndex,
    family: family === AF_INET ? 'ipv4' : 'ipv6',
    address: formatIpAddress(bytes),
    prefixLength: view.getUint8(1),
    scope: scopes[scope as keyof typeof scopes] ?? String(scope),
  };
}

/** Payload of an RTM_NEWADDR, for the simulated host. */
export function encodeAddress(address: InterfaceAddress): Uint8Array {
  const bytes = parseIpAddress(address.address);
  if (bytes === undefined) throw new VfleetError('internal.bug', `${address.address} is no IP address`);
  const isIpv4 = bytes.byteLength === ipv4Bytes;
  const named = Object.entries(scopes).find(([, name]) => name === address.scope);
  const header = new Uint8Array(ifaddrmsgBytes);
  const view = new DataView(header.buffer);
  view.setUint8(0, isIpv4 ? AF_INET : AF_INET6);
  view.setUint8(1, address.prefixLength);
  view.setUint8(3, Number(named?.[0] ?? address.scope));
  view.setUint32(4, address.ifIndex, true);
  const attributes = encodeAttributes(
    addressTable,
    isIpv4 ? { address: bytes, local: bytes } : { address: bytes },
  );
  return concatBytes([header, attributes]);
}

/** Reads the IPv4 and IPv6 addresses of all interfaces of the namespace. Throws `kernel.refused`, `kernel.malformed`. */
export async function listAddresses(client: NetlinkClient): Promise<InterfaceAddress[]> {
  const answers = await client.dump({
    operation: 'RTM_GETADDR',
    type: RTM_GETADDR,
    payload: new Uint8Array(ifaddrmsgBytes),
  });
  return answers
    .filter(({ type }) => type === RTM_NEWADDR)
    .flatMap(({ payload }) => decodeAddress(payload) ?? []);
}
