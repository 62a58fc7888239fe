// Owns the side of a process: a kernel and a hypervisor that are in another process, asked over a socket. A call stands
// still until it is answered, as a program does inside the kernel. Files that the kernel answers from memory are read from
// the state that it keeps in a file: thousands of them for one look at a host, which would each wait for a processor.

import { readFileSync, readSync, statSync, writeSync } from 'node:fs';
import type { Hypervisor } from '../../src/hypervisor/hypervisor.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import type { SimStore } from '../../src/sim/host.ts';
import { simProfileOf } from '../../src/sim/profiles/profile-table.ts';
import { simKernelOn } from '../../src/sim/sim-kernel.ts';
import type { SimState } from '../../src/sim/state.ts';
import { hostSpeed } from './attach-terms.ts';
import { encodeFrame, FrameReader, valueOf } from './host-calls.ts';
import type { Answer, CallName, HostCalls } from './host-calls.ts';

const chunkBytes = 64 * 1024;

type Call = <Name extends CallName>(
  name: Name,
  ...args: Parameters<HostCalls[Name]>
) => Awaited<ReturnType<HostCalls[Name]>>;

export interface AskedHost {
  readonly kernel: Kernel;
  readonly hypervisor: Hypervisor;
  readonly call: Call;
}

/** The host behind an open socket, of this profile, which keeps its state in this file. */
export function askedHost(fd: number, profile: string, stateFile: string): AskedHost {
  const shown = shownKernel(profile, stateFile);
  const frames = new FrameReader();
  const chunk = Buffer.alloc(chunkBytes);
  const ask = (name: CallName, args: readonly unknown[]): unknown => {
    const frame = encodeFrame({ name, args });
    for (let sent = 0; sent < frame.byteLength;) sent += writeSync(fd, frame, sent);
    for (;;) {
      const answer = frames.next() as Answer | undefined;
      if (answer !== undefined) return valueOf(answer);
      const size = readSync(fd, chunk);
      // Whoever has the host is gone, and with it everything that could be asked.
      if (size === 0) process.exit(0);
      frames.add(chunk.subarray(0, size));
    }
  };
  const call = ((name: CallName, ...args: readonly unknown[]) => ask(name, args)) as Call;
  const noEvents = (): never => {
    throw new Error('nobody waits for events here');
  };
  return {
    call,
    kernel: {
      files: {
        ...shown.files,
        readWaiting: async (...args) => call('readWaiting', ...args),
        write: async (...args) => call('write', ...args),
      },
      clock: shown.clock,
      openNetlink(protocol) {
        const socket = call('openNetlink', protocol);
        return {
          send: async (datagram) => call('send', socket, datagram),
          receive: async (options) => call('receive', socket, options),
          joinGroup: noEvents,
          close: () => call('closeNetlink', socket),
        };
      },
      ethtoolIoctl: async () => ({ errno: 'EOPNOTSUPP' }),
      loadModule: async () => ({ errno: 'ENOENT' }),
      runTool: async () => ({ errno: 'ENOENT' }),
    },
    hypervisor: {
      label: 'the simulated hypervisor',
      uri: 'sim:///',
      listVms: async () => call('listVms'),
      readVm: async (vm) => call('readVm', vm),
      hasNic: async (...args) => call('hasNic', ...args),
      attachNic: async (...args) => call('attachNic', ...args),
      detachNic: async (...args) => call('detachNic', ...args),
      pin: async () => noEvents(),
      watch: noEvents,
      close: () => undefined,
    },
  };
}

/** A host as its state shows it; it changes nothing and does nothing by itself. */
function shownKernel(profile: string, stateFile: string): Kernel {
  let known = '';
  const readChanged = (): SimState | undefined => {
    const { ino, mtimeNs, size } = statSync(stateFile, { bigint: true });
    const found = `${ino} ${mtimeNs} ${size}`;
    if (found === known) return undefined;
    known = found;
    return { ...(JSON.parse(readFileSync(stateFile, 'utf8')) as SimState), arrivals: [] };
  };
  const store: SimStore = {
    readChanged,
    write: () => {
      throw new Error('the host is changed in another process');
    },
  };
  const state = readChanged();
  if (state === undefined) throw new Error(`there is no host in ${stateFile}`);
  return simKernelOn(simProfileOf(profile), state, { speed: hostSpeed, store });
}
