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

/** A size rounded up to whole words. */
export function align4(sizeBytes: number): number {
  return (sizeBytes + 3) & ~3;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The 16-bit word at an offset that is inside. */
function wordAt(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8);
}

/** Bytes as 32-bit words in the kernel's byte order, without a rest; a copy when they do not begin at a whole word. */
export function wordsOf(bytes: Uint8Array): Int32Array {
  const { buffer, byteOffset } = (bytes.byteOffset & 3) === 0 ? bytes : Uint8Array.from(bytes);
  return new Int32Array(buffer, byteOffset, bytes.byteLength >> 2);
}

/**
 * Walks attributes without knowing their meaning. Ends at the first header that leaves the container and says so in
 * `truncated`.
 */
export function readAttributeHeaders(bytes: Uint8Array): { attributes: RawAttribute[]; truncated: boolean } {
  const attributes: RawAttribute[] = [];
  for (let offset = 0; offset + attributeHeaderBytes <= bytes.byteLength;) {
    const type = wordAt(bytes, offset + 2) & typeMask;
    const length = wordAt(bytes, offset);
    if (length < attributeHeaderBytes || offset + length > bytes.byteLength)
      return { attributes, truncated: true };
    attributes.push({ type, value: bytes.subarray(offset + attributeHeaderBytes, offset + length) });
    offset += align4(length);
  }
  return { attributes, truncated: false };
}

interface NamedRow {
  readonly name: string;
  readonly codec: Codec<unknown>;
  readonly repeated: boolean;
}

/** Rows by attribute type. */
const rowsOfTables = new WeakMap<AttributeTable, readonly (NamedRow | undefined)[]>();

function rowsOf(table: AttributeTable): readonly (NamedRow | undefined)[] {
  const known = rowsOfTables.get(table);
  if (known !== undefined) return known;
  const rows: (NamedRow | undefined)[] = [];
  for (const [name, { type, codec, repeated = false }] of Object.entries(table))
    rows[type] = { name, codec: codec as Codec<unknown>, repeated };
  rowsOfTables.set(table, rows);
  return rows;
}

/** One type of attribute that is not decoded by the table, and whose length the 16-bit field cannot always hold. */
export interface OversizedAttribute<Table extends AttributeTable> {
  readonly type: number;
  /** Real length with the header; `decoded` is what came before in the message. */
  lengthOf(decoded: AttributesOf<Table>, offset: number, stored: number): number;
  take(value: Uint8Array): void;
}

/**
 * Decodes a run of attributes by a table. Throws `kernel.malformed` when they leave their container, or when a value is
 * shorter than its type.
 */
export function decodeAttributes<Table extends AttributeTable>(
  table: Table,
  bytes: Uint8Array,
  oversized?: OversizedAttribute<Table>,
): AttributesOf<Table> {
  const rows = rowsOf(table);
  const result: Record<string, unknown> = {};
  let unknown: { type: number; bytes: Uint8Array }[] | undefined;
  for (let offset = 0; offset + attributeHeaderBytes <= bytes.byteLength;) {
    const type = wordAt(bytes, offset + 2) & typeMask;
    const stored = wordAt(bytes, offset);
    const isOversized = oversized !== undefined && type === oversized.type;
    const length = isOversized ? oversized.lengthOf(result as AttributesOf<Table>, offset, stored) : stored;
    const end = offset + length;
    if (length < attributeHeaderBytes || end > bytes.byteLength)
      throw new VfleetError('kernel.malformed', 'a netlink attribute leaves its message');
    const value = bytes.subarray(offset + attributeHeaderBytes, end);
    const row = rows[type];
    if (isOversized) oversized.take(value);
    else if (row === undefined) (unknown ??= []).push({ type, bytes: value });
    else if (row.repeated) appendTo(result, row.name, row.codec.decode(value));
    else result[row.name] = row.codec.decode(value);
    offset += align4(length);
  }
  if (unknown !== undefined) result['unknown'] = unknown;
  return result as AttributesOf<Table>;
}

function appendTo(result: Record<string, unknown>, name: string, value: unknown): void {
  const values = result[name];
  if (Array.isArray(values)) values.push(value);
  else result[name] = [value];
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

function needBytes(bytes: Uint8Array, sizeBytes: number): void {
  if (bytes.byteLength >= sizeBytes) return;
  throw new VfleetError(
    'kernel.malformed',
    `a netlink value of ${bytes.byteLength} bytes is shorter than ${sizeBytes}`,
  );
}

/** The 32-bit word at an offset that is inside, with a sign. */
function signedWordAt(bytes: Uint8Array, offset: number): number {
  return wordAt(bytes, offset) | (wordAt(bytes, offset + 2) << 16);
}

function ofSize(sizeBytes: number, set: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  set(viewOf(bytes));
  return bytes;
}

export const u8: Codec<number> = {
  decode: (bytes) => {
    needBytes(bytes, 1);
    return bytes[0] ?? 0;
  },
  encode: (value) => ofSize(1, (view) => view.setUint8(0, value)),
};
export const u16: Codec<number> = {
  decode: (bytes) => {
    needBytes(bytes, 2);
    return wordAt(bytes, 0);
  },
  encode: (value) => ofSize(2, (view) => view.setUint16(0, value, true)),
};
export const u32: Codec<number> = {
  decode: (bytes) => {
    needBytes(bytes, 4);
    return signedWordAt(bytes, 0) >>> 0;
  },
  encode: (value) => ofSize(4, (view) => view.setUint32(0, value, true)),
};
export const s32: Codec<number> = {
  decode: (bytes) => {
    needBytes(bytes, 4);
    return signedWordAt(bytes, 0);
  },
  encode: (value) => ofSize(4, (view) => view.setInt32(0, value, true)),
};
/** A counter; exact up to 2^53. */
export const u64: Codec<number> = {
  decode: (bytes) => {
    needBytes(bytes, 8);
    return (signedWordAt(bytes, 4) >>> 0) * 0x1_0000_0000 + (signedWordAt(bytes, 0) >>> 0);
  },
  encode: (value) => ofSize(8, (view) => view.setBigUint64(0, BigInt(value), true)),
};
/** NUL-terminated text. */
export const text: Codec<string> = {
  decode: (bytes) => {
    let value = '';
    for (const byte of bytes) {
      if (byte === 0) return value;
      if (byte > 0x7f) return decodeUtf8(bytes);
      value += String.fromCharCode(byte);
    }
    return value;
  },
  encode: (value) => Buffer.from(`${value}\0`),
};

function decodeUtf8(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
}

export const binary: Codec<Uint8Array> = {
  decode: (bytes) => bytes,
  encode: (value) => value,
};
/** Present or not, without a value. */
export const flag: Codec<true> = {
  decode: () => true,
  encode: () => new Uint8Array(0),
};
const hexPairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Bytes as hex with colons, as hardware addresses are written. */
export const hardwareAddress: Codec<string> = {
  decode: (bytes) => {
    let value = '';
    for (const byte of bytes) value += `${value === '' ? '' : ':'}${hexPairs[byte]}`;
    return value;
  },
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
