// Owns a monitor in between: a real QEMU takes VFs of a simulated host through it. A vfio-pci device becomes a virtio-net-pci
// in QEMU and an open vfio node on the host; a guest that lets go is played by a reset, which takes away what was asked for.

import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LineSplitter, isObject } from '../../src/hypervisor/qemu/qmp-message.ts';
import { localFiles } from '../../src/kernel/local-files.ts';
import { readProcessInstance } from '../../src/kernel/proc/process-identity.ts';
import type { SimKernel } from '../../src/sim/sim-kernel.ts';
import { vfioNodesOf } from '../../src/sim/vfio-use.ts';

/** How the machine behind the relay behaves. */
export interface RelayTraits {
  /** Whether QEMU opens the VF that it is given; false: it says so and does not. */
  readonly opensVfs: boolean;
  /** Whether the guest lets go of a device. */
  readonly letsGo: boolean;
  /** Called when a VF is to be plugged in, before QEMU hears of it. */
  readonly onPlug?: () => void;
}

export interface VfRelay {
  readonly path: string;
  readonly close: () => Promise<void>;
}

type Fields = Record<string, unknown>;

/** Relays between who connects to `path` and the monitor of a real QEMU. Our own process stands for QEMU's. */
export async function relayVfs(qmpPath: string, kernel: SimKernel, traits: RelayTraits): Promise<VfRelay> {
  const folder = mkdtempSync(join(tmpdir(), 'vfleet-relay-'));
  const path = join(folder, 'qmp');
  const hosts = new Map<string, string>();
  const sockets: Socket[] = [];
  const server = createServer((client) => {
    const qemu = connect({ path: qmpPath });
    sockets.push(client, qemu);
    const toQemu = (message: Fields): void => void qemu.write(`${JSON.stringify(message)}\n`);
    const toClient = (message: Fields): void => void client.write(`${JSON.stringify(message)}\n`);
    pipeLines(client, qemu, (message) => {
      const { execute, id } = message;
      const args = isObject(message['arguments']) ? message['arguments'] : {};
      const device = String(args['id']);
      if (execute === 'device_add') {
        traits.onPlug?.();
        const { host, ...others } = args;
        hosts.set(`/machine/peripheral/${device}`, String(host));
        if (traits.opensVfs) openVf(kernel, String(host));
        toQemu({ ...message, arguments: { ...others, driver: 'virtio-net-pci' } });
        return;
      }
      if (execute === 'qom-get' && args['property'] === 'host') {
        toClient({ return: hosts.get(String(args['path'])), id });
        return;
      }
      toQemu(message);
      if (execute === 'device_del' && traits.letsGo) toQemu({ execute: 'system_reset', id: 'relay' });
    });
    pipeLines(qemu, client, (message) => {
      if (message['id'] === 'relay' || message['event'] === 'RESET') return;
      const { data } = message;
      if (message['event'] === 'DEVICE_DELETED' && isObject(data) && typeof data['path'] === 'string') {
        const host = hosts.get(data['path']);
        if (host !== undefined) closeVf(kernel, host);
      }
      client.write(`${JSON.stringify(message).replaceAll('virtio-net-pci', 'vfio-pci')}\n`);
    });
  });
  await new Promise<void>((listening) => void server.listen(path, listening));
  return {
    path,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => void server.close(closed));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Hands on each line of a socket; the end of one is the end of the other. */
function pipeLines(from: Socket, to: Socket, onLine: (message: Fields) => void): void {
  const splitter = new LineSplitter();
  from.on('error', () => undefined);
  from.on('close', () => to.destroy());
  from.on('data', (bytes: Buffer) => {
    for (const line of splitter.push(bytes)) onLine(JSON.parse(line) as Fields);
  });
}

function vfioGroupOf(kernel: SimKernel, address: string): string {
  const vf = kernel.state.pfs.flatMap(({ vfs }) => vfs).find((each) => each.address === address);
  const nodes = vf === undefined ? undefined : vfioNodesOf(vf);
  if (nodes === undefined || vf?.driver !== 'vfio-pci') throw new Error(`${address} is not ready for QEMU`);
  return nodes.group;
}

function openVf(kernel: SimKernel, address: string): void {
  const group = vfioGroupOf(kernel, address);
  const startTicks = readProcessInstance(localFiles(), process.pid)?.startTicks;
  kernel.change((state) => {
    const commandLine = ['/usr/bin/qemu-system-x86_64', '-name', 'vm1'];
    state.processes.push({
      pid: process.pid,
      comm: 'qemu-system-x86',
      commandLine,
      openFiles: [group],
      startTicks,
    });
  });
}

function closeVf(kernel: SimKernel, address: string): void {
  const group = vfioGroupOf(kernel, address);
  kernel.change((state) => {
    state.processes = state.processes.filter(({ openFiles }) => !openFiles.includes(group));
  });
}
