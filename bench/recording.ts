// Owns the writing down of what a reading of the host asks of the kernel, for the replay of replay.h.

import { writeFileSync } from 'node:fs';
import { readSnapshot } from '../src/inventory/snapshot.ts';
import type { Kernel } from '../src/kernel/kernel.ts';
import { localKernel } from '../src/kernel/local-kernel.ts';
import { KernelSession } from '../src/kernel/session.ts';

// include/uapi/linux/netlink.h
const protocolNumbers = { route: 0, generic: 16 } as const;

/** The kernel of this machine, which writes down every read that goes through it as a line of the replay. */
function recordingKernel(lines: string[]): Kernel {
  const kernel = localKernel();
  const { files } = kernel;
  const note = <T>(line: string, answer: T): T => {
    lines.push(line);
    return answer;
  };
  return {
    ...kernel,
    files: {
      ...files,
      readBytes: (path, maxBytes) => note(`read ${path}`, files.readBytes(path, maxBytes)),
      list: (path) => note(`list ${path}`, files.list(path)),
      readLink: (path) => note(`link ${path}`, files.readLink(path)),
      identity: (path) => note(`stat ${path}`, files.identity(path)),
    },
    openNetlink(protocol, options) {
      const transport = kernel.openNetlink(protocol, options);
      return {
        receive: async (receiving) => transport.receive(receiving),
        joinGroup: (group) => transport.joinGroup(group),
        close: () => transport.close(),
        async send(datagram) {
          lines.push(`send ${protocolNumbers[protocol]} ${Buffer.from(datagram).toString('hex')}`);
          await transport.send(datagram);
        },
      };
    },
    async ethtoolIoctl(ifName, request) {
      lines.push(`ioctl ${ifName} ${Buffer.from(request).toString('hex')}`);
      return kernel.ethtoolIoctl(ifName, request);
    },
  };
}

/** Writes into a file what one reading of a PF asks, once everything is found and open that is kept. */
export async function recordReading(pf: string, detail: 'settings' | 'full', file: string): Promise<void> {
  const lines: string[] = [];
  const session = new KernelSession(recordingKernel(lines));
  try {
    await readSnapshot(session, { detail, pfs: [pf] });
    lines.length = 0;
    await readSnapshot(session, { detail, pfs: [pf] });
    writeFileSync(file, `${lines.join('\n')}\n`);
  } finally {
    session.close();
  }
}
