// Owns SIOCETHTOOL on the machine we run on: the socket, struct ifreq and the memory that the kernel writes into.
// Knows nothing of what the requests say; src/kernel/ethtool does.

import { VfleetError } from '../base/errors.ts';
import { describeErrno, errnoNameOf } from './errno-table.ts';
import type { Errno } from './kernel.ts';
import { addressOf, call, callWaiting } from './libc.ts';

// include/linux/socket.h, include/linux/net.h, include/uapi/linux/sockios.h
const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SIOCETHTOOL = 0x8946;

/** struct ifreq, include/uapi/linux/if.h: a name of 16 bytes with its NUL, then a union of 24; here a pointer. */
const ifreqBytes = 40;
const nameBytes = 16;

/**
 * Room behind the request. ETHTOOL_GSTRINGS and GSTATS carry no size, and a kernel writes as many names as the driver
 * has at that moment, which can be more than it said a moment ago. 2 MiB are 65,536 names; untouched, the pages cost
 * nothing.
 */
const slackBytes = 2 * 1024 * 1024;

/**
 * Makes one SIOCETHTOOL in our own network namespace on a thread of the pool: it waits for the RTNL lock and for the
 * driver. The answer is a new array as long as the request. A name that no interface can have answers ENODEV.
 * Throws `kernel.refused` when no socket can be opened.
 */
export async function ethtoolIoctl(ifName: string, request: Uint8Array): Promise<Uint8Array | Errno> {
  const name = Buffer.from(ifName);
  if (name.byteLength === 0 || name.byteLength >= nameBytes || name.includes(0)) return { errno: 'ENODEV' };
  // Kept in one object that lives until the call is back: the kernel holds only addresses.
  const memory = { ifreq: Buffer.alloc(ifreqBytes), request: Buffer.alloc(request.byteLength + slackBytes) };
  memory.request.set(request);
  memory.ifreq.set(name);
  memory.ifreq.writeBigUInt64LE(addressOf(memory.request), nameBytes);

  const socket = call('socket', AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket.value < 0) {
    throw new VfleetError('kernel.refused', `open a socket for ethtool: ${describeErrno(socket.errno)}`, {
      details: { operation: 'socket', errno: errnoNameOf(socket.errno) },
    });
  }
  try {
    const { value, errno } = await callWaiting('ioctl', socket.value, SIOCETHTOOL, memory.ifreq);
    if (value < 0) return { errno: errnoNameOf(errno) };
    return new Uint8Array(memory.request.subarray(0, request.byteLength));
  } finally {
    call('close', socket.value);
  }
}
