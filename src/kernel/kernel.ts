// Owns the port through which all of vfleet reaches an operating system: files, netlink datagrams, one ioctl, programs
// that are asked a question, time.
// Two things implement it: the machine we run on (local-kernel.ts) and the simulated host (src/sim).
// Nothing above this file may open a device, a socket or a file of /sys or /proc in another way.

/** A call that the kernel refused; `errno` is its symbolic name (`ENOENT`). */
export interface Errno {
  readonly errno: string;
}

/**
 * The files of /sys, /proc, /dev and /run as the kernel shows them. Paths are absolute; a root can be put before them.
 * Reads are synchronous: the kernel answers these attributes from memory. The two exceptions that wait for a device
 * lock (`sriov_numvfs`, drivers/pci/iov.c sriov_numvfs_show; `driver_override`) go through {@link FileTree.readWaiting}.
 */
export interface FileTree {
  /** Content of a file, at most `maxBytes` (default 64 KiB), or why it cannot be read. */
  readBytes(path: string, maxBytes?: number): Uint8Array | Errno;
  /** Same for an attribute that the kernel answers only when a device lock is free. Fails with `kernel.timeout`. */
  readWaiting(path: string, timeoutMs: number): Promise<Uint8Array | Errno>;
  /** Names in a folder, sorted; empty when it is not there or cannot be read. */
  list(path: string): readonly string[];
  /** Target of a symbolic link as it is stored, undefined when there is none. */
  readLink(path: string): string | undefined;
  /** Identity of what a path leads to, `DEVICE:INODE` in decimal; undefined when it is not there. */
  identity(path: string): string | undefined;
  /**
   * Writes text to a file that exists, in one write(2), without blocking the event loop.
   * Answers undefined for success or the errno; fails with `kernel.timeout` when the call has not come back in
   * `timeoutMs` (it goes on in the kernel: such a write cannot be cancelled). While it does, a write for the same device
   * fails in the same way, after as long, and is not begun.
   */
  write(path: string, text: string, timeoutMs: number): Promise<Errno | undefined>;
}

export type NetlinkProtocol = 'route' | 'generic';

/** One netlink socket. Datagrams go in and out as bytes; what they mean is the business of netlink/client.ts. */
export interface NetlinkTransport {
  /**
   * Hands a datagram to the kernel; resolves when the kernel has dealt with it (it works inside sendmsg). The bytes must
   * not change until then, and are the caller's again afterwards.
   */
  send(datagram: Uint8Array): Promise<void>;
  /**
   * The next datagram, whole (its size is asked with MSG_PEEK | MSG_TRUNC first, except in a dump, whose parts have a
   * known limit). Waits until there is one.
   * Throws `kernel.refused` with errno `ENOBUFS` when events were lost, `EBADF` once the socket is closed.
   */
  receive(options?: ReceiveOptions): Promise<Uint8Array>;
  /** Joins a multicast group by number. */
  joinGroup(group: number): void;
  close(): void;
}

export interface ReceiveOptions {
  /** A dump is under way: the kernel writes its next part while it hands one out, and that can take long. */
  readonly isDump?: boolean;
}

export interface NetlinkOptions {
  /** Path of a network namespace (`/run/netns/blue`, `/proc/42/ns/net`) in which the socket is to live. */
  readonly netns?: string;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  sleep(durationMs: number): Promise<void>;
  /** Calls back once after a time; the timer can be refreshed, and keeps the process alive until `unref()`. */
  startTimer(callback: () => void, durationMs: number): NodeJS.Timeout;
}

/**
 * Programs that vfleet asks; no other is ever run through {@link Kernel.runTool}. Distributions of the Red Hat family
 * have `qemu-kvm` in place of `qemu-system-x86_64`, and libvirt without its old daemon has `virtqemud`.
 */
export const toolNames = [
  'qemu-system-x86_64',
  'qemu-kvm',
  'libvirtd',
  'virtqemud',
  'lldpcli',
  'ibv_devinfo',
] as const;
export type ToolName = (typeof toolNames)[number];

/** The most that a program may print: neighbours of 64 ports with all their TLVs are a tenth of it. */
export const toolOutputMaxBytes = 1024 * 1024;

/** What vfleet needs of an operating system, at the level of bytes. */
export interface Kernel {
  readonly files: FileTree;
  readonly clock: Clock;
  openNetlink(protocol: NetlinkProtocol, options?: NetlinkOptions): NetlinkTransport;
  /**
   * SIOCETHTOOL on an interface (include/uapi/linux/ethtool.h). `request` begins with the 32-bit command and has room
   * for the answer, which comes back in a new array of the same length.
   */
  ethtoolIoctl(ifName: string, request: Uint8Array): Promise<Uint8Array | Errno>;
  /**
   * Loads a kernel module and what it depends on, as modprobe(8) does; a module that is there already is a success.
   * Answers undefined, or `ENOENT` when no module of that name can be loaded. Fails with `kernel.timeout`.
   */
  loadModule(name: string, timeoutMs: number): Promise<Errno | undefined>;
  /**
   * What a program prints to its standard output, at most {@link toolOutputMaxBytes}. Answers `ENOENT` when it is not
   * installed, `EIO` when it ended with another status than 0 (lldpcli without lldpd), `EFBIG` when it printed too much,
   * and the errno when it could not be started. Fails with `kernel.timeout`; the program is killed then.
   */
  runTool(program: ToolName, args: readonly string[], timeoutMs: number): Promise<Uint8Array | Errno>;
}

/** Whether an answer is a refusal. */
export function isErrno(answer: Uint8Array | Errno | undefined): answer is Errno {
  return answer !== undefined && !(answer instanceof Uint8Array);
}
