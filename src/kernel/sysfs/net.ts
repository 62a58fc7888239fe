// Owns the files of one network interface under /sys/class/net.
// Netlink says the same and more; these are for checks and for hosts where only files are at hand.

import { parseMacAddress } from '../../base/identifiers.ts';
import type { MacAddress } from '../../base/identifiers.ts';
import { readInteger, readText } from '../file-text.ts';
import type { FileTree } from '../kernel.ts';

/** Files of an interface that the kernel answers at once (Documentation/ABI/testing/sysfs-class-net). */
export interface NetdevFiles {
  readonly ifIndex: number | undefined;
  readonly mac: MacAddress | undefined;
  readonly mtu: number | undefined;
  /** IFF_UP. */
  readonly isUp: boolean | undefined;
  /** Port of a card with several ports behind one PCI function (mlx4), from 0. */
  readonly devPort: number | undefined;
}

/** Files that the driver answers under the kernel's RTNL lock. */
export interface NetdevPort {
  readonly physPortName: string | undefined;
  readonly physSwitchId: string | undefined;
  readonly physPortId: string | undefined;
  /** Undefined when the link is down or the driver does not say (-1). */
  readonly speedMbps: number | undefined;
  readonly duplex: 'full' | 'half' | undefined;
  /** Undefined while the interface is down. */
  readonly carrier: boolean | undefined;
}

const interfaceName = /^[^\s/]{1,15}$/;
const flagUp = 0x1;

/** The quick files of an interface; all undefined when there is no such interface in our network namespace. */
export function readNetdevFiles(files: FileTree, name: string): NetdevFiles {
  const path = netdevPath(name);
  const flags = path === undefined ? undefined : readText(files, `${path}/flags`);
  return {
    ifIndex: readIfIndex(files, name),
    mac: readNetdevMac(files, name),
    mtu: readNetdevMtu(files, name),
    isUp: flags === undefined ? undefined : (Number(flags) & flagUp) !== 0,
    devPort: readDevPort(files, name),
  };
}

/** Index of an interface, undefined when there is no such interface in our network namespace. */
export function readIfIndex(files: FileTree, name: string): number | undefined {
  return readNumber(files, netdevPath(name), 'ifindex');
}

/** Whether an interface is a Linux bridge. */
export function isBridge(files: FileTree, name: string): boolean {
  const path = netdevPath(name);
  return path !== undefined && files.identity(`${path}/bridge`) !== undefined;
}

/** Port of a card with several ports behind one PCI function (mlx4), from 0. */
export function readDevPort(files: FileTree, name: string): number | undefined {
  return readNumber(files, netdevPath(name), 'dev_port');
}

/** MTU of an interface. */
export function readNetdevMtu(files: FileTree, name: string): number | undefined {
  return readNumber(files, netdevPath(name), 'mtu');
}

/** Hardware address of an interface. */
export function readNetdevMac(files: FileTree, name: string): MacAddress | undefined {
  return parseMacAddress(readValue(files, netdevPath(name), 'address') ?? '');
}

/**
 * Port facts of an interface. Each file waits for the RTNL lock, which a slow driver can hold for seconds
 * (net/core/net-sysfs.c): where a netlink socket is at hand, ask there (IFLA_PHYS_PORT_NAME and its kin).
 */
export function readNetdevPort(files: FileTree, name: string): NetdevPort {
  const path = netdevPath(name);
  const speed = readNumber(files, path, 'speed');
  const duplex = readValue(files, path, 'duplex');
  const carrier = readValue(files, path, 'carrier');
  return {
    physPortName: readValue(files, path, 'phys_port_name'),
    physSwitchId: readValue(files, path, 'phys_switch_id'),
    physPortId: readValue(files, path, 'phys_port_id'),
    speedMbps: speed === undefined || speed <= 0 ? undefined : speed,
    duplex: duplex === 'full' || duplex === 'half' ? duplex : undefined,
    carrier: carrier === '1' || carrier === '0' ? carrier === '1' : undefined,
  };
}

function netdevPath(name: string): string | undefined {
  return interfaceName.test(name) && name !== '.' && name !== '..' ? `/sys/class/net/${name}` : undefined;
}

function readValue(files: FileTree, path: string | undefined, file: string): string | undefined {
  const text = path === undefined ? undefined : readText(files, `${path}/${file}`);
  return text === '' ? undefined : text;
}

function readNumber(files: FileTree, path: string | undefined, file: string): number | undefined {
  return path === undefined ? undefined : readInteger(files, `${path}/${file}`);
}
