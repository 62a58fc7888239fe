// Owns what all ACPI tables have in common: the header, and a bounded walk through the structures behind it.
// The bytes can be anything; what breaks the format is thrown as `kernel.malformed`, and nothing is read past the end.

import { VfleetError } from '../../base/errors.ts';

/** Bytes of a table's header (ACPI 6.5, 5.2.6). */
const headerSizeBytes = 36;
const lengthOffset = 4;

/** One structure of a table. */
export interface TableEntry {
  readonly type: number;
  /** The whole structure, its type and length included. */
  readonly view: DataView;
}

/** How the structures behind a table's fixed part begin. */
export interface EntryHeader {
  /** The smallest structure there can be: what every one of them has. */
  readonly sizeBytes: number;
  readType(view: DataView): number;
  readLength(view: DataView): number;
}

/**
 * The table of a signature, cut to the length that it gives itself. `fixedSizeBytes` is the size of all that comes
 * before its structures. Throws `kernel.malformed`. The checksum is the kernel's business: it has looked at it.
 */
export function openTable(bytes: Uint8Array, signature: string, fixedSizeBytes: number): DataView {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength < Math.max(headerSizeBytes, fixedSizeBytes))
    throw malformed(signature, `it ends after ${view.byteLength} bytes`);
  const found = String.fromCharCode(...bytes.subarray(0, signature.length));
  if (found !== signature) throw malformed(signature, 'it has another signature');
  const sizeBytes = view.getUint32(lengthOffset, true);
  if (sizeBytes < fixedSizeBytes || sizeBytes > view.byteLength)
    throw malformed(signature, `it says ${sizeBytes} bytes, and ${view.byteLength} are there`);
  return new DataView(bytes.buffer, bytes.byteOffset, sizeBytes);
}

/** The structures of a table in their order. Throws `kernel.malformed` for one that is too short or not wholly inside. */
export function listEntries(
  table: DataView,
  signature: string,
  startOffset: number,
  header: EntryHeader,
): readonly TableEntry[] {
  const entries: TableEntry[] = [];
  let offset = startOffset;
  while (offset < table.byteLength) {
    const leftBytes = table.byteLength - offset;
    if (leftBytes < header.sizeBytes) throw malformed(signature, `the structure at ${offset} is cut off`);
    const rest = new DataView(table.buffer, table.byteOffset + offset, leftBytes);
    const sizeBytes = header.readLength(rest);
    // Every step is at least a header long: the walk ends.
    if (sizeBytes < header.sizeBytes || sizeBytes > leftBytes)
      throw malformed(signature, `the structure at ${offset} says ${sizeBytes} bytes`);
    const view = new DataView(table.buffer, table.byteOffset + offset, sizeBytes);
    entries.push({ type: header.readType(view), view });
    offset += sizeBytes;
  }
  return entries;
}

/** The error for a table that breaks its format. */
export function malformed(signature: string, why: string): VfleetError {
  return new VfleetError('kernel.malformed', `ACPI table ${signature}: ${why}`, {
    details: { file: `/sys/firmware/acpi/tables/${signature}` },
  });
}
