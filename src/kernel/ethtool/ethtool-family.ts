// Owns how the ethtool family is asked: the request header and what its refusals mean.
// Source: include/uapi/linux/ethtool_netlink.h, Documentation/networking/ethtool-netlink.rst,
// Documentation/netlink/specs/ethtool.yaml. Knows no single message.

import { VfleetError } from '../../base/errors.ts';
import { undefinedWhenRefused } from '../genetlink/absence.ts';
import { genlDump, genlRequest, readFamily } from '../genetlink/family.ts';
import { decodeAttributes, nested, text, u32 } from '../netlink/attributes.ts';
import type { AttributesOf, AttributeTable } from '../netlink/attributes.ts';
import type { NetlinkClient } from '../netlink/client.ts';

export const ETHTOOL_GENL_NAME = 'ethtool';
/** Sets of link modes come as two bitmaps, not as a list with names: a fifth of the bytes. */
export const ETHTOOL_FLAG_COMPACT_BITSETS = 1;

const headerTable = {
  ifIndex: { type: 1, codec: u32 },
  ifName: { type: 2, codec: text },
  flags: { type: 3, codec: u32 },
} as const satisfies AttributeTable;

/** ETHTOOL_A_HEADER_*: stands in every request and answer and says which interface it is about. */
export const header = nested(headerTable);
export type EthtoolHeader = AttributesOf<typeof headerTable>;

/** Header of a request about one interface, or about all. */
export function requestHeader(ifIndex?: number): EthtoolHeader {
  return { ...(ifIndex === undefined ? {} : { ifIndex }), flags: ETHTOOL_FLAG_COMPACT_BITSETS };
}

/** The driver lacks the operation, or the kernel the message; the interface is gone, or its device asleep. */
const absentErrnos = ['EOPNOTSUPP', 'ENODEV'];

interface EthtoolQuestion<Table extends AttributeTable> {
  /** The message's name, for errors: `LINKMODES_GET`. */
  readonly name: string;
  readonly command: number;
  readonly table: Table;
  readonly attributes: Uint8Array;
}

/** Asks about one interface. Undefined when there is nothing to tell. Throws `kernel.refused`, `kernel.malformed`. */
export async function askEthtool<Table extends AttributeTable>(
  client: NetlinkClient,
  ifIndex: number,
  question: EthtoolQuestion<Table>,
): Promise<AttributesOf<Table> | undefined> {
  const family = await readFamily(client, ETHTOOL_GENL_NAME);
  if (family === undefined) return undefined;
  const { name, command, table, attributes } = question;
  const operation = `ethtool ${name} ${ifIndex}`;
  const answers = await undefinedWhenRefused(
    absentErrnos,
    genlRequest(client, family, { operation, command, attributes }),
  );
  if (answers === undefined) return undefined;
  const [answer] = answers;
  if (answer === undefined)
    throw new VfleetError('kernel.malformed', `${operation} was answered with nothing`);
  return decodeAttributes(table, answer.attributes);
}

/**
 * Asks about all interfaces; those whose driver lacks the operation are missing in the answer. Empty without the
 * family. Throws `kernel.refused`: one device that is asleep or being reset ends the kernel's whole dump with ENODEV
 * (net/ethtool/netlink.c, ethnl_default_dumpit).
 */
export async function dumpEthtool<Table extends AttributeTable>(
  client: NetlinkClient,
  question: EthtoolQuestion<Table>,
): Promise<AttributesOf<Table>[]> {
  const family = await readFamily(client, ETHTOOL_GENL_NAME);
  if (family === undefined) return [];
  const { name, command, table, attributes } = question;
  const answers = await undefinedWhenRefused(
    ['EOPNOTSUPP'],
    genlDump(client, family, { operation: `ethtool ${name}`, command, attributes }),
  );
  return (answers ?? []).map((answer) => decodeAttributes(table, answer.attributes));
}
