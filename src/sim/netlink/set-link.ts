// Owns RTM_SETLINK on a simulated host: MTU, up and down, and the list of VF settings, in the kernel's order and with
// its habit of keeping what was done before a refusal (net/core/rtnetlink.c do_setlink, do_setvfinfo).

import { VfleetError } from '../../base/errors.ts';
import { decodeAttributes, readAttributeHeaders } from '../../kernel/netlink/attributes.ts';
import type { AttributesOf, RawAttribute } from '../../kernel/netlink/attributes.ts';
import {
  decodeIfInfo,
  IFF_UP,
  IFLA_VFINFO_LIST,
  ifinfomsgBytes,
  linkTable,
} from '../../kernel/rtnetlink/link.ts';
import { vfInfoTable } from '../../kernel/rtnetlink/vf-info-table.ts';
import { IFLA_VF_INFO } from '../../kernel/rtnetlink/vf-info.ts';
import { noEffects } from '../fault-set.ts';
import type { SimHost } from '../host.ts';
import type { SimLink } from '../host-index.ts';
import { linkFactsOf } from '../link-facts.ts';
import { commitWithNew, findLink } from '../links.ts';
import type { SimNetdev } from '../state.ts';
import { applyChange, keepsAttribute, refusalOfChange } from '../vf-change.ts';
import type { VfChange } from '../vf-change.ts';
import { acknowledged, refuse } from './answer.ts';
import type { Answer, Refusal } from './answer.ts';

const ETH_P_8021Q = 0x8100;
/** VF numbers are signed in the kernel. */
const maxVfNumber = 0x7fff_ffff;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_EXT_MASK = 29;
const knownAttributes: ReadonlySet<number> = new Set([
  IFLA_ADDRESS,
  IFLA_IFNAME,
  IFLA_MTU,
  IFLA_EXT_MASK,
  IFLA_VFINFO_LIST,
]);

interface Change {
  readonly host: SimHost;
  readonly netns: number;
  readonly ifIndex: number;
  /** Whether anything of the state is other than before. */
  hasChanged: boolean;
  /** Interfaces that are to be told of. */
  readonly changed: Set<SimNetdev>;
}

/** Answers one RTM_SETLINK. The caller holds the RTNL lock. */
export async function setLink(host: SimHost, netns: number, payload: Uint8Array): Promise<Answer> {
  if (payload.byteLength < ifinfomsgBytes) return refuse('EINVAL', 'invalid header length');
  const header = decodeIfInfo(payload);
  const { attributes } = readAttributeHeaders(payload.subarray(ifinfomsgBytes));
  const named = header.ifIndex > 0 ? undefined : nameIn(attributes);
  if (header.ifIndex <= 0 && named === undefined) return refuse('EINVAL');
  const link = findLink(host, netns, header.ifIndex, named);
  if (link === undefined) return refuse('ENODEV');
  const strange = attributes.find(({ type }) => !knownAttributes.has(type));
  if (strange !== undefined) {
    return refuse('EOPNOTSUPP', `the simulated host does not change attribute ${strange.type} of a link`);
  }
  const pf = 'pf' in link ? link.pf.address : undefined;
  const effects = await host.passFaults(['setlink', 'change'], { pf });
  if (effects.errno !== undefined) return refuse(effects.errno, effects.message);
  if (!effects.dropped) {
    const change: Change = {
      host,
      netns,
      ifIndex: link.netdev.ifIndex,
      hasChanged: false,
      changed: new Set(),
    };
    const refusal = await changeAll(change, header, attributes);
    if (change.hasChanged || change.changed.size > 0) commitWithNew(host, [...change.changed]);
    if (refusal !== undefined) return { kind: 'refused', refusal };
  }
  if (effects.kill === 'after') await host.die();
  return acknowledged;
}

function nameIn(attributes: readonly RawAttribute[]): string | undefined {
  const value = attributes.find(({ type }) => type === IFLA_IFNAME)?.value;
  return value === undefined ? undefined : linkTable.ifName.codec.decode(value);
}

/** The link now: a fault can have taken time, and the link away. */
function linkNow({ host, netns, ifIndex }: Change): SimLink | undefined {
  return host.index.links.get(netns)?.get(ifIndex);
}

async function changeAll(
  change: Change,
  header: { flags: number; change: number },
  attributes: readonly RawAttribute[],
): Promise<Refusal | undefined> {
  for (const { type, value } of attributes) {
    const refusal = type === IFLA_MTU ? await changeMtu(change, value) : undefined;
    if (refusal !== undefined) return refusal;
  }
  if (header.flags !== 0 || header.change !== 0) {
    const refusal = await changeFlags(change, header);
    if (refusal !== undefined) return refusal;
  }
  for (const { type, value } of attributes) {
    const refusal = type === IFLA_VFINFO_LIST ? await changeVfs(change, value) : undefined;
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** Faults that are about one attribute of the message. */
async function passInnerFaults(
  change: Change,
  about: { attribute: string; vf?: number },
): Promise<{ refusal?: Refusal; dropped: boolean }> {
  const link = linkNow(change);
  if (link === undefined) return { refusal: { errno: 'ENODEV' }, dropped: false };
  const pf = 'pf' in link ? link.pf.address : undefined;
  const effects = await change.host.passFaults(['setlink'], { ...about, pf, inside: true });
  if (effects === noEffects) return { dropped: false };
  if (effects.kill === 'after') await change.host.die();
  const refusal =
    effects.errno === undefined ? {} : { refusal: { errno: effects.errno, message: effects.message } };
  return { ...refusal, dropped: effects.dropped };
}

async function changeMtu(change: Change, value: Uint8Array): Promise<Refusal | undefined> {
  if (value.byteLength < 4) return { errno: 'ERANGE', message: 'Attribute failed policy validation' };
  const mtu = linkTable.mtu.codec.decode(value);
  const { refusal, dropped } = await passInnerFaults(change, { attribute: 'mtu' });
  if (refusal !== undefined) return refusal;
  const link = linkNow(change);
  if (link === undefined) return { errno: 'ENODEV' };
  if (link.netdev.mtu === mtu) return undefined;
  const { minMtu, maxMtu } = linkFactsOf(link);
  if (mtu < minMtu) return { errno: 'EINVAL', message: 'mtu less than device minimum' };
  if (maxMtu > 0 && mtu > maxMtu) return { errno: 'EINVAL', message: 'mtu greater than device maximum' };
  if (dropped) return undefined;
  link.netdev.mtu = mtu;
  change.changed.add(link.netdev);
  return undefined;
}

async function changeFlags(
  change: Change,
  header: { flags: number; change: number },
): Promise<Refusal | undefined> {
  const { refusal, dropped } = await passInnerFaults(change, { attribute: 'up' });
  if (refusal !== undefined) return refusal;
  const link = linkNow(change);
  if (link === undefined) return { errno: 'ENODEV' };
  // rtnl_dev_combine_flags: without a mask all flags are meant.
  const mask = header.change === 0 ? ~0 : header.change;
  if ((mask & IFF_UP) === 0 || dropped) return undefined;
  const up = (header.flags & IFF_UP) !== 0;
  if (link.netdev.up === up) return undefined;
  link.netdev.up = up;
  change.changed.add(link.netdev);
  return undefined;
}

async function changeVfs(change: Change, list: Uint8Array): Promise<Refusal | undefined> {
  for (const { type, value } of readAttributeHeaders(list).attributes) {
    if (type !== IFLA_VF_INFO) return { errno: 'EINVAL' };
    let settings: AttributesOf<typeof vfInfoTable>;
    try {
      settings = decodeAttributes(vfInfoTable, value);
    } catch (error) {
      if (!(error instanceof VfleetError)) throw error;
      return { errno: 'ERANGE', message: 'Attribute failed policy validation' };
    }
    for (const one of changesIn(settings)) {
      const refusal = 'errno' in one ? one : await changeVf(change, one);
      if (refusal !== undefined) return refusal;
    }
  }
  return undefined;
}

/** What one IFLA_VF_INFO asks for, in the order of do_setvfinfo. */
function changesIn(settings: AttributesOf<typeof vfInfoTable>): (VfChange | Refusal)[] {
  const { mac, vlan, vlanList, txRate, rate, spoofCheck, linkState, rssQuery, trust } = settings;
  const changes: (VfChange | Refusal)[] = [];
  if (mac !== undefined) changes.push({ attribute: 'mac', index: mac.vf, mac: mac.mac });
  if (vlan !== undefined) {
    const [index = 0, id = 0, qos = 0] = vlan;
    changes.push({ attribute: 'vlan', index, vlan: id, qos, protocol: ETH_P_8021Q });
  }
  if (vlanList !== undefined) {
    const [tag, second] = vlanList.info ?? [];
    if (tag === undefined) changes.push({ errno: 'EINVAL' });
    else if (second !== undefined) changes.push({ errno: 'EOPNOTSUPP' });
    else
      changes.push({
        attribute: 'vlan',
        index: tag.vf,
        vlan: tag.vlan,
        qos: tag.qos,
        protocol: tag.protocol,
      });
  }
  if (txRate !== undefined) {
    const [index = 0, maxMbps = 0] = txRate;
    changes.push({ attribute: 'rate', index, minMbps: undefined, maxMbps });
  }
  if (rate !== undefined) {
    const [index = 0, minMbps = 0, maxMbps = 0] = rate;
    changes.push({ attribute: 'rate', index, minMbps, maxMbps });
  }
  if (spoofCheck !== undefined) {
    changes.push({ attribute: 'spoofCheck', index: spoofCheck[0] ?? 0, on: spoofCheck[1] !== 0 });
  }
  if (linkState !== undefined) {
    changes.push({ attribute: 'linkState', index: linkState[0] ?? 0, value: linkState[1] ?? 0 });
  }
  if (rssQuery !== undefined) {
    changes.push({ attribute: 'rssQuery', index: rssQuery[0] ?? 0, on: rssQuery[1] !== 0 });
  }
  if (trust !== undefined) changes.push({ attribute: 'trust', index: trust[0] ?? 0, on: trust[1] !== 0 });
  return changes;
}

async function changeVf(change: Change, one: VfChange): Promise<Refusal | undefined> {
  const { host } = change;
  if (one.index >= maxVfNumber) return { errno: 'EINVAL' };
  const { refusal, dropped } = await passInnerFaults(change, { attribute: one.attribute, vf: one.index });
  if (refusal !== undefined) return refusal;
  const link = linkNow(change);
  if (link === undefined) return { errno: 'ENODEV' };
  // Only a PF's own interface has these operations.
  if (link.role !== 'pf') return { errno: 'EOPNOTSUPP' };
  const { pf, profile } = link;
  const errno = refusalOfChange(pf, profile, one, host.clock.nowMs());
  if (errno !== undefined) return { errno };
  const vf = pf.vfs[one.index];
  change.hasChanged = true;
  // do_setlink calls netdev_state_change(), which says nothing of an interface that is down (net/core/dev.c).
  if (link.netdev.up) change.changed.add(link.netdev);
  if (dropped || vf === undefined || !keepsAttribute(profile, one.attribute)) return undefined;
  if (applyChange(profile, vf, one) && vf.netdev !== undefined) change.changed.add(vf.netdev);
  return undefined;
}
