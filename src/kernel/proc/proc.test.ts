import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localFiles } from '../local-files.ts';
import type { FileTree } from '../kernel.ts';
import type { HostFolder } from '../sysfs/igb-host.fixture.ts';
import { emptyHost } from '../sysfs/igb-host.fixture.ts';
import { hasCapability, listMissingCapabilities, readCapabilities } from './capabilities.ts';
import { listNetns } from './netns.ts';
import { listProcesses, readProcess } from './process.ts';
import { listVfioUsers } from './vfio-users.ts';

let host: HostFolder;
beforeEach(() => {
  host = emptyHost();
});
afterEach(() => host.remove('/'));

function addProcess(pid: number, comm: string, descriptors: Readonly<Record<string, string>> = {}): void {
  host.write(`/proc/${pid}/comm`, `${comm}\n`);
  host.folder(`/proc/${pid}/fd`);
  for (const [descriptor, target] of Object.entries(descriptors)) {
    host.linkText(`/proc/${pid}/fd/${descriptor}`, target);
  }
}

test('a process has a name and arguments', () => {
  addProcess(42, 'qemu-system-x86');
  host.write('/proc/42/cmdline', 'qemu\0-name\0guest=a b\0\0');
  expect(readProcess(host.files, 42)).toEqual({
    pid: 42,
    comm: 'qemu-system-x86',
    commandLine: ['qemu', '-name', 'guest=a b', ''],
  });
  host.write('/proc/42/cmdline', 'nginx: worker process');
  expect(readProcess(host.files, 42)?.commandLine).toEqual(['nginx: worker process']);
  host.write('/proc/42/cmdline', '');
  expect(readProcess(host.files, 42)?.commandLine).toEqual([]);
  expect(readProcess(host.files, 43)).toBeUndefined();
});

test('processes are listed by number, and nothing else of /proc', () => {
  addProcess(100, 'a');
  addProcess(9, 'b');
  host.folder('/proc/self');
  host.folder('/proc/0');
  expect(listProcesses(host.files)).toEqual([9, 100]);
});

test('this machine: we are a process', () => {
  const process_ = readProcess(localFiles(), process.pid);
  expect(process_?.pid).toBe(process.pid);
  expect(process_?.commandLine.length).toBeGreaterThan(0);
  expect(listProcesses(localFiles())).toContain(process.pid);
});

test('who has a vfio device open, once for each node', () => {
  host.write('/dev/vfio/12', '');
  addProcess(1, 'systemd', { '0': '/dev/null', '5': '/dev/vfio/vfio' });
  addProcess(50, 'qemu-a', {
    '9': '/dev/vfio/vfio',
    '10': '/dev/vfio/12',
    '11': 'socket:[1]',
    '12': '/dev/vfio/12',
  });
  addProcess(51, 'qemu-b', { '9': '/dev/vfio/12', '10': '/dev/vfio/devices/vfio3' });
  addProcess(52, 'odd', { '3': '/dev/vfio/../vfio/12', '4': '/tmp/dev/vfio/12' });
  const { byNode, unreadProcesses } = listVfioUsers(host.files);
  expect([...byNode]).toEqual([
    [
      '/dev/vfio/12',
      [
        { pid: 50, comm: 'qemu-a' },
        { pid: 51, comm: 'qemu-b' },
      ],
    ],
    ['/dev/vfio/devices/vfio3', [{ pid: 51, comm: 'qemu-b' }]],
  ]);
  expect(unreadProcesses).toBe(0);
});

test('without a node of a device no process is looked at', () => {
  host.write('/dev/vfio/vfio', '');
  host.folder('/dev/vfio/devices');
  const watched: FileTree = {
    ...host.files,
    list(path) {
      expect(path).not.toBe('/proc');
      return host.files.list(path);
    },
  };
  expect(listVfioUsers(watched).byNode.size).toBe(0);
  host.write('/dev/vfio/devices/vfio0', '');
  addProcess(7, 'qemu', { '3': '/dev/vfio/devices/vfio0' });
  expect(listVfioUsers(host.files).byNode.get('/dev/vfio/devices/vfio0')).toEqual([{ pid: 7, comm: 'qemu' }]);
});

test('processes that may not be looked into are counted', () => {
  host.write('/dev/vfio/12', '');
  addProcess(50, 'ours', { '3': '/dev/vfio/12' });
  addProcess(51, 'theirs', { '3': '/dev/vfio/12' });
  const limited: FileTree = {
    ...host.files,
    list: (path) => (path === '/proc/51/fd' ? [] : host.files.list(path)),
    readBytes: (path, maxBytes) =>
      path === '/proc/51/fd' ? { errno: 'EACCES' } : host.files.readBytes(path, maxBytes),
  };
  const { byNode, unreadProcesses } = listVfioUsers(limited);
  expect(byNode.get('/dev/vfio/12')).toEqual([{ pid: 50, comm: 'ours' }]);
  expect(unreadProcesses).toBe(1);
});

test('this machine: an open file is seen at its process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vfleet-fd-'));
  const fd = openSync(join(folder, 'file'), 'w');
  expect(localFiles().readLink(`/proc/${process.pid}/fd/${fd}`)).toBe(join(folder, 'file'));
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

/** Namespaces are links with a number in /proc, and bind mounts of the same inode in /run/netns. */
function netnsHost(): FileTree {
  const inodes: Readonly<Record<string, string>> = {
    '/proc/self/ns/net': '4:100',
    '/run/netns/blue': '4:300',
    '/run/netns/alpha': '4:200',
    '/run/netns/ours': '4:100',
    '/run/netns/left-over': '25:77',
  };
  for (const name of ['blue', 'alpha', 'ours', 'left-over']) host.write(`/run/netns/${name}`, '');
  host.linkText('/proc/self/ns/net', 'net:[100]');
  const processes: readonly [number, number][] = [
    [1, 100],
    [20, 500],
    [21, 500],
    [30, 200],
    [40, 450],
  ];
  for (const [pid, inode] of processes) host.linkText(`/proc/${pid}/ns/net`, `net:[${inode}]`);
  host.folder('/proc/41/ns');
  host.linkText('/proc/42/ns/net', 'mnt:[7]');
  return { ...host.files, identity: (path) => inodes[path] };
}

test('namespaces other than ours: named ones first, each once, with a process', () => {
  expect(listNetns(netnsHost())).toEqual([
    { path: '/run/netns/alpha', name: 'alpha', inode: 200, pid: 30 },
    { path: '/run/netns/blue', name: 'blue', inode: 300, pid: undefined },
    { path: '/proc/40/ns/net', name: 'inode 450', inode: 450, pid: 40 },
    { path: '/proc/20/ns/net', name: 'inode 500', inode: 500, pid: 20 },
  ]);
});

test('a host without /proc has no other namespaces', () => {
  expect(listNetns(host.files)).toEqual([]);
});

test('this machine: our own namespace is not among the others', () => {
  const files = localFiles();
  const own = files.readLink('/proc/self/ns/net');
  for (const namespace of listNetns(files)) expect(`net:[${namespace.inode}]`).not.toBe(own);
  expect(own).toMatch(/^net:\[\d+\]$/);
});

test('effective capabilities', () => {
  // CAP_NET_ADMIN (12) and CAP_SYS_ADMIN (21).
  host.write('/proc/self/status', 'Name:\tnode\nCapPrm:\tffffffffffffffff\nCapEff:\t0000000000201000\n');
  const set = readCapabilities(host.files);
  expect(set).toBe(0x201000n);
  expect([hasCapability(set, 'CAP_NET_ADMIN'), hasCapability(set, 'CAP_SYS_PTRACE')]).toEqual([true, false]);
  expect(listMissingCapabilities(set, ['CAP_SYS_PTRACE', 'CAP_NET_ADMIN', 'CAP_DAC_OVERRIDE'])).toEqual([
    'CAP_SYS_PTRACE',
    'CAP_DAC_OVERRIDE',
  ]);
});

test('capabilities that cannot be read are none', () => {
  expect(readCapabilities(host.files)).toBe(0n);
  host.write('/proc/self/status', 'CapEff:\tnonsense\n');
  expect(readCapabilities(host.files)).toBe(0n);
});

test('this machine: root has what an ordinary user has not', () => {
  const files = localFiles();
  const status = Buffer.from(files.readBytes('/proc/self/status') as Uint8Array).toString();
  const expected = /CapEff:\s*([0-9a-f]+)/.exec(status)?.[1];
  expect(readCapabilities(files).toString(16).padStart(16, '0')).toBe(expected);
});
