// Owns the joining of the parts that reach the machine we run on into the kernel port.
// Holds no logic of its own. The FFI to libc is loaded only when a socket or an ioctl is first needed.

import { setTimeout as sleep } from 'node:timers/promises';
import { ethtoolIoctl } from './ethtool-ioctl.ts';
import type { Kernel } from './kernel.ts';
import { localFiles } from './local-files.ts';
import { loadModule } from './module-loading.ts';
import { openNetlinkSocket } from './netlink-socket.ts';
import { runTool } from './tool.ts';

/** The kernel of this machine. `root` moves the files alone: netlink and ioctl always speak to the running kernel. */
export function localKernel(options: { readonly root?: string } = {}): Kernel {
  return {
    files: localFiles(options),
    clock: {
      nowMs: () => Date.now(),
      sleep: async (durationMs) => sleep(durationMs),
      startTimer: setTimeout,
    },
    openNetlink: openNetlinkSocket,
    ethtoolIoctl,
    loadModule,
    runTool: async (program, args, timeoutMs) => runTool(program, args, timeoutMs),
  };
}
