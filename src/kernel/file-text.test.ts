import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseInteger, readHex, readInteger, readLines, readLinkName, readText } from './file-text.ts';
import type { HostFolder } from './sysfs/igb-host.fixture.ts';
import { emptyHost } from './sysfs/igb-host.fixture.ts';

let host: HostFolder;
beforeEach(() => {
  host = emptyHost();
});
afterEach(() => host.remove('/'));

function withContent(content: string | Uint8Array): string {
  host.write('/value', content);
  return '/value';
}

test('text comes without the white space around it', () => {
  expect(readText(host.files, withContent(' a b \n'))).toBe('a b');
  expect(readText(host.files, withContent(''))).toBe('');
  expect(readText(host.files, '/nothing')).toBeUndefined();
  expect(readText(host.files, withContent('abcdef'), 3)).toBe('abc');
  expect(readText(host.files, withContent(new Uint8Array([0x61, 0xff])))).toBe('a\u{fffd}');
});

test('lines come without the empty ones', () => {
  expect(readLines(host.files, withContent('a\n\nb\n'))).toEqual(['a', 'b']);
  expect(readLines(host.files, '/nothing')).toEqual([]);
});

test('only a whole decimal number is an integer', () => {
  expect(readInteger(host.files, withContent('42\n'))).toBe(42);
  expect(readInteger(host.files, withContent('-1\n'))).toBe(-1);
  for (const text of ['', '4 2', '0x10', '1e3', '1.5', '--1', '99999999999999999', 'NaN']) {
    expect(parseInteger(text)).toBeUndefined();
  }
  expect(parseInteger(undefined)).toBeUndefined();
});

test('hexadecimal numbers have 0x or not', () => {
  expect(readHex(host.files, withContent('0x8086\n'))).toBe(0x8086);
  expect(readHex(host.files, withContent('10CA\n'))).toBe(0x10ca);
  for (const text of ['', '0x', 'xyz', '-1', '0xffffffffffffffff', '0xffffffffffffff']) {
    expect(readHex(host.files, withContent(text))).toBeUndefined();
  }
});

test('a link is read by the last part of its target', () => {
  host.linkText('/driver', '../../bus/pci/drivers/igb');
  host.linkText('/odd', 'a/');
  expect(readLinkName(host.files, '/driver')).toBe('igb');
  expect(readLinkName(host.files, '/odd')).toBeUndefined();
  expect(readLinkName(host.files, '/nothing')).toBeUndefined();
});
