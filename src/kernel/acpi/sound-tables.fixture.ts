// Owns sound ACPI tables for tests, written down byte by byte from the specifications.

/** Header of a table with an ID that nobody has; the checksum is left out, for nothing here looks at it. */
function header(signature: string, sizeBytes: number): number[] {
  return [
    ...Buffer.from(signature),
    ...littleEndian(sizeBytes, 4),
    1,
    0,
    ...Buffer.from('VFLEET'),
    ...Buffer.from('EXAMPLE1'),
    ...littleEndian(1, 4),
    ...Buffer.from('TEST'),
    ...littleEndian(1, 4),
  ];
}

function littleEndian(value: number, sizeBytes: number): number[] {
  return Array.from({ length: sizeBytes }, (_, index) => Math.floor(value / 256 ** index) % 256);
}

/**
 * Interrupt remapping and DMA protection; a unit for one device in segment 1, a reserved region, a unit for all the
 * rest of segment 0, and the affinity of the first unit.
 */
export function dmarWithTwoUnits(): Uint8Array {
  const scope = [1, 8, 0, 0, 0, 0, 2, 0];
  const structures = [
    [0, 0, 24, 0, 0, 0, 1, 0, ...littleEndian(0xfed9_0000, 8), ...scope],
    [1, 0, 32, 0, 0, 0, 0, 0, ...littleEndian(0x7b80_0000, 8), ...littleEndian(0x7fff_ffff, 8), ...scope],
    [0, 0, 16, 0, 1, 0, 0, 0, ...littleEndian(0xfed9_1000, 8)],
    [3, 0, 20, 0, 0, 0, 0, 0, ...littleEndian(0xfed9_0000, 8), ...littleEndian(0, 4)],
  ].flat();
  const sizeBytes = 48 + structures.length;
  return Uint8Array.from([...header('DMAR', sizeBytes), 45, 0b101, ...littleEndian(0, 10), ...structures]);
}

/** Two IOMMUs, 00:00.2 and 40:00.2, each described for old and for new kernels, and a memory definition. */
export function ivrsWithTwoUnits(): Uint8Array {
  const blocks = [0x0002, 0x4002].flatMap((deviceId) => {
    const common = [...littleEndian(deviceId, 2), 0x40, 0, ...littleEndian(0xfd80_0000, 8), 0, 0, 0, 0];
    const entries = [3, 8, 0, 0, 4, 0xff, 0xff, 0];
    return [
      [0x10, 0xb0, 32, 0, ...common, 0, 0, 0, 0, ...entries],
      [0x11, 0x30, 48, 0, ...common, 0, 0, 0, 0, ...littleEndian(0, 16), ...entries],
      [0x40, 0x30, 48, 0, ...common, 0, 0, 0, 0, ...littleEndian(0, 16), ...entries],
    ].flat();
  });
  const memory = [0x21, 8, 32, 0, 0x10, 0x01, 0, 0, ...littleEndian(0, 8), ...littleEndian(0x9000_0000, 8)];
  const structures = [...blocks, ...memory, ...littleEndian(0x1000, 8)];
  const sizeBytes = 48 + structures.length;
  const info = littleEndian(0x0020_3041, 4);
  return Uint8Array.from([...header('IVRS', sizeBytes), ...info, ...littleEndian(0, 8), ...structures]);
}
