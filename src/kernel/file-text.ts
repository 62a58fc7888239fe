// Owns the reading of small text files: one value per file, as sysfs has it.
// Absent, unreadable and not understood are all undefined; who needs the reason asks the FileTree itself.

import type { FileTree } from './kernel.ts';
import { isErrno } from './kernel.ts';

/** Content of a file without white space around it, undefined when it cannot be read. Bytes that are no UTF-8 become U+FFFD. */
export function readText(files: FileTree, path: string, maxBytes?: number): string | undefined {
  const bytes = files.readBytes(path, maxBytes);
  return isErrno(bytes) ? undefined : textOf(bytes);
}

/** Lines of a file without the empty ones, none when it cannot be read. */
export function readLines(files: FileTree, path: string, maxBytes?: number): readonly string[] {
  const text = readText(files, path, maxBytes);
  return text === undefined ? [] : text.split('\n').filter((line) => line !== '');
}

/** A decimal integer; undefined for anything else, also for one that a number cannot hold exactly. */
export function readInteger(files: FileTree, path: string): number | undefined {
  return parseInteger(readText(files, path));
}

/** A hexadecimal number with or without `0x`; undefined for anything else or above 2^53. */
export function readHex(files: FileTree, path: string): number | undefined {
  const text = readText(files, path);
  if (text === undefined || !/^(?:0x)?[0-9a-f]{1,14}$/i.test(text)) return undefined;
  const value = parseInt(text, 16);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Last part of a symbolic link's target: the name of a driver or a group. */
export function readLinkName(files: FileTree, path: string): string | undefined {
  const target = files.readLink(path);
  const name = target?.slice(target.lastIndexOf('/') + 1);
  return name === '' ? undefined : name;
}

/** Reads a decimal integer; undefined for anything else. */
export function parseInteger(text: string | undefined): number | undefined {
  if (text === undefined || !/^-?[0-9]{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Bytes of a file as text, without white space around it. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').trim();
}
