// Owns the side of the simulated host: answers the calls of one process. What it asked for before it was killed is done;
// what it had not asked for yet never is.

import type { Duplex } from 'node:stream';
import type { Ground } from '../../src/assign/ground.ts';
import type { SimHypervisor } from '../../src/hypervisor/simulated/sim-hypervisor.ts';
import type { Kernel, NetlinkTransport } from '../../src/kernel/kernel.ts';
import { answerOfError, encodeFrame, FrameReader, ownBytes } from './host-calls.ts';
import type { CallFrame, HostCalls } from './host-calls.ts';

export interface ServedHost {
  readonly kernel: Kernel;
  readonly hypervisor: SimHypervisor;
  readonly ground: Ground;
}

/** A process that is served. */
export interface Served {
  /** Nothing that comes from now on is heard: the process is about to be killed. */
  end(): void;
}

export function serveHost(host: ServedHost, socket: Duplex): Served {
  const { calls, close } = callsOf(host);
  const frames = new FrameReader();
  let isOver = false;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    close();
  };
  async function answer({ name, args }: CallFrame): Promise<void> {
    const work = calls[name] as (...args: readonly unknown[]) => unknown;
    const answered = await Promise.resolve()
      .then(async () => work(...args.map((arg) => (arg instanceof Uint8Array ? ownBytes(arg) : arg))))
      .then((value) => ({ value }), answerOfError);
    if (!isOver) socket.write(encodeFrame(answered));
  }
  socket.on('data', (bytes: Buffer) => {
    if (isOver) return;
    frames.add(bytes);
    for (;;) {
      const frame = frames.next() as CallFrame | undefined;
      if (frame === undefined) return;
      void answer(frame);
    }
  });
  socket.on('error', end);
  socket.on('close', end);
  return { end };
}

function callsOf({ kernel, hypervisor, ground }: ServedHost): { calls: HostCalls; close: () => void } {
  const sockets: (NetlinkTransport | undefined)[] = [];
  const at = (socket: number): NetlinkTransport => {
    const found = sockets[socket];
    if (found === undefined) throw new Error(`there is no netlink socket ${socket}`);
    return found;
  };
  const calls: HostCalls = {
    readWaiting: async (...args) => kernel.files.readWaiting(...args),
    write: async (...args) => kernel.files.write(...args),
    ground: () => ground,
    openNetlink: (protocol) => sockets.push(kernel.openNetlink(protocol)) - 1,
    send: async (socket, datagram) => at(socket).send(datagram),
    receive: async (socket, options) => at(socket).receive(options),
    closeNetlink(socket) {
      at(socket).close();
      sockets[socket] = undefined;
    },
    listVms: async () => hypervisor.listVms(),
    readVm: async (vm) => hypervisor.readVm(vm),
    hasNic: async (...args) => hypervisor.hasNic(...args),
    attachNic: async (...args) => hypervisor.attachNic(...args),
    detachNic: async (...args) => hypervisor.detachNic(...args),
    destroy: async (vm) => hypervisor.destroy(vm),
    start: async (vm) => hypervisor.start(vm),
  };
  return { calls, close: () => sockets.forEach((socket) => socket?.close()) };
}
