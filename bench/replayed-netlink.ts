// Owns netlink that was heard once and is answered from memory after that: what a simulated kernel costs is not ours.

import type { Kernel, NetlinkTransport } from '../src/kernel/kernel.ts';

const headerBytes = 16;
const sequenceOffset = 8;

/** A conversation begins with its request; all messages of it count from the request's sequence number. */
interface Heard {
  readonly firstSequence: number;
  readonly datagrams: Uint8Array[];
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Adds to the sequence number of every message of a datagram that has one. */
function shifted(datagram: Uint8Array, by: number): Uint8Array {
  const bytes = new Uint8Array(datagram);
  const view = viewOf(bytes);
  for (let at = 0; at + headerBytes <= bytes.byteLength;) {
    const length = view.getUint32(at, true);
    const sequence = view.getUint32(at + sequenceOffset, true);
    if (sequence !== 0) view.setUint32(at + sequenceOffset, sequence + by, true);
    at += Math.max(headerBytes, (length + 3) & ~3);
  }
  return bytes;
}

/** The kernel, whose netlink answers are remembered by request and given again without asking it. */
export function rememberNetlink(kernel: Kernel): Kernel {
  const heard = new Map<string, Heard>();
  return {
    files: kernel.files,
    clock: kernel.clock,
    ethtoolIoctl: async (name, request) => kernel.ethtoolIoctl(name, request),
    loadModule: async (name, timeoutMs) => kernel.loadModule(name, timeoutMs),
    runTool: async (program, args, timeoutMs) => kernel.runTool(program, args, timeoutMs),
    openNetlink(protocol, options): NetlinkTransport {
      const socket = kernel.openNetlink(protocol, options);
      let current: Heard = { firstSequence: 0, datagrams: [] };
      let shift = 0;
      let answered: number | undefined;
      return {
        async send(datagram) {
          const sequence = viewOf(datagram).getUint32(sequenceOffset, true);
          const key = `${protocol} ${Buffer.from(shifted(datagram, -sequence)).toString('base64')}`;
          const known = heard.get(key);
          answered = known === undefined ? undefined : 0;
          current = known ?? { firstSequence: sequence, datagrams: [] };
          shift = sequence - current.firstSequence;
          if (known !== undefined) return;
          heard.set(key, current);
          await socket.send(datagram);
        },
        async receive(receiveOptions) {
          if (answered === undefined) {
            const datagram = await socket.receive(receiveOptions);
            current.datagrams.push(new Uint8Array(datagram));
            return datagram;
          }
          const datagram = current.datagrams[answered];
          if (datagram === undefined) throw new Error('more is asked for than was heard');
          answered += 1;
          return shifted(datagram, shift);
        },
        joinGroup: (group) => socket.joinGroup(group),
        close: () => socket.close(),
      };
    },
  };
}
