// Owns rtnetlink on a simulated host: which requests there are, how strictly they are checked, reads of links and
// addresses (net/core/rtnetlink.c). Changes are in set-link.ts.

import type { IfIndex } from '../../base/identifiers.ts';
import { decodeAttributes, readAttributeHeaders } from '../../kernel/netlink/attributes.ts';
import { NLM_F_DUMP } from '../../kernel/netlink/message.ts';
import type { NetlinkMessage } from '../../kernel/netlink/message.ts';
import { encodeAddress, RTM_GETADDR, RTM_NEWADDR } from '../../kernel/rtnetlink/address.ts';
import {
  decodeIfInfo,
  ifinfomsgBytes,
  linkTable,
  RTEXT_FILTER_SKIP_STATS,
  RTEXT_FILTER_VF,
  RTM_GETLINK,
  RTM_NEWLINK,
  RTM_SETLINK,
} from '../../kernel/rtnetlink/link.ts';
import { RTM_GETDCB } from '../../kernel/rtnetlink/dcb.ts';
import type { FaultEffects } from '../fault-set.ts';
import type { SimLink } from '../host-index.ts';
import { findLink, linksIn } from '../links.ts';
import { acknowledged, refuse } from './answer.ts';
import type { Answer, Reply } from './answer.ts';
import { answerDcb } from './dcb.ts';
import { encodeLinkMessage } from './link-message.ts';
import type { RequestContext } from './request-context.ts';
import { setLink } from './set-link.ts';

/** The lock under which the kernel does everything with links. */
const rtnlLock = 'RTNL';
const RTM_BASE = 16;
const RTM_MAX = 123;
/** Of four message types in a row, the third reads (RTNL_KIND_GET). */
const kindGet = 2;
const ifaddrmsgBytes = 8;
const IFLA_IFNAME = 3;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_EXT_MASK = 29;
const IFLA_TARGET_NETNSID = 46;
const IFLA_ALT_IFNAME = 53;

const getAttributes: ReadonlySet<number> = new Set([
  IFLA_IFNAME,
  IFLA_ALT_IFNAME,
  IFLA_EXT_MASK,
  IFLA_TARGET_NETNSID,
]);
const dumpAttributes: ReadonlySet<number> = new Set([
  IFLA_MASTER,
  IFLA_LINKINFO,
  IFLA_EXT_MASK,
  IFLA_TARGET_NETNSID,
]);

/** Answers one request, when the RTNL lock is free. */
export async function answerRoute(context: RequestContext, request: NetlinkMessage): Promise<Answer> {
  if (request.type > RTM_MAX) return refuse('EOPNOTSUPP');
  // Too short for the family: ignored (rtnetlink_rcv_msg).
  if (request.payload.byteLength < 1) return acknowledged;
  const isRead = ((request.type - RTM_BASE) & 3) === kindGet;
  if (!isRead && !context.host.hasCapability('CAP_NET_ADMIN')) return refuse('EPERM');
  const isDump = isRead && (request.flags & NLM_F_DUMP) !== 0;
  if (isDump && context.isDumping) return refuse('EBUSY');
  const work = handlerOf(request.type, isDump);
  if (work === undefined) return refuse('EOPNOTSUPP');
  return context.host.locks.run(rtnlLock, async () => {
    context.host.enter();
    return work(context, request);
  });
}

type Handler = (context: RequestContext, request: NetlinkMessage) => Promise<Answer>;

function handlerOf(type: number, isDump: boolean): Handler | undefined {
  if (type === RTM_GETLINK) return isDump ? dumpLinks : getLink;
  if (type === RTM_GETADDR && isDump) return dumpAddresses;
  if (type === RTM_GETDCB) return async ({ host, netns }, request) => answerDcb(host, netns, request.payload);
  // RTM_NEWLINK on a link that is there changes it, which is how `ip link set` asks.
  if (type === RTM_SETLINK || type === RTM_NEWLINK) {
    return async ({ host, netns }, request) => setLink(host, netns, request.payload);
  }
  return undefined;
}

/** What is wrong with a read request in the eyes of strict checking; undefined when nothing is. */
function strictProblem(
  payload: Uint8Array,
  allowed: ReadonlySet<number>,
  words: { header: string; values: string; attribute: string },
): string | undefined {
  if (payload.byteLength < ifinfomsgBytes) return words.header;
  const { flags, change } = decodeIfInfo(payload);
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  if (view.getUint8(1) !== 0 || view.getUint16(2, true) !== 0 || flags !== 0 || change !== 0)
    return words.values;
  const { attributes, truncated } = readAttributeHeaders(payload.subarray(ifinfomsgBytes));
  if (truncated) return 'bytes leftover after parsing attributes';
  return attributes.every(({ type }) => allowed.has(type)) ? undefined : words.attribute;
}

async function getLink(context: RequestContext, { payload }: NetlinkMessage): Promise<Answer> {
  const problem = strictProblem(payload, getAttributes, {
    header: 'Invalid header for get link',
    values: 'Invalid values in header for get link request',
    attribute: 'Unsupported attribute in get link request',
  });
  if (problem !== undefined) return refuse('EINVAL', problem);
  const { ifIndex } = decodeIfInfo(payload);
  const { ifName, extMask = 0 } = decodeAttributes(linkTable, payload.subarray(ifinfomsgBytes));
  if (ifIndex <= 0 && ifName === undefined) return refuse('EINVAL');
  const link = findLink(context.host, context.netns, ifIndex, ifName);
  const effects = await passFaults(context, link);
  if (effects.errno !== undefined) return refuse(effects.errno, effects.message);
  const found = findLink(context.host, context.netns, ifIndex, ifName);
  if (found === undefined) return refuse('ENODEV');
  return { kind: 'done', replies: [replyOf(found, extMask)] };
}

async function passFaults({ host }: RequestContext, link: SimLink | undefined): Promise<FaultEffects> {
  const pf = link !== undefined && 'pf' in link ? link.pf.address : undefined;
  return host.passFaults(['getlink'], { pf });
}

function replyOf(link: SimLink, extMask: number): Reply {
  const vfs = (extMask & RTEXT_FILTER_VF) !== 0;
  const statistics = (extMask & RTEXT_FILTER_SKIP_STATS) === 0;
  return { type: RTM_NEWLINK, payload: encodeLinkMessage(link, { vfs, statistics }) };
}

async function dumpLinks(context: RequestContext, { payload }: NetlinkMessage): Promise<Answer> {
  const problem = strictProblem(payload, dumpAttributes, {
    header: 'Invalid header for link dump',
    values: 'Invalid values in header for link dump request',
    attribute: 'Unsupported attribute in link dump request',
  });
  if (problem !== undefined) return refuse('EINVAL', problem);
  if (decodeIfInfo(payload).ifIndex !== 0) {
    return refuse('EINVAL', 'Filter by device index not supported for link dumps');
  }
  const { extMask = 0, master } = decodeAttributes(linkTable, payload.subarray(ifinfomsgBytes));
  const effects = await passFaults(context, undefined);
  if (effects.errno !== undefined) return refuse(effects.errno, effects.message);
  const links = linksIn(context.host, context.netns).filter(
    ({ netdev }) => master === undefined || netdev.master === master,
  );
  const replies = links.map((link) => replyOf(link, extMask));
  return { kind: 'dump', replies, interrupted: effects.interrupted };
}

async function dumpAddresses({ host, netns }: RequestContext, request: NetlinkMessage): Promise<Answer> {
  if (request.payload.byteLength < ifaddrmsgBytes) {
    return refuse('EINVAL', 'ipv4: Invalid header for address dump request');
  }
  const effects = await host.passFaults(['getaddr'], {});
  if (effects.errno !== undefined) return refuse(effects.errno, effects.message);
  const replies = linksIn(host, netns).flatMap(({ netdev }) =>
    (netdev.addresses ?? []).map((text) => addressReply(netdev.ifIndex, text)),
  );
  return { kind: 'dump', replies, interrupted: effects.interrupted };
}

function addressReply(ifIndex: number, text: string): Reply {
  const [address = '', prefix = ''] = text.split('/');
  const family = address.includes(':') ? 'ipv6' : 'ipv4';
  const payload = encodeAddress({
    ifIndex: ifIndex as IfIndex,
    family,
    address,
    prefixLength: Number(prefix),
    scope: scopeOf(address),
  });
  return { type: RTM_NEWADDR, payload };
}

function scopeOf(address: string): string {
  if (address.startsWith('127.') || address === '::1') return 'host';
  return address.startsWith('fe80:') || address.startsWith('169.254.') ? 'link' : 'global';
}
