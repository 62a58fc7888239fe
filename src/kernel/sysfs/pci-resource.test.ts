import { afterEach, beforeEach, expect, it } from 'vitest';
import { emptyHost, pf } from './igb-host.fixture.ts';
import type { HostFolder } from './igb-host.fixture.ts';
import { readVfResources } from './pci-resource.ts';

const none = '0x0000000000000000 0x0000000000000000 0x0000000000000000';
let host: HostFolder;

beforeEach(() => {
  host = emptyHost();
});
afterEach(() => host.remove('/'));

function write(vfLines: readonly string[]): void {
  const lines = [...Array.from({ length: 7 }, () => none), ...vfLines];
  host.write(`/sys/bus/pci/devices/${pf}/resource`, `${lines.join('\n')}\n`);
}

const unused = { sizeBytes: undefined, assigned: false };

it('reads the lines from the eighth on: two BARs of 16 KiB for 8 VFs each', () => {
  write([
    '0x00000000feb80000 0x00000000feb9ffff 0x0000000000140204',
    none,
    none,
    '0x00000000feba0000 0x00000000febbffff 0x0000000000140204',
    none,
    none,
  ]);
  expect(readVfResources(host.files, pf)).toEqual([
    { index: 0, sizeBytes: 131_072, assigned: true },
    { index: 1, ...unused },
    { index: 2, ...unused },
    { index: 3, sizeBytes: 131_072, assigned: true },
    { index: 4, ...unused },
    { index: 5, ...unused },
  ]);
});

it('tells a size without a place, above 2^53 as well', () => {
  write([
    '0x0000000000000000 0x00000000000fffff 0x000000002014220c',
    '0x0000000000001000 0x0000000000001fff 0x000000002014220c',
    '0x0000000000000000 0x00000000000fffff 0x000000000014220c',
    '0x0000380000000000 0x0000387fffffffff 0x000000000014220c',
  ]);
  expect(readVfResources(host.files, pf)).toEqual([
    { index: 0, sizeBytes: 0x100000, assigned: false },
    { index: 1, sizeBytes: 0x1000, assigned: false },
    { index: 2, sizeBytes: 0x100000, assigned: false },
    { index: 3, sizeBytes: 0x80_0000_0000, assigned: true },
  ]);
});

it('says nothing where the kernel does not, or says what no kernel would', () => {
  expect(readVfResources(host.files, pf)).toEqual([]);
  write([]);
  expect(readVfResources(host.files, pf)).toEqual([]);
  write(['0x1 0x2', 'nonsense', none]);
  expect(readVfResources(host.files, pf)).toEqual([{ index: 2, ...unused }]);
});
