// Owns XDR (RFC 4506), the encoding of libvirt's protocol: a codec per type, put together in tables.
// Knows no message of libvirt (remote-protocol.ts) and no socket. Bytes of others are hostile: every bound is checked.

import { VfleetError } from '../../base/errors.ts';

/** Reads and writes one type. */
export interface Codec<T> {
  read(reader: XdrReader): T;
  write(writer: XdrWriter, value: T): void;
}

/** The type that a codec is for. */
export type Decoded<C> = C extends Codec<infer T> ? T : never;

/** Everything is padded to whole words (RFC 4506 section 3). */
const wordBytes = 4;

/** Goes through the bytes of one message; every read past its end throws `hypervisor.malformed`. */
export class XdrReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get remainingBytes(): number {
    return this.#bytes.length - this.#offset;
  }

  /** The next bytes, without a copy. */
  take(sizeBytes: number): Buffer {
    if (sizeBytes > this.remainingBytes) {
      throw malformed(`${sizeBytes} bytes are announced, ${this.remainingBytes} are there`);
    }
    const taken = this.#bytes.subarray(this.#offset, this.#offset + sizeBytes);
    this.#offset += sizeBytes;
    return taken;
  }

  /** The next bytes and what pads them to whole words. */
  takePadded(sizeBytes: number): Buffer {
    const taken = this.take(sizeBytes);
    if (this.take(paddingOf(sizeBytes)).some((byte) => byte !== 0)) throw malformed('padding is not zero');
    return taken;
  }
}

/** Puts one message together. */
export class XdrWriter {
  readonly #parts: Buffer[] = [];

  append(bytes: Buffer): void {
    this.#parts.push(bytes);
  }

  appendPadded(bytes: Buffer): void {
    this.#parts.push(bytes, Buffer.alloc(paddingOf(bytes.length)));
  }

  toBytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

function paddingOf(sizeBytes: number): number {
  return (wordBytes - (sizeBytes % wordBytes)) % wordBytes;
}

function malformed(problem: string): VfleetError {
  return new VfleetError('hypervisor.malformed', `libvirt sent a broken message: ${problem}`);
}

function bug(problem: string): VfleetError {
  return new VfleetError('internal.bug', `a message to libvirt cannot be written: ${problem}`);
}

/** No bytes at all. */
export const xdrVoid: Codec<undefined> = {
  read: () => undefined,
  write: () => {},
};

export const xdrInt: Codec<number> = {
  read: (reader) => reader.take(wordBytes).readInt32BE(),
  write(writer, value) {
    const bytes = Buffer.alloc(wordBytes);
    bytes.writeInt32BE(value);
    writer.append(bytes);
  },
};

export const xdrUint: Codec<number> = {
  read: (reader) => reader.take(wordBytes).readUInt32BE(),
  write(writer, value) {
    const bytes = Buffer.alloc(wordBytes);
    bytes.writeUInt32BE(value);
    writer.append(bytes);
  },
};

/** 64 bits, signed (`hyper`). */
export const xdrHyper: Codec<bigint> = {
  read: (reader) => reader.take(2 * wordBytes).readBigInt64BE(),
  write(writer, value) {
    const bytes = Buffer.alloc(2 * wordBytes);
    bytes.writeBigInt64BE(value);
    writer.append(bytes);
  },
};

/** 64 bits, unsigned (`unsigned hyper`). */
export const xdrUnsignedHyper: Codec<bigint> = {
  read: (reader) => reader.take(2 * wordBytes).readBigUInt64BE(),
  write(writer, value) {
    const bytes = Buffer.alloc(2 * wordBytes);
    bytes.writeBigUInt64BE(value);
    writer.append(bytes);
  },
};

export const xdrDouble: Codec<number> = {
  read: (reader) => reader.take(2 * wordBytes).readDoubleBE(),
  write(writer, value) {
    const bytes = Buffer.alloc(2 * wordBytes);
    bytes.writeDoubleBE(value);
    writer.append(bytes);
  },
};

/** Bytes of a fixed number, `opaque x[n]`. */
export function xdrFixedOpaque(sizeBytes: number): Codec<Buffer> {
  return {
    read: (reader) => Buffer.from(reader.takePadded(sizeBytes)),
    write(writer, value) {
      if (value.length !== sizeBytes) throw bug(`${value.length} bytes instead of ${sizeBytes}`);
      writer.appendPadded(value);
    },
  };
}

/** Bytes up to a number, `opaque x<n>`. */
export function xdrOpaque(maxBytes: number): Codec<Buffer> {
  return {
    read: (reader) => Buffer.from(reader.takePadded(readCount(reader, maxBytes))),
    write(writer, value) {
      if (value.length > maxBytes) throw bug(`${value.length} bytes, at most ${maxBytes} are allowed`);
      xdrUint.write(writer, value.length);
      writer.appendPadded(value);
    },
  };
}

/**
 * Text as UTF-8, at most `maxBytes` of it. A NUL is refused both ways: C code on the other side would take the text
 * before it for the whole.
 */
export function xdrString(maxBytes: number): Codec<string> {
  return {
    read(reader) {
      const text = reader.takePadded(readCount(reader, maxBytes)).toString('utf8');
      if (text.includes('\0')) throw malformed('a NUL in a text');
      return text;
    },
    write(writer, value) {
      if (value.includes('\0')) throw bug('a NUL in a text');
      const bytes = Buffer.from(value, 'utf8');
      if (bytes.length > maxBytes)
        throw bug(`a text of ${bytes.length} bytes, at most ${maxBytes} are allowed`);
      xdrUint.write(writer, bytes.length);
      writer.appendPadded(bytes);
    },
  };
}

/** Something that may be absent, `type *x`. */
export function xdrOptional<T>(codec: Codec<T>): Codec<T | undefined> {
  return {
    read(reader) {
      const present = xdrUint.read(reader);
      if (present > 1) throw malformed(`${present} where 0 or 1 was due`);
      return present === 1 ? codec.read(reader) : undefined;
    },
    write(writer, value) {
      xdrUint.write(writer, value === undefined ? 0 : 1);
      if (value !== undefined) codec.write(writer, value);
    },
  };
}

/** Up to a number of one type, `type x<n>`. */
export function xdrArray<T>(codec: Codec<T>, maxCount: number): Codec<readonly T[]> {
  return {
    read(reader) {
      const count = readCount(reader, maxCount);
      const items: T[] = [];
      for (let index = 0; index < count; index += 1) items.push(codec.read(reader));
      return items;
    },
    write(writer, value) {
      if (value.length > maxCount) throw bug(`${value.length} items, at most ${maxCount} are allowed`);
      xdrUint.write(writer, value.length);
      for (const item of value) codec.write(writer, item);
    },
  };
}

/** Fields one after another, in the order of the table. */
export function xdrStruct<T extends object>(fields: { readonly [K in keyof T]: Codec<T[K]> }): Codec<
  Readonly<T>
> {
  const rows: readonly [string, Codec<unknown>][] = Object.entries(fields);
  return {
    read(reader) {
      const value: Record<string, unknown> = {};
      for (const [name, codec] of rows) value[name] = codec.read(reader);
      return value as T;
    },
    write(writer, value) {
      for (const [name, codec] of rows) codec.write(writer, (value as Record<string, unknown>)[name]);
    },
  };
}

/** A number that says which codec follows, and what that reads. */
export interface Tagged {
  readonly type: number;
  readonly value: number | bigint | string;
}

/** One of several types by a leading number, `union switch (int type)`. */
export function xdrUnion(arms: ReadonlyMap<number, Codec<unknown>>): Codec<Tagged> {
  function armOf(type: number): Codec<Tagged['value']> {
    const arm = arms.get(type);
    if (arm === undefined) throw malformed(`${type} is no type that the protocol knows`);
    return arm as Codec<Tagged['value']>;
  }
  return {
    read(reader) {
      const type = xdrInt.read(reader);
      return { type, value: armOf(type).read(reader) };
    },
    write(writer, { type, value }) {
      xdrInt.write(writer, type);
      armOf(type).write(writer, value);
    },
  };
}

function readCount(reader: XdrReader, max: number): number {
  const count = xdrUint.read(reader);
  if (count > max) throw malformed(`a length of ${count}, at most ${max} is allowed`);
  return count;
}

export function encodeXdr<T>(codec: Codec<T>, value: T): Buffer {
  const writer = new XdrWriter();
  codec.write(writer, value);
  return writer.toBytes();
}

/** Reads bytes that hold just one value. Throws `hypervisor.malformed`, also for bytes left over. */
export function decodeXdr<T>(codec: Codec<T>, bytes: Buffer): T {
  const reader = new XdrReader(bytes);
  const value = codec.read(reader);
  if (reader.remainingBytes > 0) throw malformed(`${reader.remainingBytes} bytes too many`);
  return value;
}
