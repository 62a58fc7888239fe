// Owns hostile ACPI tables for tests: random bytes, and damaged copies of sound tables.

/** xorshift32: fast enough for gigabytes of rubbish, and the same ones for the same seed. */
export function randomizer(start: number): () => number {
  let state = start >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
}

const sizes = [0, 1, 4, 35, 36, 37, 47, 48, 49, 51, 52, 63, 64, 72, 128, 300];

/**
 * Random bytes of a random size. Most carry the signature and the length that a table of their size has, or a parser
 * would stop at its first check.
 */
export function randomTable(random: () => number, signature: string): Uint8Array {
  const bytes = new Uint8Array(sizes[random() % sizes.length] ?? 0);
  for (let index = 0; index < bytes.length; index += 1) {
    // Small numbers, so that many types and lengths are possible ones.
    bytes[index] = random() % (random() % 4 === 0 ? 256 : 20);
  }
  if (bytes.length < 8 || random() % 16 === 0) return bytes;
  bytes.set(Buffer.from(signature), 0);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, random() % 8 === 0 ? random() : bytes.length, true);
  return bytes;
}

/** A copy with up to four bytes changed, and now and then its end cut off. */
export function damaged(random: () => number, original: Uint8Array): Uint8Array {
  const bytes = original.slice(0, random() % 3 === 0 ? random() % (original.length + 1) : undefined);
  for (let count = random() % 5; count > 0 && bytes.length > 0; count -= 1)
    bytes[random() % bytes.length] = random() & 0xff;
  return bytes;
}

/**
 * Somewhere in the middle of other bytes: what a parser reads past either end changes its answer. The two answers are
 * to be the same.
 */
export function surrounded(bytes: Uint8Array, filling: number): Uint8Array {
  const all = new Uint8Array(bytes.length + 512).fill(filling);
  all.set(bytes, 256);
  return all.subarray(256, 256 + bytes.length);
}
