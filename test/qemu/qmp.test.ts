// QMP against a real QEMU, and against servers that are none.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { VfleetError } from '../../src/base/errors.ts';
import {
  findFreePort,
  hasDevice,
  listHotplugPorts,
  listVfioDevices,
  plugDevice,
  unplugDevice,
} from '../../src/hypervisor/qemu/devices.ts';
import { connectQmp } from '../../src/hypervisor/qemu/qmp.ts';
import { isQemuMissing, qemuPackage, startQemu } from './qemu.fixture.ts';

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function qemuWith(args: readonly string[] = []): ReturnType<typeof startQemu> {
  const qemu = await startQemu(args);
  ends.push(qemu.stop);
  return qemu;
}

async function clientOf(path: string): ReturnType<typeof connectQmp> {
  const client = await connectQmp(path);
  ends.push(() => client.close());
  return client;
}

const port = (id: string, slot: number, more = ''): string[] => [
  '-device',
  `pcie-root-port,id=${id},chassis=${slot},slot=${slot}${more}`,
];
const card = { driver: 'virtio-net-pci', properties: { mac: '52:54:00:00:00:01' } };

describe.skipIf(isQemuMissing)(`QMP of a real QEMU (package ${qemuPackage})`, () => {
  it('greets, answers, refuses with class and words, and says whose it is', async () => {
    const qemu = await qemuWith();
    const qmp = await clientOf(qemu.qmpPath);
    expect(qmp.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(qmp.listenerPid).toBe(qemu.pid);
    expect(await qmp.execute('query-status')).toMatchObject({ status: 'prelaunch', running: false });
    const buses = await qmp.execute('query-pci');
    expect(Array.isArray(buses) && buses.length).toBe(1);
    await expect(qmp.execute('no-such-command')).rejects.toMatchObject({
      code: 'hypervisor.refused',
      message: expect.stringMatching(/no-such-command.*\(CommandNotFound\)$/) as string,
    });
    // Many at once, and one whose answer is long.
    const answers = await Promise.all(
      ['query-uuid', 'query-qmp-schema', 'query-name'].map(async (name) => qmp.execute(name)),
    );
    expect(answers[0]).toHaveProperty('UUID');
    expect(JSON.stringify(answers[1]).length).toBeGreaterThan(100_000);
  });

  it('finds the port with room, also before the guest has numbered its buses', async () => {
    const qemu = await qemuWith([
      ...port('rp10', 1),
      ...port('rp2', 2),
      ...port('rp1', 3, ',hotplug=off'),
      '-device',
      'virtio-net-pci,bus=rp2,id=n1',
      '-device',
      'pcie-root-port,chassis=9,slot=9',
    ]);
    const qmp = await clientOf(qemu.qmpPath);
    expect(await listHotplugPorts(qmp)).toEqual([
      { bus: 'rp1', device: undefined, canHotplug: false },
      { bus: 'rp2', device: 'virtio-net-pci', canHotplug: true },
      { bus: 'rp10', device: undefined, canHotplug: true },
    ]);
    expect(await findFreePort(qmp)).toBe('rp10');
    await plugDevice(qmp, { ...card, id: 'n2', bus: 'rp10' });
    expect(await hasDevice(qmp, 'n2')).toBe(true);
    expect(await listVfioDevices(qmp)).toEqual([]);
    await expect(findFreePort(qmp)).rejects.toMatchObject({
      code: 'vf.unavailable',
      message: 'the VM has no free pcie-root-port: 2 in use, 1 with hotplug=off',
      hint: expect.stringContaining('pcie-root-port') as string,
    });
  });

  it('says so when there is no port at all, and leaves the machine alone when it refuses a device', async () => {
    const qemu = await qemuWith();
    const qmp = await clientOf(qemu.qmpPath);
    await expect(findFreePort(qmp)).rejects.toMatchObject({ code: 'vf.unavailable' });
    const vf = { driver: 'vfio-pci', id: 'vf', bus: 'pcie.0', properties: { host: 'ffff:1f:1f.7' } };
    await expect(plugDevice(qmp, vf)).rejects.toMatchObject({
      code: 'hypervisor.refused',
      message: expect.stringContaining('device_add') as string,
    });
    expect(await hasDevice(qmp, 'vf')).toBe(false);
  });

  it('waits in vain for a guest that does not answer, and can ask again', async () => {
    const qemu = await qemuWith(port('rp1', 1));
    const qmp = await clientOf(qemu.qmpPath);
    await plugDevice(qmp, { ...card, id: 'n1', bus: 'rp1' });
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(unplugDevice(qmp, 'n1', 50)).rejects.toMatchObject({
        code: 'hypervisor.timeout',
        hint: expect.stringContaining('guest') as string,
      });
    }
    expect(await hasDevice(qmp, 'n1')).toBe(true);
    await unplugDevice(qmp, 'never-was-there', 50);
    // A reset takes away what was asked for, and says so.
    const unplugged = unplugDevice(qmp, 'n1', 120_000);
    await qmp.execute('system_reset');
    await unplugged;
    expect(await hasDevice(qmp, 'n1')).toBe(false);
  });

  it('ends every wait when QEMU is killed', async () => {
    const qemu = await qemuWith(port('rp1', 1));
    const qmp = await clientOf(qemu.qmpPath);
    await plugDevice(qmp, { ...card, id: 'n1', bus: 'rp1' });
    const failed = Promise.allSettled([
      unplugDevice(qmp, 'n1', 60_000),
      qmp.execute('query-status'),
      qmp.execute('query-qmp-schema'),
    ]);
    qemu.process.kill('SIGKILL');
    const [unplugged] = await failed;
    expect(unplugged).toMatchObject({ status: 'rejected', reason: { code: 'hypervisor.unreachable' } });
    await expect(qmp.execute('query-status')).rejects.toMatchObject({ code: 'hypervisor.unreachable' });
  });

  it('says so when another program has the monitor', async () => {
    const qemu = await qemuWith();
    await clientOf(qemu.qmpPath);
    await expect(connectQmp(qemu.qmpPath, 100)).rejects.toMatchObject({
      code: 'hypervisor.timeout',
      hint: expect.stringContaining('second -qmp') as string,
    });
  });
});

describe('what is no QEMU', () => {
  const greeting = '{"QMP":{"version":{"qemu":{"micro":0,"minor":0,"major":9}},"capabilities":[]}}\n';

  /** A server on a socket of its own; `serve` gets each connection. */
  async function serverAt(serve: (socket: Socket) => void): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'vfleet-qmp-'));
    const path = join(folder, 'qmp');
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      serve(socket);
    });
    await new Promise<void>((resolve) => void server.listen(path, resolve));
    ends.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => void server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    });
    return path;
  }

  /** Answers the negotiation, and every later command with these bytes. */
  function answering(bytes: string | Uint8Array): (socket: Socket) => void {
    return (socket) => {
      let commands = 0;
      socket.write(greeting);
      socket.on('data', () => {
        commands += 1;
        socket.write(commands === 1 ? '{"return":{},"id":1}\n' : bytes);
      });
    };
  }

  it('is not there, or is no socket, or ends at once', async () => {
    for (const path of ['/nonexistent/qmp', '/etc/hostname', `/${'x'.repeat(200)}`])
      await expect(connectQmp(path)).rejects.toMatchObject({ code: 'hypervisor.unreachable' });
    const path = await serverAt((socket) => socket.end());
    await expect(connectQmp(path)).rejects.toMatchObject({ code: 'hypervisor.unreachable' });
  });

  it.each([
    ['no JSON', 'HTTP/1.1 400 Bad Request\n'],
    ['an answer to nothing', '{"return":{},"id":77}\n'],
    ['an answer to a part of a number', '{"return":{},"id":1.5}\n'],
    ['an error about our own line', '{"error":{"class":"GenericError","desc":"JSON parse error"}}\n'],
    ['bytes that are no text', new Uint8Array([0xff, 0xfe, 0x00, 0x0a])],
    ['a line without end', 'x'.repeat(9 * 1024 * 1024)],
  ])('is told from QEMU: %s', async (_, bytes) => {
    const client = await clientOf(await serverAt(answering(bytes)));
    await expect(client.execute('query-status')).rejects.toMatchObject({ code: 'hypervisor.malformed' });
    await expect(client.execute('query-status')).rejects.toMatchObject({ code: 'hypervisor.malformed' });
  });

  it('may be late: the late answer is nobody else’s', async () => {
    const path = await serverAt((socket) => {
      const lines: string[] = [];
      socket.write(greeting);
      socket.on('data', (bytes: Buffer) => {
        lines.push(...bytes.toString().trim().split('\n'));
        if (lines.length === 1) socket.write('{"return":{},"id":1}\n');
        // The second is answered only when the third has come.
        if (lines.length === 3) socket.write('{"return":"late","id":2}\n{"return":"third","id":3}\n');
      });
    });
    const client = await clientOf(path);
    await expect(client.execute('second', {}, 20)).rejects.toMatchObject({ code: 'hypervisor.timeout' });
    expect(await client.execute('third')).toBe('third');
  });

  it('can send any bytes: each call ends, with a code of ours', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 64 }),
        fc.boolean(),
        async (bytes, isLine) => {
          const sent = isLine ? Buffer.concat([bytes, Buffer.from('\n')]) : Buffer.from(bytes);
          const client = await clientOf(await serverAt(answering(sent)));
          const result = await client.execute('query-status', {}, 100).catch((error: unknown) => error);
          expect(result).toBeInstanceOf(VfleetError);
          expect(['hypervisor.malformed', 'hypervisor.timeout']).toContain((result as VfleetError).code);
          client.close();
        },
      ),
      { numRuns: 30 },
    );
  });
});
