import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isErrno } from './kernel.ts';
import { localFiles } from './local-files.ts';
import type { HostFolder } from './sysfs/igb-host.fixture.ts';
import { emptyHost } from './sysfs/igb-host.fixture.ts';

const patientMs = 60_000;
/** A child needs less to get where it hangs, also on a busy machine. */
const hangMs = 500;
const fifoMs = 10_000;

let host: HostFolder;
beforeEach(() => {
  host = emptyHost();
});
afterEach(() => host.remove('/'));

/** A file whose writer and reader wait for each other: it stands for an attribute behind a lock that is held. */
function makeFifo(path: string): string {
  const place = join(host.root, path);
  execFileSync('mkfifo', [place]);
  return place;
}

/** Lets whoever waits at a FIFO go on; what he wrote. Fails, and does not wait for ever, when nobody does. */
async function takeFromFifo(place: string): Promise<string> {
  const reader = openSync(place, constants.O_RDONLY | constants.O_NONBLOCK);
  const buffer = Buffer.alloc(16);
  let text = '';
  try {
    await expect
      .poll(() => (text = buffer.subarray(0, readSync(reader, buffer)).toString()), { timeout: fifoMs })
      .not.toBe('');
  } finally {
    closeSync(reader);
  }
  return text;
}

/** Numbers of the processes that a process has started and that run. */
function listChildren(parent = process.pid): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^[0-9]+$/.test(name)) return [];
    try {
      // Fields 3 and 4, after a name in brackets: state and parent (proc_pid_stat(5)).
      const [state, ppid] = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return Number(ppid) === parent && state !== 'Z' ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** Children that would keep this process from exiting. */
function countChildHandles(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap').length;
}

test('reads bytes, up to a maximum, and says why it cannot', () => {
  host.write('/sys/a', 'hello\n');
  host.folder('/sys/folder');
  expect(host.files.readBytes('/sys/a')).toEqual(new TextEncoder().encode('hello\n'));
  expect(host.files.readBytes('/sys/a', 2)).toEqual(new TextEncoder().encode('he'));
  expect(host.files.readBytes('/sys/none')).toEqual({ errno: 'ENOENT' });
  expect(host.files.readBytes('/sys/a/b')).toEqual({ errno: 'ENOTDIR' });
  expect(host.files.readBytes('/sys/folder')).toEqual({ errno: 'EISDIR' });
});

test('reads more than its own buffer holds when asked to, and 64 KiB when not', () => {
  host.write('/big', new Uint8Array(100_000).fill(7));
  const all = host.files.readBytes('/big', 200_000);
  expect(isErrno(all) ? all : all.length).toBe(100_000);
  const some = host.files.readBytes('/big');
  expect(isErrno(some) ? some : some.length).toBe(65_536);
});

test('an answer is not overwritten by the next read', () => {
  host.write('/a', 'aaaa');
  host.write('/b', 'bbbb');
  const first = host.files.readBytes('/a');
  host.files.readBytes('/b');
  expect(first).toEqual(new TextEncoder().encode('aaaa'));
});

test('lists names in order, and nothing where there is no folder', () => {
  host.write('/f/b', '');
  host.write('/f/a', '');
  expect(host.files.list('/f')).toEqual(['a', 'b']);
  expect(host.files.list('/none')).toEqual([]);
  expect(host.files.list('/f/a')).toEqual([]);
});

test('links are read as they are stored; identity follows them', () => {
  host.write('/dir/target', 'x');
  host.link('/link', '/dir/target');
  host.linkText('/dangling', '../none');
  expect(host.files.readLink('/link')).toBe('dir/target');
  expect(host.files.readLink('/dangling')).toBe('../none');
  expect(host.files.readLink('/dir')).toBeUndefined();
  expect(host.files.readLink('/none')).toBeUndefined();
  expect(host.files.identity('/link')).toMatch(/^\d+:\d+$/);
  expect(host.files.identity('/link')).toBe(host.files.identity('/dir/target'));
  expect(host.files.identity('/dangling')).toBeUndefined();
  expect(host.files.identity('/dir/target/x')).toBeUndefined();
});

test('paths that could leave their place are bugs', async () => {
  for (const path of ['', 'sys/a', '/sys/../etc/passwd', '/sys//a', '/sys/./a', '/sys/a\0b']) {
    expect(() => host.files.readBytes(path)).toThrow(expect.objectContaining({ code: 'internal.bug' }));
    await expect(host.files.write(path, '1', patientMs)).rejects.toMatchObject({ code: 'internal.bug' });
    await expect(host.files.readWaiting(path, patientMs)).rejects.toMatchObject({ code: 'internal.bug' });
  }
  expect(() => localFiles({ root: 'relative' })).toThrow(expect.objectContaining({ code: 'internal.bug' }));
});

// The two ways to write: in a child process, and at once for an attribute that never waits.
for (const name of ['sriov_numvfs', 'sriov_drivers_autoprobe']) {
  test(`writes ${name} into a file that exists, without cutting it, and creates none`, async () => {
    host.write(`/sys/${name}`, 'old content');
    expect(await host.files.write(`/sys/${name}`, '4', patientMs)).toBeUndefined();
    expect(readFileSync(join(host.root, 'sys', name), 'utf8')).toBe('4ld content');
    expect(await host.files.write(`/none/${name}`, '4', patientMs)).toEqual({ errno: 'ENOENT' });
    expect(await host.files.write(`/sys/${name}/x`, '4', patientMs)).toEqual({ errno: 'ENOTDIR' });
    expect(host.files.list('/sys')).toEqual([name]);
  });

  test(`a write of ${name} that the kernel refuses answers the errno`, async () => {
    host.linkText(`/sys/${name}`, '/dev/full');
    expect(await host.files.write(`/sys/${name}`, '4', patientMs)).toEqual({ errno: 'ENOSPC' });
    host.folder(`/folder/${name}`);
    expect(await host.files.write(`/folder/${name}`, '4', patientMs)).toEqual({ errno: 'EISDIR' });
  });
}

test('a path with equals signs, spaces, quotes and shell characters is only a path', async () => {
  const path = "/a b/of=$(x)';&|=é: No such device";
  host.write(path, '');
  expect(await host.files.write(path, 'yes', patientMs)).toBeUndefined();
  expect(await host.files.readWaiting(path, patientMs)).toEqual(new TextEncoder().encode('yes'));
  expect(await host.files.write(`${path}/x`, 'yes', patientMs)).toEqual({ errno: 'ENOTDIR' });
});

test('the whole text arrives in one write, up to a page; nothing and more than a page are bugs', async () => {
  host.write('/value', '');
  const page = 'é'.repeat(2048);
  expect(await host.files.write('/value', page, patientMs)).toBeUndefined();
  expect(readFileSync(join(host.root, 'value'), 'utf8')).toBe(page);
  await expect(host.files.write('/value', '', patientMs)).rejects.toMatchObject({ code: 'internal.bug' });
  await expect(host.files.write('/value', `${page}x`, patientMs)).rejects.toMatchObject({
    code: 'internal.bug',
  });
});

test('one child starts the writes that come one after another, and ends with us', async () => {
  host.write('/value', '');
  const write = async (text: string): Promise<void> => {
    expect(await host.files.write('/value', text, patientMs)).toBeUndefined();
  };
  await Promise.all([write('1'), write('2'), write('3')]);
  const before = listChildren();
  expect(before.length).toBeGreaterThanOrEqual(3);
  for (const text of ['4', '5', '6', '7']) await write(text);
  const after = listChildren();
  // One of an earlier refusal may still have been about to end.
  expect(after.filter((pid) => !before.includes(pid))).toEqual([]);
  expect(after.length).toBeGreaterThanOrEqual(3);
  await expect.poll(countChildHandles).toBe(0);
  // Killed while they wait, they are replaced.
  for (const pid of listChildren().filter((each) => after.includes(each))) process.kill(pid, 'SIGKILL');
  await write('8');
  await expect.poll(() => listChildren().filter((pid) => after.includes(pid))).toEqual([]);
  expect(readFileSync(join(host.root, 'value'), 'utf8')).toBe('8');
});

test('what a refused write did not take is not taken for another', async () => {
  host.write('/value', 'old');
  const hostile = `${join(host.root, 'value')}\n3\nbad`;
  expect(await host.files.write('/none', hostile, patientMs)).toEqual({ errno: 'ENOENT' });
  expect(await host.files.write('/value', 'new', patientMs)).toBeUndefined();
  expect(readFileSync(join(host.root, 'value'), 'utf8')).toBe('new');
  await expect(host.files.write('/a\nb', '1', patientMs)).rejects.toMatchObject({ code: 'internal.bug' });
});

test('a write under way is spared the signals that end us', async () => {
  const place = makeFifo('/sriov_numvfs');
  const writing = host.files.write('/sriov_numvfs', '4', patientMs);
  await expect.poll(() => listChildren().some((pid) => listChildren(pid).length > 0)).toBe(true);
  for (const child of listChildren())
    for (const pid of [child, ...listChildren(child)])
      for (const signal of ['SIGINT', 'SIGTERM']) process.kill(pid, signal);
  const reading = localFiles().readWaiting(place, patientMs);
  expect(await writing).toBeUndefined();
  expect(await reading).toEqual(new TextEncoder().encode('4'));
});

test('reads an attribute that may wait, or says why it cannot', async () => {
  host.write('/sys/sriov_numvfs', '3\n');
  host.folder('/sys/folder');
  expect(await host.files.readWaiting('/sys/sriov_numvfs', patientMs)).toEqual(
    new TextEncoder().encode('3\n'),
  );
  expect(await host.files.readWaiting('/sys/none', patientMs)).toEqual({ errno: 'ENOENT' });
  expect(await host.files.readWaiting('/sys/folder', patientMs)).toEqual({ errno: 'EISDIR' });
});

test('a write that hangs fails with kernel.timeout, goes on, and keeps nothing of ours alive', async () => {
  const place = makeFifo('/sriov_numvfs');
  // Those of children before us go a moment after their end.
  await expect.poll(countChildHandles).toBe(0);
  await expect(host.files.write('/sriov_numvfs', '4', hangMs)).rejects.toMatchObject({
    code: 'kernel.timeout',
    message: expect.stringContaining('it cannot be cancelled') as unknown,
  });
  await expect.poll(countChildHandles).toBe(0);

  // Now the lock is free: whoever waited in the kernel finishes.
  expect(await takeFromFifo(place)).toBe('4');
});

test('for a device of which a write hangs no other is begun until that one is out of the kernel', async () => {
  const device = '/sys/bus/pci/devices/0000:01:10.0';
  const drivers = '/sys/bus/pci/drivers';
  host.write(`${device}/driver_override`, '');
  const place = makeFifo(`${device}/reset`);
  host.write(`${drivers}/vfio-pci/unbind`, '');
  await expect(host.files.write(`${device}/reset`, '1', hangMs)).rejects.toMatchObject({
    code: 'kernel.timeout',
  });
  const children = listChildren();
  // By its own attributes and by those that name it.
  for (const [path, text] of [
    [`${device}/reset`, '1'],
    [`${device}/driver_override`, '\n'],
    [`${drivers}/vfio-pci/unbind`, '0000:01:10.0'],
  ] as const)
    await expect(host.files.write(path, text, 50)).rejects.toMatchObject({
      code: 'kernel.timeout',
      message: expect.stringMatching(/^an earlier write to .*\/reset is still in the kernel/) as unknown,
    });
  expect(listChildren()).toEqual(children);
  // Others are not held up.
  expect(await host.files.write(`${drivers}/vfio-pci/unbind`, '0000:01:10.1', patientMs)).toBeUndefined();

  const writing = host.files.write(`${device}/driver_override`, 'x', patientMs);
  expect(await takeFromFifo(place)).toBe('1');
  expect(await writing).toBeUndefined();
});

test('a read that hangs fails with kernel.timeout and keeps nothing of ours alive', async () => {
  makeFifo('/sriov_numvfs');
  // Those of children before us go a moment after their end.
  await expect.poll(countChildHandles).toBe(0);
  await expect(host.files.readWaiting('/sriov_numvfs', 50)).rejects.toMatchObject({ code: 'kernel.timeout' });
  await expect.poll(countChildHandles).toBe(0);
});

test('the event loop turns while a write waits', async () => {
  const place = makeFifo('/sriov_numvfs');
  const writing = host.files.write('/sriov_numvfs', '4', patientMs);
  // A second child empties the FIFO; neither would start were the loop blocked.
  const reading = localFiles().readWaiting(place, patientMs);
  expect(await writing).toBeUndefined();
  expect(await reading).toEqual(new TextEncoder().encode('4'));
});

test('a FIFO in the way of an ordinary read does not stop us', () => {
  makeFifo('/fifo');
  expect(host.files.readBytes('/fifo')).toEqual(new Uint8Array());
});

test('this machine: files of /proc and /sys', () => {
  const files = localFiles();
  const status = files.readBytes('/proc/self/status');
  expect(isErrno(status) ? status : Buffer.from(status).toString()).toContain(`Pid:\t${process.pid}\n`);
  expect(files.list('/proc')).toContain(`${process.pid}`);
  expect(files.readLink('/proc/self')).toBe(`${process.pid}`);
  expect(files.identity('/proc/self/ns/net')).toBe(files.identity(`/proc/${process.pid}/ns/net`));
});
