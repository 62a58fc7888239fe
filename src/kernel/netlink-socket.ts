// Owns AF_NETLINK sockets of the machine we run on: opening, sending, receiving whole datagrams, network namespaces.
// Knows nothing of what the datagrams say.

import { closeSync, openSync } from 'node:fs';
import { VfleetError } from '../base/errors.ts';
import { describeErrno, errnoNameOf } from './errno-table.ts';
import type { NetlinkOptions, NetlinkProtocol, NetlinkTransport, ReceiveOptions } from './kernel.ts';
import { call, callWaiting, watchReadable } from './libc.ts';

// include/linux/socket.h, include/uapi/linux/netlink.h, include/uapi/asm-generic/socket.h
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const MSG_PEEK = 0x2;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const EINTR = 4;
const EBADF = 9;
const EAGAIN = 11;
const CLONE_NEWNET = 0x40000000;

const protocolNumbers: Readonly<Record<NetlinkProtocol, number>> = { route: 0, generic: 16 };

/** With 8 MiB no event was lost on a host that made 256 VFs at once; the kernel's default is 208 KiB. */
const receiveBufferBytes = 8 * 1024 * 1024;
/** The kernel makes the parts of a dump as large as the last buffer that was offered, at most 32 KiB. */
const dumpBufferBytes = 64 * 1024;
/** Nothing the kernel sends is larger; an answer over it is not to be trusted. */
const maxDatagramBytes = 16 * 1024 * 1024;
/** Buffer of a peek that only asks for the size. */
const nothing = Buffer.allocUnsafeSlow(1);

function failure(operation: string, errno: number): VfleetError {
  return new VfleetError(
    errno === 1 || errno === 13 ? 'permission.missing' : 'kernel.refused',
    `${operation}: ${describeErrno(errno)}`,
    { details: { operation, errno: errnoNameOf(errno) } },
  );
}

function intBytes(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function setOption(fd: number, level: number, name: number, value: number): number {
  return call('setsockopt', fd, level, name, intBytes(value), 4).errno;
}

function createSocket(protocol: NetlinkProtocol): number {
  const { value: fd, errno } = call(
    'socket',
    AF_NETLINK,
    SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
    protocolNumbers[protocol],
  );
  if (fd < 0) throw failure('open a netlink socket', errno);
  return fd;
}

/**
 * Opens the socket while this thread is in another network namespace; the socket stays there, the thread comes back.
 * No other JavaScript runs in between, and libuv's threads are not touched (setns(2) is per thread).
 */
function createSocketIn(netns: string, protocol: NetlinkProtocol): number {
  let own: number;
  let there: number;
  try {
    own = openSync('/proc/thread-self/ns/net', 'r');
  } catch (cause) {
    throw new VfleetError('kernel.refused', 'open our own network namespace', { cause });
  }
  try {
    there = openSync(netns, 'r');
  } catch (cause) {
    closeSync(own);
    throw new VfleetError('kernel.absent', `network namespace ${netns} cannot be opened`, { cause });
  }
  try {
    const entered = call('setns', there, CLONE_NEWNET);
    if (entered.value !== 0) throw failure(`enter network namespace ${netns}`, entered.errno);
    try {
      return createSocket(protocol);
    } finally {
      const back = call('setns', own, CLONE_NEWNET);
      // In a foreign namespace every later call would act on the wrong host.
      if (back.value !== 0) process.abort();
    }
  } finally {
    closeSync(there);
    closeSync(own);
  }
}

/** Opens a netlink socket with extended acks, capped acks and strict checking. */
export function openNetlinkSocket(protocol: NetlinkProtocol, options: NetlinkOptions = {}): NetlinkTransport {
  const fd = options.netns === undefined ? createSocket(protocol) : createSocketIn(options.netns, protocol);
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF_NETLINK);
  const bound = call('bind', fd, address, address.byteLength);
  if (bound.value !== 0) {
    call('close', fd);
    throw failure('bind a netlink socket', bound.errno);
  }
  setOption(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
  setOption(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
  setOption(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
  return new NetlinkSocket(fd);
}

class NetlinkSocket implements NetlinkTransport {
  readonly #fd: number;
  #dumpBuffer: Buffer | undefined;
  #inFlight = 0;
  #closing = false;
  #closed = false;
  #watch: { close(): void } | undefined;
  #waiting: Promise<void> | undefined;
  #wake: (() => void) | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  joinGroup(group: number): void {
    this.#checkOpen();
    if (setOption(this.#fd, SOL_SOCKET, SO_RCVBUFFORCE, receiveBufferBytes) !== 0) {
      setOption(this.#fd, SOL_SOCKET, SO_RCVBUF, receiveBufferBytes);
    }
    const errno = setOption(this.#fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
    if (errno !== 0) throw failure(`join netlink group ${group}`, errno);
  }

  async send(datagram: Uint8Array): Promise<void> {
    const result = await this.#run('send', datagram, datagram.byteLength, 0);
    if (result.value < 0) throw failure('send to netlink', result.errno);
  }

  async receive(options: ReceiveOptions = {}): Promise<Uint8Array> {
    for (;;) {
      this.#checkOpen();
      const datagram = options.isDump === true ? await this.#takeFromDump() : this.#takeQueued();
      if (datagram !== undefined) return datagram;
      await this.#readable();
    }
  }

  /** The datagram that waits in the socket's queue; undefined when there is none. Never waits in the kernel. */
  #takeQueued(): Uint8Array | undefined {
    const flags = MSG_TRUNC | MSG_DONTWAIT;
    for (;;) {
      const peeked = call('recv', this.#fd, nothing, 0, MSG_PEEK | flags);
      if (peeked.value > maxDatagramBytes)
        throw new VfleetError('kernel.malformed', `netlink datagram of ${peeked.value} bytes`);
      let { errno } = peeked;
      if (peeked.value >= 0) {
        // Neither zeroed nor copied: a link with 256 VFs is 77 KB.
        const datagram = Buffer.allocUnsafeSlow(peeked.value);
        const taken = call('recv', this.#fd, datagram, datagram.byteLength, flags);
        if (taken.value >= 0) return new Uint8Array(datagram.buffer, 0, taken.value);
        errno = taken.errno;
      }
      if (errno === EAGAIN) return undefined;
      if (errno !== EINTR) throw failure('receive from netlink', errno);
    }
  }

  /**
   * The same on a thread: taking a part of a dump, or only peeking at it, makes the kernel write the next one, which
   * can wait for locks (net/netlink/af_netlink.c, netlink_recvmsg). A part is at most 32 KiB there.
   */
  async #takeFromDump(): Promise<Uint8Array | undefined> {
    const buffer = (this.#dumpBuffer ??= Buffer.allocUnsafeSlow(dumpBufferBytes));
    for (;;) {
      const { value, errno } = await this.#run('recv', buffer, buffer.byteLength, MSG_TRUNC | MSG_DONTWAIT);
      if (value > buffer.byteLength)
        throw new VfleetError('kernel.malformed', `part of a netlink dump of ${value} bytes`);
      if (value >= 0) return new Uint8Array(buffer.subarray(0, value));
      if (errno === EAGAIN) return undefined;
      if (errno !== EINTR) throw failure('receive from netlink', errno);
    }
  }

  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#wake?.();
    this.#finish();
  }

  /** Closes the descriptor once no thread works on it any more: its number may be given to somebody else at once. */
  #finish(): void {
    if (!this.#closing || this.#closed || this.#inFlight > 0) return;
    this.#closed = true;
    call('close', this.#fd);
  }

  #checkOpen(): void {
    if (this.#closing) throw failure('use a closed netlink socket', EBADF);
  }

  async #run(name: 'send' | 'recv', ...args: unknown[]): ReturnType<typeof callWaiting> {
    this.#checkOpen();
    this.#inFlight += 1;
    try {
      return await callWaiting(name, this.#fd, ...args);
    } finally {
      this.#inFlight -= 1;
      this.#finish();
    }
  }

  /** Waits until there is something to receive, or the socket is closed. */
  async #readable(): Promise<void> {
    // koffi ends the process when it is to watch a descriptor that is closed, or one that it watches already.
    if (this.#closing) return;
    this.#waiting ??= new Promise<void>((resolve) => {
      this.#wake = () => {
        this.#watch?.close();
        this.#watch = undefined;
        this.#waiting = undefined;
        resolve();
      };
      this.#watch = watchReadable(this.#fd, this.#wake);
    });
    await this.#waiting;
  }
}
