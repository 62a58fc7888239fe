// Owns the lab's host as tests see it from outside: plain files and Debian's own tools, nothing of vfleet's kernel layer.
// What a test asserts through this file is not said by the code under test.

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** The two emulated Intel 82576. */
export const pf0 = '0000:01:00.0';
export const pf1 = '0000:02:00.0';
/** The software device that makes 256 VFs. */
export const netdevsimPf = 'netdevsim/netdevsim1';

const pollMs = 50;

/** Runs a program; what it wrote to standard output. Fails with what it wrote to standard error. */
export async function run(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/** Whether a program ends with status 0. */
export async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  return run(program, args).then(
    () => true,
    () => false,
  );
}

/** A VF as `ip -j link show` prints it. */
export interface IpVf {
  readonly vf: number;
  readonly address: string;
  readonly vlan_list?: readonly {
    readonly vlan?: number;
    readonly qos?: number;
    readonly protocol?: string;
  }[];
  readonly spoofchk?: boolean;
  readonly trust?: boolean;
  readonly link_state?: string;
  readonly rate?: { readonly max_tx?: number; readonly min_tx?: number };
}

/** A link as `ip -j link show` prints it. */
export interface IpLink {
  readonly ifindex: number;
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly operstate: string;
  readonly mtu: number;
  readonly address: string;
  readonly vfinfo_list?: readonly IpVf[];
}

/** One link in our network namespace, or in another. */
export async function readIpLink(name: string, netns?: string): Promise<IpLink> {
  const where = netns === undefined ? [] : ['-n', netns];
  const links = JSON.parse(await run('ip', [...where, '-j', 'link', 'show', 'dev', name])) as IpLink[];
  const [link] = links;
  if (link === undefined) throw new Error(`ip shows no link ${name}`);
  return link;
}

export function devicePath(address: string): string {
  return address.includes('/')
    ? `/sys/bus/${address.replace('/', '/devices/')}`
    : `/sys/bus/pci/devices/${address}`;
}

/** Text of a file of sysfs, without the line's end. */
export function readSys(path: string): string {
  return readFileSync(path, 'utf8').trimEnd();
}

export function writeSys(path: string, text: string): void {
  writeFileSync(path, text);
}

/** Names of the network interfaces of a device in our network namespace. */
export function listInterfaces(address: string): string[] {
  return whileThere(() => readdirSync(`${devicePath(address)}/net`).sort()) ?? [];
}

/** The device's only interface. */
export function interfaceOf(address: string): string {
  const [name, ...others] = listInterfaces(address);
  if (name === undefined || others.length > 0)
    throw new Error(`${address} has not one interface: ${name} ${others.join(' ')}`);
  return name;
}

/** PCI addresses of a PF's VFs, by index. */
export function listVfs(pf: string): string[] {
  const path = devicePath(pf);
  return readdirSync(path)
    .filter((name) => /^virtfn\d+$/.test(name))
    .sort((a, b) => Number(a.slice(6)) - Number(b.slice(6)))
    .map((name) => basename(readlinkSync(join(path, name))));
}

export function vfOf(pf: string, index: number): string {
  const address = listVfs(pf)[index];
  if (address === undefined) throw new Error(`${pf} has no VF ${index}`);
  return address;
}

/** The driver that a device is bound to. */
export function driverOf(address: string): string | undefined {
  return whileThere(() => basename(readlinkSync(`${devicePath(address)}/driver`)));
}

/** What is read, undefined where it is not there: asking for that first would miss what goes just then. */
function whileThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Waits until something holds; fails with its name when it does not. The bound only ends what hangs. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 300_000,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what} does not hold after ${timeoutMs / 1000} s`);
    await sleep(pollMs);
  }
}

/**
 * A link once its carrier is where it stays. A driver that resets its port, as igb does for a new MTU, takes the carrier away
 * and gets it back by an interrupt, and the operational state follows by linkwatch, up to a second later
 * (net/core/link_watch.c). An interface that is down has no carrier at once.
 */
export async function readSettledLink(name: string, netns?: string): Promise<IpLink> {
  await until(`${name} has its carrier`, async () => {
    const { flags, operstate } = await readIpLink(name, netns);
    return !flags.includes('UP') || (flags.includes('LOWER_UP') && operstate === 'UP');
  });
  return readIpLink(name, netns);
}

/**
 * What is to be the same again: links and VFs as `ip` shows them, and what sysfs says of PFs, VFs and drivers. Waits for the
 * carrier of a PF that is up: it comes back after whatever reset the port has ended.
 */
export async function pictureOf(pfs: readonly string[] = [pf0, pf1]): Promise<unknown> {
  const picture = [];
  for (const pf of pfs) {
    picture.push({
      pf,
      // A queue discipline comes with the first time an interface is up, and stays.
      links: await Promise.all(
        listInterfaces(pf).map(async (name) => ({ ...(await readSettledLink(name)), qdisc: '' })),
      ),
      numVfs: readSys(`${devicePath(pf)}/sriov_numvfs`),
      autoprobe: readSys(`${devicePath(pf)}/sriov_drivers_autoprobe`),
      vfs: listVfs(pf).map((vf) => ({
        vf,
        driver: driverOf(vf),
        override: readSys(`${devicePath(vf)}/driver_override`),
        interfaces: listInterfaces(vf).length,
      })),
    });
  }
  return picture;
}

/** Brings the lab to where every test begins: no VFs, no namespaces, PFs down with MTU 1500, netdevsim in legacy mode. */
export async function resetLab(): Promise<void> {
  const namespaces = existsSync('/run/netns') ? readdirSync('/run/netns') : [];
  for (const name of namespaces) await run('ip', ['netns', 'del', name]);
  for (const pf of [pf0, pf1]) {
    const path = devicePath(pf);
    if (listVfs(pf).length > 0) writeSys(`${path}/sriov_numvfs`, '0');
    writeSys(`${path}/sriov_drivers_autoprobe`, '1');
    const name = interfaceOf(pf);
    const isAsAtBoot = readSys(`/sys/class/net/${name}/mtu`) === '1500' && !isUp(name);
    if (!isAsAtBoot) await run('ip', ['link', 'set', 'dev', name, 'down', 'mtu', '1500']);
  }
  const netdevsim = devicePath(netdevsimPf);
  if (readSys(`${netdevsim}/sriov_numvfs`) !== '0') writeSys(`${netdevsim}/sriov_numvfs`, '0');
}

function isUp(name: string): boolean {
  return (Number(readSys(`/sys/class/net/${name}/flags`)) & 1) === 1;
}

/** A fresh folder for journals, specs and snapshots. */
export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), 'vfleet-lab-'));
}
