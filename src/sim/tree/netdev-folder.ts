// Owns the folder of a network interface in sysfs (Documentation/ABI/testing/sysfs-class-net).

import type { SimHost } from '../host.ts';
import { hostNetns } from '../host-index.ts';
import type { SimLink } from '../host-index.ts';
import { linkFactsOf } from '../link-facts.ts';
import type { FolderNode, FolderTable, TreeNode } from './node.ts';
import { folder, folderOf, line, link as linkTo } from './node.ts';
import { functionOf, functionPath, netdevPath } from './places.ts';

interface Subject {
  readonly host: SimHost;
  readonly link: SimLink;
}

/** ARPHRD_ETHER and ARPHRD_LOOPBACK. */
const ethernetType = 1;
const loopbackType = 772;

function refused(errno: string): TreeNode {
  return { kind: 'file', read: () => ({ errno }) };
}

/** Files that a driver answers only while the interface is up. */
function whileUp({ link }: Subject, content: string | number): TreeNode {
  return link.netdev.up ? line(content) : refused('EINVAL');
}

const zeroCounters = [
  'rx_packets',
  'tx_packets',
  'rx_bytes',
  'tx_bytes',
  'rx_errors',
  'tx_errors',
  'rx_dropped',
  'tx_dropped',
];

const table: FolderTable<Subject> = {
  addr_len: () => line(6),
  address: ({ link }) => line(link.netdev.mac),
  bridge: ({ link }) => (link.netdev.kind === 'bridge' ? folderOf({}) : undefined),
  carrier: (subject) => whileUp(subject, linkFactsOf(subject.link).hasCarrier ? 1 : 0),
  dev_id: () => line('0x0'),
  dev_port: ({ link }) => line(linkFactsOf(link).devPort),
  device: ({ link }) => {
    const fn = functionOf(link);
    return fn === undefined ? undefined : linkTo(functionPath(fn));
  },
  duplex: (subject) =>
    whileUp(subject, linkFactsOf(subject.link).speedMbps === undefined ? 'unknown' : 'full'),
  flags: ({ link }) => line(`0x${(linkFactsOf(link).flags & 0xffff).toString(16)}`),
  ifindex: ({ link }) => line(link.netdev.ifIndex),
  iflink: ({ link }) => line(link.netdev.lower ?? link.netdev.ifIndex),
  master: ({ host, link }) => {
    const { master } = link.netdev;
    const upper = master === undefined ? undefined : host.index.links.get(hostNetns)?.get(master);
    return upper === undefined ? undefined : linkTo(netdevPath(upper));
  },
  mtu: ({ link }) => line(link.netdev.mtu),
  operstate: ({ link }) => line(operstateOf(link)),
  phys_port_name: ({ link }) => {
    const { physPortName } = linkFactsOf(link);
    return physPortName === undefined ? refused('EOPNOTSUPP') : line(physPortName);
  },
  phys_port_id: ({ link }) => {
    const { physPortId } = linkFactsOf(link);
    return physPortId === undefined ? refused('EOPNOTSUPP') : line(physPortId);
  },
  phys_switch_id: ({ link }) => {
    const { physSwitchId } = linkFactsOf(link);
    return physSwitchId === undefined ? refused('EOPNOTSUPP') : line(physSwitchId);
  },
  speed: (subject) => {
    const { hasCarrier, speedMbps } = linkFactsOf(subject.link);
    return whileUp(subject, hasCarrier ? (speedMbps ?? -1) : -1);
  },
  statistics: () => folderOf(Object.fromEntries(zeroCounters.map((name) => [name, line(0)]))),
  subsystem: () => linkTo('/sys/class/net'),
  tx_queue_len: () => line(1000),
  type: ({ link }) => line(linkFactsOf(link).isLoopback ? loopbackType : ethernetType),
  uevent: ({ link }) => line(`INTERFACE=${link.netdev.name}\nIFINDEX=${link.netdev.ifIndex}`),
};

function operstateOf(link: SimLink): string {
  const { isLoopback, hasCarrier } = linkFactsOf(link);
  if (isLoopback) return 'unknown';
  return hasCarrier ? 'up' : 'down';
}

export function netdevFolder(host: SimHost, link: SimLink): FolderNode {
  return folder({ host, link }, table);
}
