// Owns the format of PCI vital product data: the name and part number that a card carries in its own memory.
// Bytes in, facts out, whatever the bytes are: vendors fill them by hand. Reading them is in ../sysfs/pci-identity.ts.

/** What a card says of itself. A field that is absent, cut off or empty is undefined. */
export interface VitalProductData {
  /** Name of the product (the identifier string). */
  readonly product: string | undefined;
  /** Keyword PN. */
  readonly partNumber: string | undefined;
}

// Resource data types (PCI Local Bus Specification 3.0, appendix I; drivers/pci/vpd.c, include/linux/pci.h PCI_VPD_*).
const largeResource = 0x80;
const identifierString = 0x82;
const readOnlyData = 0x90;
/** A small resource: four bits of name, three of length. */
const smallNameMask = 0x78;
const smallLengthMask = 0x07;
const endTag = 0x78;
const largeHeaderBytes = 3;
/** Two letters and a length of 8 bits. */
const fieldHeaderBytes = 3;
const partNumberKeyword = 'PN';

/**
 * Reads vital product data, at any length. Never throws, and never looks past the end: the walk stops at the end tag, at
 * zeros or ones (nothing was ever written there), and at a resource that reaches beyond the bytes.
 */
export function parseVitalProductData(bytes: Uint8Array): VitalProductData {
  let product: string | undefined;
  let partNumber: string | undefined;
  for (let offset = 0; offset < bytes.length;) {
    const tag = bytes[offset] ?? 0;
    if (tag === 0 || tag === 0xff || (tag & ~smallLengthMask) === endTag) break;
    const isLarge = (tag & largeResource) !== 0;
    const start = offset + (isLarge ? largeHeaderBytes : 1);
    const length = isLarge
      ? (bytes[offset + 1] ?? 0) | ((bytes[offset + 2] ?? 0) << 8)
      : tag & smallLengthMask;
    if (!isLarge && (tag & smallNameMask) === 0) break;
    const end = start + length;
    if (tag === identifierString && end <= bytes.length) product ??= textOf(bytes.subarray(start, end));
    // Of a read-only part that is cut off, the fields before the cut are whole.
    if (tag === readOnlyData) partNumber ??= fieldOf(bytes.subarray(start, end), partNumberKeyword);
    offset = end;
  }
  return { product, partNumber };
}

/** Value of a keyword in a list of fields; undefined when it is not there or does not lie wholly inside. */
function fieldOf(fields: Uint8Array, keyword: string): string | undefined {
  for (let offset = 0; offset + fieldHeaderBytes <= fields.length;) {
    const start = offset + fieldHeaderBytes;
    const end = start + (fields[offset + 2] ?? 0);
    if (end > fields.length) return undefined;
    if (String.fromCharCode(fields[offset] ?? 0, fields[offset + 1] ?? 0) === keyword)
      return textOf(fields.subarray(start, end));
    offset = end;
  }
  return undefined;
}

/** Text up to a NUL, without what cannot be printed and without space around it; undefined when nothing is left. */
function textOf(bytes: Uint8Array): string | undefined {
  const end = bytes.indexOf(0);
  const text = Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('latin1');
  const printable = text.replaceAll(/[^ -~]/g, ' ').trim();
  return printable === '' ? undefined : printable;
}

/** Vital product data with these fields, for the simulated host. */
export function encodeVitalProductData(data: { product: string; partNumber: string }): Uint8Array {
  const large = (tag: number, body: Uint8Array): Uint8Array =>
    Buffer.concat([Uint8Array.of(tag, body.length & 0xff, body.length >> 8), body]);
  const field = (keyword: string, value: Uint8Array): Uint8Array =>
    Buffer.concat([Buffer.from(keyword, 'latin1'), Uint8Array.of(value.length), value]);
  const head = Buffer.concat([
    large(identifierString, Buffer.from(data.product, 'latin1')),
    // The checksum field makes the read-only part whole; its sum covers everything up to its own first byte.
    Uint8Array.of(readOnlyData, 0, 0),
    field(partNumberKeyword, Buffer.from(data.partNumber, 'latin1')),
    Buffer.from('RV', 'latin1'),
    Uint8Array.of(1),
  ]);
  const fieldBytes = head.length - (largeHeaderBytes + data.product.length) - largeHeaderBytes + 1;
  const lengthAt = largeHeaderBytes + data.product.length + 1;
  head[lengthAt] = fieldBytes & 0xff;
  head[lengthAt + 1] = fieldBytes >> 8;
  const sum = head.reduce((total, byte) => (total + byte) & 0xff, 0);
  return new Uint8Array(Buffer.concat([head, Uint8Array.of((0x100 - sum) & 0xff, endTag)]));
}
