import { expect, test } from 'vitest';
import { igbPfConfig, rootPortConfig } from './captured-config.fixture.ts';
import { parseConfigSpace } from './config-space.ts';

/** Byte arrays per property; `VFLEET_FUZZ_RUNS=3000000` for a long run. */
const runs = Number(process.env['VFLEET_FUZZ_RUNS'] ?? 200_000);
const seed = Number(process.env['VFLEET_FUZZ_SEED'] ?? 1);
const sizes = [0, 1, 63, 64, 65, 128, 255, 256, 257, 260, 4095, 4096];
// A list cannot hold more, see capability-list.ts.
const mostCapabilities = 48;
const mostExtendedCapabilities = 480;

/** xorshift32: fast enough for gigabytes of rubbish, and the same ones for the same seed. */
function randomizer(start: number): () => number {
  let state = start >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
}

/** The bytes as hex when the answer to them is not sound: one comparison per run, for an expect would take most of the time. */
function unsound(bytes: Uint8Array): readonly string[] {
  const config = parseConfigSpace(bytes);
  const areInside = [...config.capabilities, ...config.extendedCapabilities].every(
    (capability) => capability.offset + 2 <= bytes.length,
  );
  const vectors = config.msix?.vectors ?? 1;
  const isSound =
    config.sizeBytes === bytes.length &&
    areInside &&
    config.capabilities.length <= mostCapabilities &&
    config.extendedCapabilities.length <= mostExtendedCapabilities &&
    config.problems.length <= 10 &&
    vectors >= 1 &&
    vectors <= 2048 &&
    (config.sriov?.vfBars.length ?? 0) <= 6;
  return isSound ? [] : [Buffer.from(bytes).toString('hex')];
}

test(`${runs} arrays of random bytes are read without an exception`, () => {
  const random = randomizer(seed);
  const culprits: string[] = [];
  const words = new Uint32Array(1024);
  const bytes = new Uint8Array(words.buffer);
  for (let run = 0; run < runs; run++) {
    // A window of new words in old rubbish: each array differs, and most of the time goes into the parser.
    const start = random() % words.length;
    for (let index = 0; index < 64; index++) words[(start + index) % words.length] = random();
    // Every second one says that it has capabilities, or most would end at the first bit.
    if (run % 2 === 0) bytes[6] = 0x10;
    culprits.push(...unsound(bytes.subarray(0, sizes[random() % sizes.length])));
  }
  expect(culprits).toEqual([]);
}, 600_000);

test(`${runs} damaged copies of real configuration spaces are read without an exception`, () => {
  const random = randomizer(seed + 1);
  const culprits: string[] = [];
  const originals = [igbPfConfig(), rootPortConfig()];
  const bytes = new Uint8Array(4096);
  const interesting = [0x00, 0x01, 0x10, 0x34, 0x40, 0x7f, 0x80, 0xfc, 0xff];
  for (let run = 0; run < runs; run++) {
    if (run % 64 === 0) bytes.set(originals[random() % originals.length] ?? bytes);
    // Damage where the structure is: the header, the capabilities, the first extended ones.
    for (let damage = 1 + (random() % 4); damage > 0; damage--) {
      const value = random() % 2 === 0 ? interesting[random() % interesting.length] : random() & 0xff;
      bytes[random() % 0x1c0] = value ?? 0;
    }
    const sizeBytes = random() % 8 === 0 ? sizes[random() % sizes.length] : 4096;
    culprits.push(...unsound(bytes.subarray(0, sizeBytes)));
  }
  expect(culprits).toEqual([]);
}, 600_000);

test('what lies around the bytes in memory does not change the answer', () => {
  const random = randomizer(seed + 2);
  for (let run = 0; run < 2000; run++) {
    const sizeBytes = sizes[random() % sizes.length] ?? 0;
    const zeros = new Uint8Array(sizeBytes + 128);
    const ones = new Uint8Array(sizeBytes + 128).fill(0xff);
    const original = run % 2 === 0 ? igbPfConfig() : rootPortConfig();
    for (let index = 0; index < 8; index++) original[random() % 0x1c0] = random() & 0xff;
    zeros.set(original.subarray(0, sizeBytes), 64);
    ones.set(original.subarray(0, sizeBytes), 64);
    const among = (bytes: Uint8Array): Uint8Array => bytes.subarray(64, 64 + sizeBytes);
    expect(parseConfigSpace(among(ones))).toEqual(parseConfigSpace(among(zeros)));
  }
});
