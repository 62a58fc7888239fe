import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PciAddress } from '../../base/identifiers.ts';
import { encodeVitalProductData } from '../pci-config/vital-product-data.ts';
import { emptyHost, pf } from './igb-host.fixture.ts';
import type { HostFolder } from './igb-host.fixture.ts';
import {
  readResetMethods,
  readSlotNames,
  readVfTotalMsix,
  readVitalProductData,
  slotOf,
} from './pci-identity.ts';

const timeoutMs = 30_000;
const device = `/sys/bus/pci/devices/${pf}`;
let host: HostFolder;

beforeEach(() => {
  host = emptyHost();
});
afterEach(() => host.remove('/'));

describe('slots', () => {
  it('are found by the device in them, or by its bus', () => {
    host.write('/sys/bus/pci/slots/3/address', '0000:01:00\n');
    host.write('/sys/bus/pci/slots/Riser 2/address', '0000:17\n');
    host.write('/sys/bus/pci/slots/odd/address', 'nowhere\n');
    host.folder('/sys/bus/pci/slots/empty');
    const names = readSlotNames(host.files);
    expect(names.size).toBe(2);
    expect(slotOf(names, pf)).toBe('3');
    expect(slotOf(names, '0000:17:1f.7' as PciAddress)).toBe('Riser 2');
    expect(slotOf(names, '0000:18:00.0' as PciAddress)).toBeUndefined();
  });

  it('are none on most machines', () => {
    expect(readSlotNames(host.files)).toEqual(new Map());
  });
});

describe('reset methods', () => {
  it('come in the order of the kernel', () => {
    host.write(`${device}/reset_method`, 'flr pm bus\n');
    expect(readResetMethods(host.files, pf)).toEqual(['flr', 'pm', 'bus']);
  });

  it('are none where all were taken away, and unknown without the file', () => {
    expect(readResetMethods(host.files, pf)).toBeUndefined();
    host.write(`${device}/reset_method`, '\n');
    expect(readResetMethods(host.files, pf)).toEqual([]);
  });
});

describe('vital product data', () => {
  it('is read through a child process', async () => {
    host.write(`${device}/vpd`, encodeVitalProductData({ product: 'X520 10GbE', partNumber: 'E66560' }));
    expect(await readVitalProductData(host.files, pf, timeoutMs)).toEqual({
      product: 'X520 10GbE',
      partNumber: 'E66560',
    });
  });

  it('is undefined where the device has none', async () => {
    expect(await readVitalProductData(host.files, pf, timeoutMs)).toBeUndefined();
  });

  it('comes with the errno of a card that does not give it', async () => {
    host.folder(`${device}/vpd`);
    expect(await readVitalProductData(host.files, pf, timeoutMs)).toEqual({ errno: 'EISDIR' });
  });
});

describe('the pool of vectors', () => {
  it.each([
    ['2048\n', 2048],
    ['0\n', undefined],
    ['many\n', undefined],
  ])('of %j is %s', async (text, total) => {
    host.write(`${device}/sriov_vf_total_msix`, text);
    expect(await readVfTotalMsix(host.files, pf, timeoutMs)).toBe(total);
  });

  it('is unknown on older kernels', async () => {
    expect(await readVfTotalMsix(host.files, pf, timeoutMs)).toBeUndefined();
  });
});
