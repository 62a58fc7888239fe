// Owns a kernel that writes down what it is asked for. What is slow on a host is slow by how often the kernel is asked, and
// that can be counted where time cannot be measured.

import type { Kernel } from '../src/kernel/kernel.ts';
import { decodeMessages } from '../src/kernel/netlink/message.ts';

/** The same kernel; each request is a line of `asked`: `read PATH`, `netlink route 19+18` (types of its messages) … */
export function askedKernel(kernel: Kernel, asked: string[]): Kernel {
  const { files } = kernel;
  const note = (line: string): void => void asked.push(line);
  return {
    ...kernel,
    files: {
      readBytes(path, maxBytes) {
        note(`read ${path}`);
        return files.readBytes(path, maxBytes);
      },
      async readWaiting(path, timeoutMs) {
        note(`read ${path}`);
        return files.readWaiting(path, timeoutMs);
      },
      list(path) {
        note(`list ${path}`);
        return files.list(path);
      },
      readLink(path) {
        note(`link ${path}`);
        return files.readLink(path);
      },
      identity(path) {
        note(`stat ${path}`);
        return files.identity(path);
      },
      async write(path, text, timeoutMs) {
        note(`write ${path}`);
        return files.write(path, text, timeoutMs);
      },
    },
    openNetlink(protocol, options) {
      const socket = kernel.openNetlink(protocol, options);
      return {
        async send(datagram) {
          const types = decodeMessages(datagram).map(({ type }) => type);
          note(`netlink ${protocol} ${types.join('+')}`);
          return socket.send(datagram);
        },
        receive: async (receiveOptions) => socket.receive(receiveOptions),
        joinGroup: (group) => socket.joinGroup(group),
        close: () => socket.close(),
      };
    },
  };
}
