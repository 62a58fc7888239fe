import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseVfFileName, vfFileName } from './vf-file-name.ts';

const anyKey = fc.record({
  pf: fc.string({ unit: 'binary', maxLength: 30 }),
  vf: fc.integer({ min: 0, max: 65_535 }),
});

describe('the file name of a VF', () => {
  it('is legible for addresses that the kernel has', () => {
    expect(vfFileName({ pf: '0000:01:00.0', vf: 3 })).toBe('0000:01:00.0@3');
    expect(vfFileName({ pf: 'netdevsim/netdevsim1', vf: 255 })).toBe('netdevsim=002fnetdevsim1@255');
  });

  it('is read back as it was, whatever the address', () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        expect(parseVfFileName(vfFileName(key))).toEqual(key);
      }),
    );
  });

  it('is one name in one folder', () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        const name = vfFileName(key);
        expect(name).toMatch(/^[A-Za-z0-9:_=@-][A-Za-z0-9:_=@.-]*$/);
      }),
    );
    expect(vfFileName({ pf: '../../etc/x', vf: 0 })).toBe('=002e.=002f..=002fetc=002fx@0');
  });

  it('is its own and no other VF’s', () => {
    fc.assert(
      fc.property(anyKey, anyKey, (one, other) => {
        expect(vfFileName(one) === vfFileName(other)).toBe(one.pf === other.pf && one.vf === other.vf);
      }),
    );
  });

  it('is not read from names that it never writes', () => {
    const names = ['', '@', 'a', 'a@', 'a@01', '=0041@0', '.a@0', 'a/b@0', 'a@1.json', 'a@-1', 'a@1e3'];
    expect(names.map((name) => parseVfFileName(name))).toEqual(names.map(() => undefined));
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const key = parseVfFileName(name);
        expect(key === undefined || vfFileName(key) === name).toBe(true);
      }),
    );
  });

  it('refuses an address that no file system would take', () => {
    expect(() => vfFileName({ pf: 'x'.repeat(300), vf: 0 })).toThrow(
      expect.objectContaining({ code: 'internal.bug' }),
    );
  });
});
