// Owns who may use the agent's socket: its folder, its mode and group, and the judgement of whoever connects.
// The mode keeps others from connecting at all; the credentials are checked besides, should the mode be opened.

import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { VfleetError, messageOf } from '../base/errors.ts';
import type { PeerCredentials } from '../kernel/peer-credentials.ts';

/** Members may use the agent without being root. */
export const agentGroup = 'vfleet';
/** Made by systemd (RuntimeDirectory=vfleet), or by the agent; nothing else is in its folder. */
export const defaultSocketPath = '/run/vfleet/agent.sock';

const folderMode = 0o750;
const socketMode = 0o660;
const rootUid = 0;
/** sun_path of struct sockaddr_un (include/uapi/linux/un.h), with its zero. */
const longestSocketPath = 107;

/**
 * Number of a group by its name in the text of /etc/group (group(5)); undefined when it is not there. Lines that are no
 * groups are passed over.
 */
export function findGroupId(groupFile: string, name: string): number | undefined {
  for (const line of groupFile.split('\n')) {
    const [found, , id = ''] = line.split(':');
    if (found === name && /^[0-9]{1,10}$/.test(id)) return Number(id);
  }
  return undefined;
}

/** Number of the group whose members may use the agent; undefined when the host has no such group. */
export function readAgentGroupId(): number | undefined {
  try {
    return findGroupId(readFileSync('/etc/group', 'utf8'), agentGroup);
  } catch {
    return undefined;
  }
}

/** Whether a process may use the agent: root's, the agent's own user's, or one that the kernel has in the group. */
export function mayUseAgent(
  peer: PeerCredentials | undefined,
  agent: { readonly uid: number; readonly groupId: number | undefined },
): boolean {
  if (peer === undefined) return false;
  if (peer.uid === rootUid || peer.uid === agent.uid) return true;
  return agent.groupId !== undefined && (peer.gid === agent.groupId || peer.groups.includes(agent.groupId));
}

/**
 * Makes the way free for a socket: its folder, and no old socket in its place. Throws `lock.held` when somebody answers
 * there, `file.unreadable` when something else than a socket stands there.
 */
export async function prepareSocketPath(path: string, groupId: number | undefined): Promise<void> {
  if (Buffer.byteLength(path) > longestSocketPath)
    throw new VfleetError(
      'usage.invalid',
      `the path of a socket has at most ${longestSocketPath} bytes: ${path}`,
    );
  const folder = dirname(path);
  try {
    const made = mkdirSync(folder, { recursive: true, mode: folderMode });
    // A folder that somebody else made for other things, such as /tmp, is left as it is.
    if (made !== undefined || path === defaultSocketPath) {
      chmodSync(folder, folderMode);
      if (groupId !== undefined) giveToGroup(folder, groupId);
    }
    const standing = lstatSync(path, { throwIfNoEntry: false });
    if (standing === undefined) return;
    if (!standing.isSocket()) throw new Error('it exists, and is no socket');
    if (await isAnswered(path))
      throw new VfleetError('lock.held', `another agent answers at ${path}`, {
        hint: 'stop it, or choose another socket with --socket PATH',
        details: { file: path },
      });
    unlinkSync(path);
  } catch (cause) {
    if (cause instanceof VfleetError) throw cause;
    throw new VfleetError('file.unreadable', `socket ${path}: ${messageOf(cause)}`, {
      cause,
      details: { file: path },
    });
  }
}

/** Sets mode and group of a socket that was just made. */
export function restrictSocket(path: string, groupId: number | undefined): void {
  chmodSync(path, socketMode);
  if (groupId !== undefined) giveToGroup(path, groupId);
}

/** Only root may give a file to a group that it is not in; for others the group simply has no access. */
function giveToGroup(path: string, groupId: number): void {
  try {
    chownSync(path, process.geteuid?.() ?? rootUid, groupId);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  }
}

async function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.on('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', () => resolve(false));
  });
}
