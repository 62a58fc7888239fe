import { describe, expect, it } from 'vitest';
import { localFiles } from '../local-files.ts';
import { parseDmar } from './dmar.ts';
import { parseIvrs } from './ivrs.ts';
import { dmarWithTwoUnits, ivrsWithTwoUnits } from './sound-tables.fixture.ts';
import { listAcpiTables, readAcpiTable } from './table-files.ts';
import { emptyHost } from '../sysfs/igb-host.fixture.ts';

/** One block of eight bytes, if that is the length that it says. */
function shortIvrs(): Uint8Array {
  return changed(changed(ivrsWithTwoUnits(), 4, 56), 5, 0);
}

/** A copy with one byte changed. */
function changed(bytes: Uint8Array, offset: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[offset] = value;
  return copy;
}

describe('DMAR', () => {
  it('gives its flags and its hardware units', () => {
    expect(parseDmar(dmarWithTwoUnits())).toEqual({
      interruptRemapping: true,
      x2apicOptOut: false,
      dmaProtection: true,
      units: [
        { segment: 1, includesAll: false },
        { segment: 0, includesAll: true },
      ],
    });
    expect(parseDmar(changed(dmarWithTwoUnits(), 37, 0b010))).toMatchObject({
      interruptRemapping: false,
      x2apicOptOut: true,
      dmaProtection: false,
    });
  });

  it('may have no structure at all, and bytes behind its end', () => {
    const empty = changed(dmarWithTwoUnits(), 4, 48);
    expect(parseDmar(empty).units).toEqual([]);
  });

  it.each([
    ['no bytes', new Uint8Array(0), 'ends after 0 bytes'],
    ['another signature', changed(dmarWithTwoUnits(), 0, 0x58), 'another signature'],
    ['a length beyond the bytes', dmarWithTwoUnits().subarray(0, 100), 'and 100 are there'],
    ['a length below its fixed part', changed(dmarWithTwoUnits(), 4, 40), 'says 40 bytes'],
    ['a structure of no length', changed(dmarWithTwoUnits(), 50, 0), 'at 48 says 0 bytes'],
    ['a structure over the end', changed(dmarWithTwoUnits(), 51, 1), 'at 48 says 280 bytes'],
    ['a structure whose header is cut', changed(dmarWithTwoUnits(), 4, 48 + 24 + 2), 'at 72 is cut off'],
    [
      'a unit without its fields',
      changed(changed(dmarWithTwoUnits(), 50, 8), 4, 56),
      'a hardware unit has 8 bytes',
    ],
  ])('is refused with %s', (_, bytes, words) => {
    expect(() => parseDmar(bytes)).toThrow(
      expect.objectContaining({ code: 'kernel.malformed', message: expect.stringContaining(words) }),
    );
  });
});

describe('IVRS', () => {
  it('gives each unit once, however often it is described', () => {
    expect(parseIvrs(ivrsWithTwoUnits())).toEqual({
      units: [
        { segment: 0, deviceId: 0x0002 },
        { segment: 0, deviceId: 0x4002 },
      ],
    });
  });

  it.each([
    ['another table', dmarWithTwoUnits(), 'another signature'],
    ['a block of no length', changed(ivrsWithTwoUnits(), 50, 0), 'at 48 says 0 bytes'],
    ['a unit without its fields', changed(shortIvrs(), 50, 8), 'a hardware definition has 8 bytes'],
  ])('is refused with %s', (_, bytes, words) => {
    expect(() => parseIvrs(bytes)).toThrow(
      expect.objectContaining({ code: 'kernel.malformed', message: expect.stringContaining(words) }),
    );
  });
});

describe('the folder of tables', () => {
  it('is listed without its subfolders, and a table is read', () => {
    const host = emptyHost();
    try {
      expect(listAcpiTables(host.files)).toBeUndefined();
      expect(readAcpiTable(host.files, 'DMAR')).toEqual({ errno: 'ENOENT' });
      host.write('/sys/firmware/acpi/tables/SSDT10', 'SSDT');
      host.write('/sys/firmware/acpi/tables/DMAR', dmarWithTwoUnits());
      host.write('/sys/firmware/acpi/tables/data/BERT', '');
      host.folder('/sys/firmware/acpi/tables/dynamic');
      expect(listAcpiTables(host.files)).toEqual(['DMAR', 'SSDT10']);
      expect(readAcpiTable(host.files, 'DMAR')).toEqual(dmarWithTwoUnits());
    } finally {
      host.remove('/');
    }
  });

  it('of this machine, if it has one, is listed by name', () => {
    const names = listAcpiTables(localFiles()) ?? ['FACP'];
    expect(names.every((name) => name.length >= 4)).toBe(true);
  });
});
