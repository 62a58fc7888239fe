import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { emptyHost } from '../sysfs/igb-host.fixture.ts';
import type { HostFolder } from '../sysfs/igb-host.fixture.ts';
import { readAvailableMb } from './meminfo.ts';
import { readMemoryByNode } from './numa-maps.ts';

let host: HostFolder;
beforeEach(() => {
  host = emptyHost();
});
afterEach(() => host.remove('/'));

describe('memory of a process by node', () => {
  it('counts pages of all sizes', () => {
    host.write(
      '/proc/7/numa_maps',
      '55d0 default file=/usr/bin/qemu-system-x86_64 mapped=512 N0=512 kernelpagesize_kB=4\n' +
        '7f00 bind:1 anon=3 dirty=3 active=0 N0=1 N1=2 kernelpagesize_kB=2048\n' +
        '7fff default stack anon=256 N1=256 kernelpagesize_kB=4\n7fe0 default\n',
    );
    expect(readMemoryByNode(host.files, 7)).toEqual(
      new Map([
        [0, 4],
        [1, 5],
      ]),
    );
  });

  it('is not known where the file is missing or has no page', () => {
    expect(readMemoryByNode(host.files, 7)).toBeUndefined();
    host.write('/proc/7/numa_maps', '7fe0 default\n');
    expect(readMemoryByNode(host.files, 7)).toBeUndefined();
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(fc.string(), fc.constantFrom(' N0=5', ' N1=x', ' kernelpagesize_kB=4', '\n', ' N-1=3')),
        ),
        (parts) => {
          host.write('/proc/7/numa_maps', parts.join(''));
          for (const mb of readMemoryByNode(host.files, 7)?.values() ?? [])
            expect(mb).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });
});

describe('memory that is available', () => {
  it('is what is free and what is only cached, without shared memory', () => {
    host.write(
      '/node',
      'Node 0 MemFree: 102400 kB\nNode 0 FilePages: 409600 kB\nNode 0 Shmem: 204800 kB\nNode 0 SReclaimable: 10240 kB\n',
    );
    expect(readAvailableMb(host.files, '/node')).toBe(100 + 400 - 200 + 10);
    host.write('/proc/meminfo', 'MemFree: 2048 kB\nCached: 1024 kB\n');
    expect(readAvailableMb(host.files, '/proc/meminfo')).toBe(3);
    expect(readAvailableMb(host.files, '/none')).toBeUndefined();
  });
});
