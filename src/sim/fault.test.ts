import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PfAddress } from '../base/identifiers.ts';
import { KernelSession } from '../kernel/session.ts';
import { NetlinkClient } from '../kernel/netlink/client.ts';
import { listLinks, readLink, setLink, setVfSettings } from '../kernel/rtnetlink/link.ts';
import {
  driversAutoprobePath,
  numVfsPath,
  readDriversAutoprobe,
  readNumVfs,
  readSriov,
} from '../kernel/sysfs/sriov.ts';
import { parseFaults, readFaultsFile } from './fault.ts';
import type { SimFault } from './fault.ts';
import { FaultSet } from './fault-set.ts';
import { createSimKernel } from './sim-kernel.ts';

const pf = '0000:01:00.0' as PfAddress;
const pfIndex = 2;
const timeoutMs = 60_000;

function igbWith(...faults: SimFault[]) {
  const kernel = createSimKernel({ profile: 'igb', faults });
  return { kernel, files: kernel.files, client: new NetlinkClient(kernel.openNetlink('route')) };
}

describe('faults of files', () => {
  it('answer an errno so many times after so many calls', async () => {
    const { files } = igbWith({
      operation: 'write',
      path: 'sriov_numvfs',
      value: '2',
      after: 1,
      times: 2,
      errno: 'ENOMEM',
    });
    const write = async (text: string) => files.write(numVfsPath(pf), text, timeoutMs);
    expect(await write('2')).toBeUndefined();
    expect(await write('0')).toBeUndefined();
    expect(await write('2\n')).toEqual({ errno: 'ENOMEM' });
    expect(await write('2')).toEqual({ errno: 'ENOMEM' });
    expect(await write('2')).toBeUndefined();
  });

  it('hang a write, and everything that waits for the same device', async () => {
    const { files } = igbWith({ operation: 'write', path: '/sys/bus/*/sriov_numvfs', hang: true });
    await expect(files.write(numVfsPath(pf), '2', 2000)).rejects.toMatchObject({
      code: 'kernel.timeout',
      message: `the write to ${numVfsPath(pf)} has been in the kernel for 2 s; it cannot be cancelled`,
    });
    await expect(readNumVfs(files, pf, 1000)).rejects.toMatchObject({ code: 'kernel.timeout' });
    expect(readSriov(files, pf)?.numVfs).toBe(0);
    // The other PF is free.
    expect(await readNumVfs(files, '0000:02:00.0' as PfAddress, 1000)).toBe(0);
  });

  it('accept a value and do not keep it', async () => {
    const { files } = igbWith({ operation: 'write', path: 'autoprobe', keep: false });
    expect(await files.write(driversAutoprobePath(pf), '0', timeoutMs)).toBeUndefined();
    expect(readDriversAutoprobe(files, pf)).toBe(true);
  });

  it('meet a VF by its index where the text names it', async () => {
    const { files } = igbWith({ operation: 'write', path: 'unbind', vf: 1, errno: 'EIO' });
    await files.write(numVfsPath(pf), '2', timeoutMs);
    const unbind = '/sys/bus/pci/drivers/igbvf/unbind';
    expect(await files.write(unbind, '0000:01:10.0', timeoutMs)).toBeUndefined();
    expect(await files.write(unbind, '0000:01:10.2', timeoutMs)).toEqual({ errno: 'EIO' });
  });

  it('make reads fail', () => {
    const { files } = igbWith({ operation: 'read', path: '*/config', errno: 'EIO' });
    expect(files.readBytes(`/sys/bus/pci/devices/${pf}/config`)).toEqual({ errno: 'EIO' });
    expect(files.readBytes(`/sys/bus/pci/devices/${pf}/vendor`)).toEqual(
      Uint8Array.from(Buffer.from('0x8086\n')),
    );
  });

  it('pull a card out', async () => {
    const { files, client } = igbWith({ operation: 'write', path: 'sriov_numvfs', after: 1, unplug: pf });
    expect(await files.write(numVfsPath(pf), '2', timeoutMs)).toBeUndefined();
    expect(await files.write(numVfsPath(pf), '0', timeoutMs)).toEqual({ errno: 'ENODEV' });
    expect(files.list('/sys/bus/pci/devices')).toEqual(['0000:00:02.0', '0000:00:03.0', '0000:02:00.0']);
    expect((await listLinks(client)).map(({ name }) => name)).toEqual(['lo', 'enp2s0']);
  });
});

describe('faults of links', () => {
  it('refuse one attribute of one VF with the kernel’s words', async () => {
    const { files, client } = igbWith({
      operation: 'setlink',
      vf: 1,
      attribute: 'mac',
      errno: 'EPERM',
      message: 'not today',
    });
    await files.write(numVfsPath(pf), '2', timeoutMs);
    const mac = '52:54:00:aa:00:01';
    await setVfSettings(client, pfIndex, [{ index: 0, settings: { mac } }]);
    await expect(setVfSettings(client, pfIndex, [{ index: 1, settings: { mac } }])).rejects.toMatchObject({
      details: { errno: 'EPERM', kernelMessage: 'not today' },
    });
    await setVfSettings(client, pfIndex, [{ index: 1, settings: { vlan: 3 } }]);
  });

  it('accept an attribute and do not keep it', async () => {
    const { files, client } = igbWith({ operation: 'setlink', attribute: 'trust', keep: false });
    await files.write(numVfsPath(pf), '1', timeoutMs);
    await setVfSettings(client, pfIndex, [{ index: 0, settings: { trust: true, vlan: 9 } }]);
    const { vfs } = await readLink(client, pfIndex, { vfs: true });
    expect(vfs?.[0]?.settings).toMatchObject({ trust: false, vlan: 9 });
  });

  it('count a message once, whatever is in it', async () => {
    const { files, client } = igbWith({ operation: 'setlink', after: 1, errno: 'EBUSY', times: 1 });
    await files.write(numVfsPath(pf), '2', timeoutMs);
    const both = [0, 1].map((index) => ({ index, settings: { vlan: 5, trust: true } }));
    await setVfSettings(client, pfIndex, both);
    await expect(setVfSettings(client, pfIndex, both)).rejects.toMatchObject({ details: { errno: 'EBUSY' } });
    await setVfSettings(client, pfIndex, both);
  });

  it('hang the lock that every other request waits for', async () => {
    const { kernel } = igbWith({ operation: 'setlink', attribute: 'mtu', hang: true });
    const hanging = kernel.openNetlink('route');
    const waiting = kernel.openNetlink('route');
    let answers = 0;
    const count = (): void => void (answers += 1);
    // Their time limits are over long after this test.
    setLink(new NetlinkClient(hanging), pfIndex, { mtu: 1400 }).then(count, () => undefined);
    listLinks(new NetlinkClient(waiting)).then(count, () => undefined);
    await kernel.clock.sleep(1000);
    expect(answers).toBe(0);
  });

  it('hang a request for the bounded time of the host, which is shorter than ours', async () => {
    const { kernel } = igbWith({ operation: 'setlink', attribute: 'mtu', hang: true });
    const session = new KernelSession(kernel);
    const startedMs = performance.now();
    await expect(setLink(session.route, pfIndex, { mtu: 1400 })).rejects.toMatchObject({
      code: 'kernel.timeout',
      message: 'RTM_SETLINK 2 has been in the kernel for 120 s; it cannot be cancelled',
    });
    expect(performance.now() - startedMs).toBeLessThan(60_000);
    session.close();
  });

  it('refuse to open a socket', () => {
    const kernel = createSimKernel({ profile: 'igb', faults: [{ operation: 'open', errno: 'EMFILE' }] });
    expect(() => kernel.openNetlink('route')).toThrow('EMFILE');
  });
});

describe('a kill', () => {
  it.each([
    ['before', 1],
    ['after', 2],
  ] as const)('%s the third change leaves %i VFs, and nothing answers any more', async (kill, numVfs) => {
    let killed = () => undefined as void;
    const dead = new Promise<void>((resolve) => (killed = resolve));
    const faults: SimFault[] = [{ operation: 'change', after: 2, kill }];
    const kernel = createSimKernel({ profile: 'igb', faults, onKill: killed });
    const { files } = kernel;
    await files.write(numVfsPath(pf), '1', timeoutMs);
    await files.write(numVfsPath(pf), '0', timeoutMs);
    let isAnswered = false;
    // Who waits for it is told so when his own time is over, which may be while this test still runs.
    void files.write(numVfsPath(pf), '2', timeoutMs).then(
      () => (isAnswered = true),
      () => undefined,
    );
    await dead;
    expect(isAnswered).toBe(false);
    expect(() => files.list('/sys')).toThrow('killed');
    // Another process on the same host, with the same faults: the kill has happened.
    const next = createSimKernel({ profile: 'igb', faults, state: kernel.state });
    expect(readSriov(next.files, pf)?.numVfs).toBe(kill === 'before' ? 0 : numVfs);
    expect(await next.files.write(driversAutoprobePath(pf), '0', timeoutMs)).toBeUndefined();
  });
});

describe('the form of faults', () => {
  it.each([
    ['no list', { operation: 'write' }, 'faults: '],
    ['an unknown operation', [{ operation: 'fly', errno: 'EIO' }], 'faults[0].operation: '],
    ['an unknown key', [{ operation: 'write', errno: 'EIO', pth: 'x' }], 'faults[0]: '],
    ['no effect', [{ operation: 'write', path: 'x' }], 'faults[0]: has no effect'],
    ['no errno of Linux', [{ operation: 'write', errno: 'EWHAT' }], 'faults[0]: EWHAT is no errno of Linux'],
    ['keep on a read', [{ operation: 'read', keep: false }], 'faults[0]: keep does not fit operation read'],
    ['a kill on a read', [{ operation: 'getlink', kill: 'before' }], 'kill does not fit operation getlink'],
    [
      'words without an errno',
      [{ operation: 'setlink', message: 'x', hang: true }],
      'message needs an errno',
    ],
    ['an event without an errno', [{ operation: 'event', delayMs: 1 }], 'needs an errno'],
    [
      'times 0',
      [
        { operation: 'write', errno: 'EIO' },
        { operation: 'write', errno: 'EIO', times: 0 },
      ],
      'faults[1].times: ',
    ],
  ])('is refused for %s', (_, value, message) => {
    expect(() => parseFaults(value)).toThrow(message);
  });

  it('is read from a file', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'vfleet-')), 'faults.json');
    writeFileSync(path, '[{ "operation": "change", "after": 3, "kill": "after" }]');
    expect(readFaultsFile(path)).toEqual([{ operation: 'change', after: 3, kill: 'after' }]);
    writeFileSync(path, 'no json');
    expect(() => readFaultsFile(path)).toThrow(path);
    expect(() => readFaultsFile(`${path}.missing`)).toThrow('ENOENT');
  });

  it.each([
    ['sriov_numvfs', true],
    ['*sriov_numvfs', true],
    ['/sys/*/0000:01:00.0/*', true],
    ['/sys/*numvfs*s', false],
    ['*/driver', false],
    ['/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs*', true],
  ])('meets paths by %s: %s', (path, isMet) => {
    const set = new FaultSet([{ operation: 'write', path, errno: 'EIO' }]);
    const found = set.meet(['write'], { path: numVfsPath(pf) }, {});
    expect(found.errno).toBe(isMet ? 'EIO' : undefined);
  });
});
