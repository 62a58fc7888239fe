// Owns netlink attributes: one table row gives decoder, encoder and type of an attribute.
// Pure bytes in and out. Attributes that no row names survive as { type, bytes } and are encoded again.

import { VfleetError } from '../../base/errors.ts';

/** struct nlattr, include/uapi/linux/netlink.h: 16-bit length with header, 16-bit type, value padded to 4. */
const attributeHeaderBytes = 4;
const NLA_F_NESTED = 0x8000;
/** Without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const typeMask = 0x3fff;

export interface RawAttribute {
  readonly type: number;
  readonly value: Uint8Array;
}

/** Turns the value of one attribute into bytes and back; `nested` sets NLA_F_NESTED when it is written. */
export interface Codec<T> {
  decode(bytes: Uint8Array): T;
  encode(value: T): Uint8Array;
  readonly nested?: boolean;
}

export interface AttributeRow<T> {
  readonly type: number;
  readonly codec: Codec<T>;
  /** The attribute may stand several times; its value is an array. */
  readonly repeated?: boolean;
}

type RowValue<R> = R extends { codec: Codec<infer T>; repeated: true }
  ? T[]
  : R extends { codec: Codec<infer T> }
    ? T
    : never;

// oxlint-disable-next-line typescript/no-explicit-any -- a table holds rows of every value type
export type AttributeTable = Readonly<Record<string, AttributeRow<any>>>;

/** What a table decodes to: every attribute may be absent. */
export type AttributesOf<Table extends AttributeTable> = {
  -readonly [Name in keyof Table]?: RowValue<Table[Name]>;
} & { unknown?: readonly { readonly type: number; readonly bytes: Uint8Array }[] };

function align4(sizeBytes: number): number {
  return (sizeBytes + 3) & ~3;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Walks attributes without knowing their meaning. Ends at the first header that leaves the container and says so in
 * `truncated`. `lengthOf` may correct a length that the 16-bit field cannot hold.
 */
export function readAttributeHeaders(
  bytes: Uint8Array,
  lengthOf?: (type: number, offset: number, length: number) => number,
): { attributes: RawAttribute[]; truncated: boolean } {
  const view = viewOf(bytes);
  const attributes: RawAttribute[] = [];
  let offset = 0;
  while (offset + attributeHeaderBytes <= bytes.byteLength) {
    const type = view.getUint16(offset + 2, true) & typeMask;
    const stored = view.getUint16(offset, true);
    const length = lengthOf === undefined ? stored : lengthOf(type, offset, stored);
    if (length < attributeHeaderBytes || offset + length > bytes.byteLength)
      return { attributes, truncated: true };
    attributes.push({ type, value: bytes.subarray(offset + attributeHeaderBytes, offset + length) });
    offset += align4(length);
  }
  return { attributes, truncated: false };
}

const rowsByType = new WeakMap<AttributeTable, Map<number, [string, AttributeRow<unknown>]>>();

function rowsOf(table: AttributeTable): Map<number, [string, AttributeRow<unknown>]> {
  let rows = rowsByType.get(table);
  if (rows === undefined) {
    rows = new Map(
      Object.entries(table).map(([name, row]) => [row.type, [name, row as AttributeRow<unknown>]]),
    );
    rowsByType.set(table, rows);
  }
  return rows;
}

/** Interprets attributes by a table. Throws `kernel.malformed` when a value is shorter than its type. */
export function interpretAttributes<Table extends AttributeTable>(
  table: Table,
  attributes: readonly RawAttribute[],
): AttributesOf<Table> {
  const rows = rowsOf(table);
  const result: Record<string, unknown> = {};
  let unknown: { type: number; bytes: Uint8Array }[] | undefined;
  for (const { type, value } of attributes) {
    const found = rows.get(type);
    if (found === undefined) {
      (unknown ??= []).push({ type, bytes: value });
      continue;
    }
    const [name, row] = found;
    const decoded = row.codec.decode(value);
    if (row.repeated !== true) result[name] = decoded;
    else if (Array.isArray(result[name])) result[name].push(decoded);
    else result[name] = [decoded];
  }
  if (unknown !== undefined) result['unknown'] = unknown;
  return result as AttributesOf<Table>;
}

/** Decodes a run of attributes by a table. Throws `kernel.malformed` when they leave their container. */
export function decodeAttributes<Table extends AttributeTable>(
  table: Table,
  bytes: Uint8Array,
): AttributesOf<Table> {
  const { attributes, truncated } = readAttributeHeaders(bytes);
  if (truncated) throw new VfleetError('kernel.malformed', 'a netlink attribute leaves its message');
  return interpretAttributes(table, attributes);
}

/** Bytes of one attribute. Throws `internal.bug` when the value is longer than the 16-bit length can say. */
export function encodeAttribute(type: number, value: Uint8Array, nested = false): Uint8Array {
  const length = attributeHeaderBytes + value.byteLength;
  if (length > 0xffff)
    throw new VfleetError('internal.bug', `netlink attribute ${type} of ${length} bytes is too long`);
  const bytes = new Uint8Array(align4(length));
  const view = viewOf(bytes);
  view.setUint16(0, length, true);
  view.setUint16(2, nested ? type | NLA_F_NESTED : type, true);
  bytes.set(value, attributeHeaderBytes);
  return bytes;
}

/** Joins pieces of bytes. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let sizeBytes = 0;
  for (const part of parts) sizeBytes += part.byteLength;
  const bytes = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  return bytes;
}

/** Encodes attributes in the order of the table's rows, unknown ones last. */
export function encodeAttributes<Table extends AttributeTable>(
  table: Table,
  value: AttributesOf<Table>,
): Uint8Array {
  const parts: Uint8Array[] = [];
  const values: Record<string, unknown> = value;
  for (const [name, row] of Object.entries(table)) {
    const given = values[name];
    if (given === undefined) continue;
    const each: readonly unknown[] = row.repeated === true && Array.isArray(given) ? given : [given];
    for (const one of each) parts.push(encodeAttribute(row.type, row.codec.encode(one), row.codec.nested));
  }
  for (const { type, bytes } of value.unknown ?? []) parts.push(encodeAttribute(type, bytes));
  return concatBytes(parts);
}

function atLeast(bytes: Uint8Array, sizeBytes: number): DataView {
  if (bytes.byteLength < sizeBytes) {
    throw new VfleetError(
      'kernel.malformed',
      `a netlink value of ${bytes.byteLength} bytes is shorter than ${sizeBytes}`,
    );
  }
  return viewOf(bytes);
}

function ofSize(sizeBytes: number, set: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  set(viewOf(bytes));
  return bytes;
}

export const u8: Codec<number> = {
  decode: (bytes) => atLeast(bytes, 1).getUint8(0),
  encode: (value) => ofSize(1, (view) => view.setUint8(0, value)),
};
export const u16: Codec<number> = {
  decode: (bytes) => atLeast(bytes, 2).getUint16(0, true),
  encode: (value) => ofSize(2, (view) => view.setUint16(0, value, true)),
};
export const u32: Codec<number> = {
  decode: (bytes) => atLeast(bytes, 4).getUint32(0, true),
  encode: (value) => ofSize(4, (view) => view.setUint32(0, value, true)),
};
export const s32: Codec<number> = {
  decode: (bytes) => atLeast(bytes, 4).getInt32(0, true),
  encode: (value) => ofSize(4, (view) => view.setInt32(0, value, true)),
};
/** A counter; exact up to 2^53. */
export const u64: Codec<number> = {
  decode: (bytes) => Number(atLeast(bytes, 8).getBigUint64(0, true)),
  encode: (value) => ofSize(8, (view) => view.setBigUint64(0, BigInt(value), true)),
};
/** NUL-terminated text. */
export const text: Codec<string> = {
  decode: (bytes) => {
    const end = bytes.indexOf(0);
    return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
  },
  encode: (value) => Buffer.from(`${value}\0`),
};
export const binary: Codec<Uint8Array> = {
  decode: (bytes) => bytes,
  encode: (value) => value,
};
/** Present or not, without a value. */
export const flag: Codec<true> = {
  decode: () => true,
  encode: () => new Uint8Array(0),
};
/** Bytes as hex with colons, as hardware addresses are written. */
export const hardwareAddress: Codec<string> = {
  decode: (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':'),
  encode: (value) =>
    value === '' ? new Uint8Array(0) : Uint8Array.from(value.split(':'), (byte) => parseInt(byte, 16)),
};
/** Bytes as plain hex, as port and switch identifiers are written. */
export const hexText: Codec<string> = {
  decode: (bytes) => Buffer.from(bytes).toString('hex'),
  encode: (value) => Buffer.from(value, 'hex'),
};

/** Attributes inside an attribute. `flagged: false` for the old families that do not set NLA_F_NESTED. */
export function nested<Table extends AttributeTable>(
  table: Table,
  options: { flagged?: boolean } = {},
): Codec<AttributesOf<Table>> {
  return {
    decode: (bytes) => decodeAttributes(table, bytes),
    encode: (value) => encodeAttributes(table, value),
    nested: options.flagged ?? true,
  };
}

/** A nest whose members are numbered by position and all have one form; only their values matter. */
export function numbered<T>(codec: Codec<T>, options: { flagged?: boolean } = {}): Codec<T[]> {
  return {
    decode: (bytes) => {
      const { attributes, truncated } = readAttributeHeaders(bytes);
      if (truncated) throw new VfleetError('kernel.malformed', 'a netlink attribute leaves its nest');
      return attributes.map(({ value }) => codec.decode(value));
    },
    encode: (values) =>
      concatBytes(
        values.map((value, index) => encodeAttribute(index + 1, codec.encode(value), codec.nested)),
      ),
    nested: options.flagged ?? true,
  };
}
