// Owns the question who is at the other end of a connection on a Unix socket, as the kernel answers it.
// Judges nobody. The two calls are declared here and not in libc.ts, because nothing else needs them.

import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { KoffiFunc } from 'koffi';
import { VfleetError } from '../base/errors.ts';
import { describeErrno } from './errno-table.ts';

// include/uapi/asm-generic/socket.h
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_PEERGROUPS = 59;
const ERANGE = 34;
/** struct ucred: pid, uid, gid (include/linux/socket.h). */
const ucredBytes = 12;
/** Most users are in fewer groups; the kernel says how many there are when it is not enough. */
const usualGroups = 64;

type GetSockOpt = KoffiFunc<
  (fd: number, level: number, name: number, value: Uint8Array, size: Uint32Array) => number
>;

/** The process that connected, as it was when it called connect(2). */
export interface PeerCredentials {
  /** Another process may have the number by now: it is for messages only. */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
}

let loaded: { readonly getsockopt: GetSockOpt; readonly errno: () => number } | undefined;

function ffi(): NonNullable<typeof loaded> {
  if (loaded === undefined) {
    const koffi = createRequire(import.meta.url)('koffi') as (typeof import('koffi'))['default'];
    const getsockopt = koffi
      .load(null)
      .func('int getsockopt(int fd, int level, int name, _Out_ void *value, _Inout_ uint32_t *size)');
    loaded = { getsockopt: getsockopt as GetSockOpt, errno: () => koffi.errno() };
  }
  return loaded;
}

/** An option of a socket and how many bytes the kernel wrote or needs; `errno` is 0 for success. */
function readOption(fd: number, name: number, value: Uint8Array): { sizeBytes: number; errno: number } {
  const { getsockopt, errno } = ffi();
  const size = new Uint32Array([value.byteLength]);
  const result = getsockopt(fd, SOL_SOCKET, name, value, size);
  return { sizeBytes: size[0] ?? 0, errno: result === 0 ? 0 : errno() };
}

/**
 * Who connected to us (SO_PEERCRED, unix(7); SO_PEERGROUPS, net/core/sock.c, since Linux 4.13). The groups come from the
 * kernel, and not from /proc/PID/status, which may be another process's by then. Undefined when the socket is no Unix
 * socket of this process, or closed. Throws `kernel.refused`.
 */
export function readPeerCredentials(socket: Socket): PeerCredentials | undefined {
  const fd = descriptorOf(socket);
  if (fd === undefined) return undefined;
  const bytes = new Uint8Array(ucredBytes);
  const { sizeBytes, errno } = readOption(fd, SO_PEERCRED, bytes);
  if (errno !== 0) throw refusal('SO_PEERCRED', errno);
  // A socket that is none of AF_UNIX answers with uid -1.
  const view = new DataView(bytes.buffer);
  const uid = view.getInt32(4, true);
  if (sizeBytes < ucredBytes || uid === -1) return undefined;
  return { pid: view.getInt32(0, true), uid, gid: view.getInt32(8, true), groups: readPeerGroups(fd) };
}

function readPeerGroups(fd: number): number[] {
  let groups = new Uint32Array(usualGroups);
  let answer = readOption(fd, SO_PEERGROUPS, bytesOf(groups));
  if (answer.errno === ERANGE) {
    groups = new Uint32Array(answer.sizeBytes / Uint32Array.BYTES_PER_ELEMENT);
    answer = readOption(fd, SO_PEERGROUPS, bytesOf(groups));
  }
  if (answer.errno !== 0) throw refusal('SO_PEERGROUPS', answer.errno);
  return [...groups.subarray(0, answer.sizeBytes / Uint32Array.BYTES_PER_ELEMENT)];
}

function bytesOf(groups: Uint32Array): Uint8Array {
  return new Uint8Array(groups.buffer, groups.byteOffset, groups.byteLength);
}

/** Node keeps the descriptor of a pipe or Unix socket on its handle; it has no documented way to it. */
function descriptorOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null) return undefined;
  const fd: unknown = Reflect.get(handle, 'fd');
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}

function refusal(operation: string, errno: number): VfleetError {
  return new VfleetError('kernel.refused', `${operation}: ${describeErrno(errno)}`, {
    details: { operation },
  });
}
