// Owns the network namespaces of the host besides our own: where each can be entered, and what it is called.
// What is in a namespace is asked through a netlink socket in it.

import type { FileTree } from '../kernel.ts';
import { listProcesses } from './process.ts';

export interface NetworkNamespace {
  /** A file that leads into it: `/run/netns/blue`, or `/proc/42/ns/net`, which goes when the process goes. */
  readonly path: string;
  /** Name that `ip netns` gave it, or `inode N`. */
  readonly name: string;
  /** Number of the namespace, as in `net:[4026532177]`. */
  readonly inode: number;
  /** The lowest-numbered process in it, undefined when none is. */
  readonly pid: number | undefined;
}

const namedFolder = '/run/netns';
const ownPath = '/proc/self/ns/net';

/**
 * Network namespaces other than ours, named ones first and by name, then the others by number: those bound below
 * /run/netns (ip-netns(8)) and those that processes are in (namespaces(7)). Processes that we may not look into
 * (no CAP_SYS_PTRACE) are passed over, and so is a namespace that only an open file keeps alive.
 */
export function listNetns(files: FileTree): readonly NetworkNamespace[] {
  const own = inodeOfLink(files.readLink(ownPath));
  const processes = firstProcessByInode(files);
  const named = listNamed(files, processes).filter((namespace) => namespace.inode !== own);
  const seen = new Set([own, ...named.map((namespace) => namespace.inode)]);
  const unnamed = [...processes]
    .filter(([inode]) => !seen.has(inode))
    .sort(([a], [b]) => a - b)
    .map(([inode, pid]) => ({ path: `/proc/${pid}/ns/net`, name: `inode ${inode}`, inode, pid }));
  return [...named, ...unnamed];
}

function listNamed(files: FileTree, processes: ReadonlyMap<number, number>): readonly NetworkNamespace[] {
  // Files that are left over after a crash are plain files, on another device than namespaces are.
  const namespaceDevice = deviceOf(files.identity(ownPath));
  const found: NetworkNamespace[] = [];
  for (const name of files.list(namedFolder)) {
    const path = `${namedFolder}/${name}`;
    const identity = files.identity(path);
    if (identity === undefined || deviceOf(identity) !== namespaceDevice) continue;
    const inode = Number(identity.slice(identity.indexOf(':') + 1));
    found.push({ path, name, inode, pid: processes.get(inode) });
  }
  return found;
}

function firstProcessByInode(files: FileTree): ReadonlyMap<number, number> {
  const processes = new Map<number, number>();
  for (const pid of listProcesses(files)) {
    const inode = inodeOfLink(files.readLink(`/proc/${pid}/ns/net`));
    if (inode !== undefined && !processes.has(inode)) processes.set(inode, pid);
  }
  return processes;
}

function inodeOfLink(target: string | undefined): number | undefined {
  const match = /^net:\[([0-9]{1,15})\]$/.exec(target ?? '');
  return match === null ? undefined : Number(match[1]);
}

/** First half of an identity, `device:inode`. */
function deviceOf(identity: string | undefined): string | undefined {
  return identity?.slice(0, identity.indexOf(':'));
}
