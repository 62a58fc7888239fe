// Owns ethtool on a simulated host: link settings, link state and standard counters by netlink, driver facts and
// counters by SIOCETHTOOL (net/ethtool). The formats are those of src/kernel/ethtool.

import { answerCounterRequest } from '../../kernel/ethtool/driver-statistics.ts';
import {
  encodeDriverInformation,
  encodePermanentAddress,
  driverInfoBytes,
  ETHTOOL_GDRVINFO,
  ETHTOOL_GPERMADDR,
} from '../../kernel/ethtool/driver-information.ts';
import {
  duplexes,
  ETHTOOL_MSG_LINKINFO_GET,
  ETHTOOL_MSG_LINKMODES_GET,
  ETHTOOL_MSG_LINKSTATE_GET,
  linkInfoTable,
  linkModesTable,
  linkStateTable,
} from '../../kernel/ethtool/link-settings.ts';
import {
  ETHTOOL_MSG_STATS_GET,
  ETHTOOL_MSG_STATS_GET_REPLY,
  statisticsGroups,
  statisticsTable,
} from '../../kernel/ethtool/standard-statistics.ts';
import type { Errno } from '../../kernel/kernel.ts';
import { decodeAttributes, encodeAttributes } from '../../kernel/netlink/attributes.ts';
import type { SimHost } from '../host.ts';
import type { SimLink } from '../host-index.ts';
import { linkFactsOf } from '../link-facts.ts';
import { findLink, linksIn } from '../links.ts';
import { refuseFamily } from './family-answer.ts';
import type { FamilyAnswer, FamilyRequest } from './family-answer.ts';
import type { RequestContext } from './request-context.ts';

const PORT_DA = 5;
/** The longest header of the requests about counters, struct ethtool_sset_info with one count. */
const counterRequestBytes = 20;
const SPEED_UNKNOWN = 0xffff_ffff;
const DUPLEX_UNKNOWN = 0xff;
/** Drivers that answer ETHTOOL_MSG_STATS_GET for their PFs. */
const standardCounting: ReadonlySet<string> = new Set(['mlx5_core', 'bnxt_en']);

interface Command {
  readonly name: string;
  readonly reply: number;
  /** Undefined when the driver does not have the operation. */
  attributes(link: SimLink): Uint8Array | undefined;
}

const commands = new Map<number, Command>([
  [
    ETHTOOL_MSG_LINKINFO_GET,
    { name: 'linkinfo-get', reply: ETHTOOL_MSG_LINKINFO_GET, attributes: linkInfoOf },
  ],
  [
    ETHTOOL_MSG_LINKMODES_GET,
    { name: 'linkmodes-get', reply: ETHTOOL_MSG_LINKMODES_GET, attributes: linkModesOf },
  ],
  [
    ETHTOOL_MSG_LINKSTATE_GET,
    { name: 'linkstate-get', reply: ETHTOOL_MSG_LINKSTATE_GET, attributes: linkStateOf },
  ],
  [
    ETHTOOL_MSG_STATS_GET,
    { name: 'stats-get', reply: ETHTOOL_MSG_STATS_GET_REPLY, attributes: standardStatisticsOf },
  ],
]);

export async function answerEthtool(context: RequestContext, request: FamilyRequest): Promise<FamilyAnswer> {
  const command = commands.get(request.command);
  if (command === undefined) return refuseFamily('EOPNOTSUPP');
  // The header is the first attribute of all but the statistics, whose first one is padding.
  const table = request.command === ETHTOOL_MSG_STATS_GET ? statisticsTable : linkInfoTable;
  const { header = {} } = decodeAttributes(table, request.attributes);
  const { ifIndex = 0, ifName } = header;
  const isNamed = ifIndex > 0 || ifName !== undefined;
  if (!request.isDump && !isNamed) return refuseFamily('EINVAL', 'neither ifindex nor name specified');
  const effects = await context.host.passFaults(['ethtool'], { attribute: command.name });
  if (effects.errno !== undefined) return refuseFamily(effects.errno, effects.message);
  const found = isNamed ? findLink(context.host, context.netns, ifIndex, ifName) : undefined;
  if (!request.isDump && found === undefined) return refuseFamily('ENODEV', 'no device matches name');
  const links = found === undefined ? linksIn(context.host, context.netns) : [found];
  const messages = links.flatMap((link) => {
    const attributes = command.attributes(link);
    return attributes === undefined ? [] : [{ command: command.reply, attributes }];
  });
  if (!request.isDump && messages.length === 0) return refuseFamily('EOPNOTSUPP');
  return { kind: 'messages', messages };
}

function headerOf({ netdev }: SimLink): { ifIndex: number; ifName: string } {
  return { ifIndex: netdev.ifIndex, ifName: netdev.name };
}

function linkInfoOf(link: SimLink): Uint8Array | undefined {
  if (linkFactsOf(link).speedMbps === undefined) return undefined;
  return encodeAttributes(linkInfoTable, { header: headerOf(link), port: PORT_DA });
}

function linkModesOf(link: SimLink): Uint8Array | undefined {
  const { speedMbps, hasCarrier } = linkFactsOf(link);
  if (speedMbps === undefined) return undefined;
  const isTold = hasCarrier || (link.role === 'pf' && link.profile.card.speedWithoutLink === true);
  return encodeAttributes(linkModesTable, {
    header: headerOf(link),
    autonegotiation: 1,
    speed: isTold ? speedMbps : SPEED_UNKNOWN,
    duplex: isTold ? duplexes.indexOf('full') : DUPLEX_UNKNOWN,
  });
}

function linkStateOf(link: SimLink): Uint8Array {
  return encodeAttributes(linkStateTable, {
    header: headerOf(link),
    link: linkFactsOf(link).hasCarrier ? 1 : 0,
  });
}

function standardStatisticsOf(link: SimLink): Uint8Array | undefined {
  if (link.role !== 'pf' || !standardCounting.has(link.profile.card.driver)) return undefined;
  const id = statisticsGroups.findIndex(({ name }) => name === 'eth-mac');
  const { stringSet = 0, counters = [] } = statisticsGroups[id] ?? {};
  const counted = ['FramesTransmittedOK', 'FramesReceivedOK', 'FrameCheckSequenceErrors'];
  return encodeAttributes(statisticsTable, {
    header: headerOf(link),
    group: [{ id, stringSet, counter: counted.map((name) => ({ id: counters.indexOf(name), value: 0 })) }],
  });
}

/** Answers SIOCETHTOOL on an interface of the host's own namespace. */
export async function answerEthtoolIoctl(
  host: SimHost,
  ifName: string,
  request: Uint8Array,
): Promise<Uint8Array | Errno> {
  host.enter();
  if (request.byteLength < 4) return { errno: 'EFAULT' };
  const effects = await host.passFaults(['ethtool'], { attribute: 'ioctl' });
  if (effects.errno !== undefined) return { errno: effects.errno };
  const link = host.index.ownLinks.get(ifName);
  if (link === undefined) return { errno: 'ENODEV' };
  const command = new DataView(request.buffer, request.byteOffset).getUint32(0, true);
  const facts = linkFactsOf(link);
  if (command === ETHTOOL_GPERMADDR && facts.permanentMac !== undefined) {
    return request.byteLength < 8 + 6
      ? { errno: 'EFAULT' }
      : encodePermanentAddress(facts.permanentMac, request.byteLength);
  }
  if (facts.driver === undefined) return { errno: 'EOPNOTSUPP' };
  if (command === ETHTOOL_GDRVINFO) {
    if (request.byteLength < driverInfoBytes) return { errno: 'EFAULT' };
    return encodeDriverInformation({
      driver: facts.driver,
      version: versionOf(host, link),
      busAddress: facts.parent?.device ?? '',
      ...(facts.firmware === undefined || facts.firmware === '' ? {} : { firmwareVersion: facts.firmware }),
    });
  }
  if (request.byteLength < counterRequestBytes) return { errno: 'EFAULT' };
  return answerCounterRequest(request, driverCountersOf(link)) ?? { errno: 'EOPNOTSUPP' };
}

/** Drivers without a version of their own give the kernel's release. */
function versionOf(host: SimHost, link: SimLink): string {
  const own = link.role === 'pf' ? link.profile.card.driverVersion : undefined;
  return own ?? host.profile.kernelRelease;
}

/** netdevsim has no counters of its own, and neither have representors. */
function driverCountersOf(link: SimLink): ReadonlyMap<string, number> {
  const hasThem =
    link.role === 'nic' ||
    ((link.role === 'pf' || link.role === 'vf') && link.profile.card.pci !== undefined);
  if (!hasThem) return new Map();
  return new Map(['rx_packets', 'tx_packets', 'rx_bytes', 'tx_bytes', 'rx_dropped'].map((name) => [name, 0]));
}
