// Owns the one-way line to the service manager that started us (sd_notify(3)): a datagram on a Unix socket.
// Node has no datagram Unix sockets. systemd-notify(1) would be a process per message, which the manager takes for a
// stranger's unless the unit trusts all of its processes. So libc is called; a call that would wait is not made.

import { createRequire } from 'node:module';
import type { KoffiFunc } from 'koffi';

// include/linux/socket.h, include/linux/net.h, include/uapi/asm-generic/fcntl.h
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** sun_path of struct sockaddr_un (include/uapi/linux/un.h). */
const longestPathBytes = 108;

interface Calls {
  readonly socket: KoffiFunc<(domain: number, type: number, protocol: number) => number>;
  readonly sendto: KoffiFunc<
    (
      fd: number,
      bytes: Uint8Array,
      size: number,
      flags: number,
      address: Uint8Array,
      addressSize: number,
    ) => number | bigint
  >;
  readonly close: KoffiFunc<(fd: number) => number>;
}

let loaded: Calls | undefined;

function ffi(): Calls {
  if (loaded === undefined) {
    const koffi = createRequire(import.meta.url)('koffi') as (typeof import('koffi'))['default'];
    const library = koffi.load(null);
    loaded = {
      socket: library.func('int socket(int domain, int type, int protocol)') as Calls['socket'],
      sendto: library.func(
        'int64_t sendto(int fd, const void *bytes, uint64_t size, int flags, const void *address, uint32_t addressSize)',
      ) as Calls['sendto'],
      close: library.func('int close(int fd)') as Calls['close'],
    };
  }
  return loaded;
}

/**
 * struct sockaddr_un for what NOTIFY_SOCKET says: a path, or `@name` for a name in the abstract namespace. Undefined for
 * anything else; the manager may also name a vsock, which only virtual machines get.
 */
export function encodeNotifyAddress(notifySocket: string): Uint8Array | undefined {
  if (!/^[/@]./.test(notifySocket)) return undefined;
  const name = Buffer.from(notifySocket, 'utf8');
  if (name.byteLength > longestPathBytes - 1 || name.includes(0)) return undefined;
  const isAbstract = name[0] === 0x40;
  if (isAbstract) name[0] = 0;
  // An abstract name is as long as the address says; a path ends in a zero byte.
  const address = Buffer.alloc(2 + name.byteLength + (isAbstract ? 0 : 1));
  address.writeUInt16LE(AF_UNIX);
  name.copy(address, 2);
  return address;
}

/**
 * Tells the service manager something, for example `READY=1`. Answers whether it was handed over: one who does not listen
 * is no failure of ours.
 */
export function notifyServiceManager(notifySocket: string, message: string): boolean {
  const address = encodeNotifyAddress(notifySocket);
  if (address === undefined) return false;
  const { socket, sendto, close } = ffi();
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  try {
    const bytes = Buffer.from(message, 'utf8');
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const sent = sendto(fd, bytes, bytes.byteLength, flags, address, address.byteLength);
    return Number(sent) === bytes.byteLength;
  } finally {
    close(fd);
  }
}
