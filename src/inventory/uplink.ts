// Owns the question which interface is a PF's own: in switchdev mode its representors stand beside it.
// Reads links by netlink and the device's net folder; changes nothing.

import { VfleetError } from '../base/errors.ts';
import type { IfIndex, PfAddress } from '../base/identifiers.ts';
import { readLink } from '../kernel/rtnetlink/link.ts';
import type { Link, LinkOptions } from '../kernel/rtnetlink/link.ts';
import type { KernelSession } from '../kernel/session.ts';
import { listNetdevs } from '../kernel/sysfs/device.ts';
import { readDevPort, readIfIndex } from '../kernel/sysfs/net.ts';

/**
 * Name that a card gives to the port of a representor: `pf0vf3`, `c1pf0sf8`, with the controller's number before it on
 * SmartNICs (Documentation/networking/switchdev.rst, net/devlink/port.c __devlink_port_phys_port_name_get). A plain
 * `p0` is the uplink.
 */
const representorPortName = /^(?:c\d+)?pf\d+(?:(vf|sf)(\d+))?$/;

/** VF index that a port name stands for; undefined for an uplink or another kind of port. */
export function vfOfPortName(portName: string | undefined): number | undefined {
  const match = representorPortName.exec(portName ?? '');
  return match?.[1] === 'vf' ? Number(match[2]) : undefined;
}

/** Whether a port name is that of a representor of anything, and not of an uplink. */
export function isRepresentorPort(portName: string | undefined): boolean {
  return representorPortName.test(portName ?? '');
}

/** The links in a PF's net folder: its own, the first port first, and the representors. */
export interface PfLinks {
  readonly own: readonly Link[];
  readonly representors: ReadonlyMap<number, Link>;
}

/**
 * Reads the links of a PF. With `vfs` its first own one comes with its VFs, as {@link readLink} says. A link that goes
 * away meanwhile is left out.
 */
export async function readPfLinks(
  session: KernelSession,
  pf: PfAddress,
  options: LinkOptions = {},
): Promise<PfLinks> {
  const names = listNetdevs(session.files, pf);
  // Usually there is but one, which need not be asked twice.
  const isOnly = names.length === 1;
  const own: { link: Link; devPort: number }[] = [];
  const representors = new Map<number, Link>();
  for (const name of names) {
    const ifIndex = readIfIndex(session.files, name);
    if (ifIndex === undefined) continue;
    const link = await readPresentLink(session, ifIndex, isOnly ? options : {});
    if (link === undefined) continue;
    const portName = link.attributes.physPortName;
    const vf = vfOfPortName(portName);
    if (vf !== undefined) representors.set(vf, link);
    else if (!isRepresentorPort(portName))
      own.push({ link, devPort: isOnly ? 0 : (readDevPort(session.files, name) ?? 0) });
  }
  own.sort((a, b) => a.devPort - b.devPort || a.link.ifIndex - b.link.ifIndex);
  const links = own.map(({ link }) => link);
  const [first, ...others] = links;
  if (first === undefined || isOnly || options.vfs !== true) return { own: links, representors };
  const withVfs = await readPresentLink(session, first.ifIndex, options);
  return { own: withVfs === undefined ? others : [withVfs, ...others], representors };
}

async function readPresentLink(
  session: KernelSession,
  ifIndex: number,
  options: LinkOptions,
): Promise<Link | undefined> {
  try {
    return await readLink(session.route, ifIndex, options);
  } catch (error) {
    if (error instanceof VfleetError && error.details.errno === 'ENODEV') return undefined;
    throw error;
  }
}

/**
 * The PF's own interface, through which its VFs are set, read as {@link readPfLinks} says. Throws `kernel.absent` when it
 * has none in our namespace.
 */
export async function readUplink(
  session: KernelSession,
  pf: PfAddress,
  options: LinkOptions = {},
): Promise<{ name: string; ifIndex: IfIndex; link: Link }> {
  const { own } = await readPfLinks(session, pf, options);
  const [link] = own;
  if (link === undefined) {
    throw new VfleetError('kernel.absent', `PF ${pf} has no network interface in this network namespace`, {
      hint: 'is its driver bound, and has nobody moved the interface away?',
      details: { pf },
    });
  }
  return { name: link.name, ifIndex: link.ifIndex, link };
}
