import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VfleetError } from '../base/errors.ts';
import { readAppliedSpec, readAppliedSpecToReplace, writeAppliedSpec } from './applied-spec.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vfleet-applied-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const first = {
  fileName: '/etc/vfleet/host.yaml',
  text: 'kind: Host\n',
  appliedAt: '2026-01-01T00:00:00.000Z',
};
const file = (): string => join(folder, 'applied-spec.json');

describe('the record of the applied spec', () => {
  it('is what was written, for its owner alone, and nothing else is left', () => {
    expect(readAppliedSpec(folder)).toBeUndefined();
    writeAppliedSpec(folder, first);
    expect(readAppliedSpec(folder)).toEqual(first);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    const second = { ...first, text: 'kind: Host # ü \u2028', appliedAt: '2026-01-02T00:00:00.000Z' };
    writeAppliedSpec(folder, second);
    expect(readAppliedSpec(folder)).toEqual(second);
    expect(readdirSync(folder)).toEqual(['applied-spec.json']);
    writeAppliedSpec(folder, undefined);
    writeAppliedSpec(folder, undefined);
    expect(readAppliedSpec(folder)).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('stays when the same text of the same file is applied again', () => {
    writeAppliedSpec(folder, first);
    const before = statSync(file(), { bigint: true });
    writeAppliedSpec(folder, { ...first, appliedAt: '2026-01-02T00:00:00.000Z' });
    expect(statSync(file(), { bigint: true }).ino).toBe(before.ino);
    expect(readAppliedSpec(folder)?.appliedAt).toBe(first.appliedAt);
    writeAppliedSpec(folder, { ...first, fileName: '/root/other.yaml' });
    expect(readAppliedSpec(folder)?.fileName).toBe('/root/other.yaml');
  });

  it('that cannot be understood says so, and is replaced by the next apply', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        writeFileSync(file(), text);
        expect(() => readAppliedSpec(folder)).toThrow(VfleetError);
        expect(readAppliedSpecToReplace(folder)).toBeUndefined();
      }),
    );
    writeFileSync(file(), readFileSync(file(), 'utf8').slice(0, -3));
    expect(() => readAppliedSpec(folder)).toThrow(
      expect.objectContaining({ code: 'journal.corrupt', details: { file: file() } }),
    );
    writeAppliedSpec(folder, first);
    expect(readAppliedSpec(folder)).toEqual(first);
  });

  it('that cannot be read is another failure, which nothing passes over', () => {
    mkdirSync(file());
    for (const read of [readAppliedSpec, readAppliedSpecToReplace]) {
      expect(() => read(folder)).toThrow(expect.objectContaining({ code: 'file.unreadable' }));
    }
    expect(() => writeAppliedSpec(folder, first)).toThrow(
      expect.objectContaining({ code: 'file.unreadable' }),
    );
    rmSync(file(), { recursive: true });
  });

  it('makes the folder of a host that has none', () => {
    const below = join(folder, 'state', 'local');
    writeAppliedSpec(below, first);
    expect(existsSync(below)).toBe(true);
    expect(statSync(below).mode & 0o777).toBe(0o700);
  });
});
