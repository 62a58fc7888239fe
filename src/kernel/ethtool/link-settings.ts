// Owns the link settings and link state of network interfaces as ethtool's netlink gives them.
// Reads only. Numbers: include/uapi/linux/ethtool_netlink.h (ETHTOOL_A_LINKINFO_*, LINKMODES_*, LINKSTATE_*) and
// ethtool.h (PORT_*, DUPLEX_*, SPEED_UNKNOWN).

import { VfleetError } from '../../base/errors.ts';
import type { IfIndex } from '../../base/identifiers.ts';
import { present } from '../../base/present.ts';
import { encodeAttributes, u32, u8 } from '../netlink/attributes.ts';
import type { AttributesOf, AttributeTable } from '../netlink/attributes.ts';
import type { NetlinkClient } from '../netlink/client.ts';
import { askEthtool, dumpEthtool, header, requestHeader } from './ethtool-family.ts';

export const ETHTOOL_MSG_LINKINFO_GET = 2;
export const ETHTOOL_MSG_LINKMODES_GET = 4;
export const ETHTOOL_MSG_LINKSTATE_GET = 6;

export const linkInfoTable = {
  header: { type: 1, codec: header },
  port: { type: 2, codec: u8 },
} as const satisfies AttributeTable;

export const linkModesTable = {
  header: { type: 1, codec: header },
  autonegotiation: { type: 2, codec: u8 },
  speed: { type: 5, codec: u32 },
  duplex: { type: 6, codec: u8 },
  lanes: { type: 9, codec: u32 },
} as const satisfies AttributeTable;

export const linkStateTable = {
  header: { type: 1, codec: header },
  link: { type: 2, codec: u8 },
} as const satisfies AttributeTable;

/** PORT_* by value. */
export const portTypes = {
  0: 'twisted-pair',
  1: 'aui',
  2: 'mii',
  3: 'fibre',
  4: 'bnc',
  5: 'direct-attach',
  0xef: 'none',
  0xff: 'other',
} as const;
export type PortType = (typeof portTypes)[keyof typeof portTypes];

/** DUPLEX_* by value; 255 is unknown. */
export const duplexes = ['half', 'full'] as const;

/** Speeds that mean "unknown": SPEED_UNKNOWN (-1), the same in the 16 bits of old drivers, and 0. */
const unknownSpeeds: ReadonlySet<number> = new Set([0xffff_ffff, 0xffff, 0]);

/** Link of one interface; a field is absent when the driver does not know it, as the speed while there is no link. */
export interface LinkSettings {
  readonly ifIndex: IfIndex;
  readonly speedMbps?: number;
  readonly duplex?: (typeof duplexes)[number];
  readonly portType?: PortType;
  readonly autonegotiation?: boolean;
  readonly lanes?: number;
  readonly linkDetected?: boolean;
}

type LinkInfo = AttributesOf<typeof linkInfoTable>;
type LinkModes = AttributesOf<typeof linkModesTable>;
type LinkState = AttributesOf<typeof linkStateTable>;

/** Joins what the three messages say of an interface. */
export function linkSettingsOf(
  ifIndex: IfIndex,
  info: LinkInfo | undefined,
  modes: LinkModes | undefined,
  state: LinkState | undefined,
): LinkSettings {
  const speed = modes?.speed;
  return present({
    ifIndex,
    speedMbps: speed === undefined || unknownSpeeds.has(speed) ? undefined : speed,
    duplex: modes?.duplex === undefined ? undefined : duplexes[modes.duplex],
    portType: info?.port === undefined ? undefined : portTypes[info.port as keyof typeof portTypes],
    autonegotiation: modes?.autonegotiation === undefined ? undefined : modes.autonegotiation !== 0,
    lanes: modes?.lanes,
    linkDetected: state?.link === undefined ? undefined : state.link !== 0,
  });
}

function questions(ifIndex?: number) {
  const attributes = encodeAttributes(linkInfoTable, { header: requestHeader(ifIndex) });
  return {
    info: { name: 'LINKINFO_GET', command: ETHTOOL_MSG_LINKINFO_GET, table: linkInfoTable, attributes },
    modes: { name: 'LINKMODES_GET', command: ETHTOOL_MSG_LINKMODES_GET, table: linkModesTable, attributes },
    state: { name: 'LINKSTATE_GET', command: ETHTOOL_MSG_LINKSTATE_GET, table: linkStateTable, attributes },
  };
}

/**
 * Reads speed and duplex of one interface alone, in one request. Undefined when the interface is gone, or neither the
 * kernel nor the driver tells. Throws `kernel.refused`, `kernel.malformed`.
 */
export async function readLinkModes(
  client: NetlinkClient,
  ifIndex: IfIndex,
): Promise<LinkSettings | undefined> {
  const modes = await askEthtool(client, ifIndex, questions(ifIndex).modes);
  return modes === undefined ? undefined : linkSettingsOf(ifIndex, undefined, modes, undefined);
}

/**
 * Reads the link of one interface. Undefined when the interface is gone, or neither the kernel nor the driver tells
 * anything. Throws `kernel.refused`, `kernel.malformed`.
 */
export async function readLinkSettings(
  client: NetlinkClient,
  ifIndex: IfIndex,
): Promise<LinkSettings | undefined> {
  const ask = questions(ifIndex);
  const info = await askEthtool(client, ifIndex, ask.info);
  const modes = await askEthtool(client, ifIndex, ask.modes);
  const state = await askEthtool(client, ifIndex, ask.state);
  if (info === undefined && modes === undefined && state === undefined) return undefined;
  return linkSettingsOf(ifIndex, info, modes, state);
}

/**
 * Reads the links of all interfaces of our network namespace in three requests, by interface index.
 * Throws `kernel.refused` with ENODEV when the device of any interface is asleep or being reset: ask one by one then.
 */
export async function listLinkSettings(client: NetlinkClient): Promise<Map<IfIndex, LinkSettings>> {
  const ask = questions();
  const infos = byInterface(await dumpEthtool(client, ask.info));
  const modes = byInterface(await dumpEthtool(client, ask.modes));
  const states = byInterface(await dumpEthtool(client, ask.state));
  const indexes = new Set([...infos.keys(), ...modes.keys(), ...states.keys()]);
  return new Map(
    Array.from(indexes, (index) => [
      index,
      linkSettingsOf(index, infos.get(index), modes.get(index), states.get(index)),
    ]),
  );
}

function byInterface<T extends { header?: { ifIndex?: number } }>(answers: readonly T[]): Map<IfIndex, T> {
  return new Map(
    answers.map((answer) => {
      const ifIndex = answer.header?.ifIndex;
      if (ifIndex === undefined)
        throw new VfleetError('kernel.malformed', 'an answer of ethtool names no interface');
      return [ifIndex as IfIndex, answer];
    }),
  );
}
