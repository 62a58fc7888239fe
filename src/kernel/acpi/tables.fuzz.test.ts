import { describe, expect, it } from 'vitest';
import { VfleetError } from '../../base/errors.ts';
import { parseDmar } from './dmar.ts';
import { parseIvrs } from './ivrs.ts';
import { damaged, randomizer, randomTable, surrounded } from './random-table.fixture.ts';
import { dmarWithTwoUnits, ivrsWithTwoUnits } from './sound-tables.fixture.ts';

/** Tables per property; `VFLEET_FUZZ_RUNS=3000000` for a long run. Eight properties: a million tables. */
const runs = Number(process.env['VFLEET_FUZZ_RUNS'] ?? 130_000);
const seed = Number(process.env['VFLEET_FUZZ_SEED'] ?? 1);

interface Parser {
  readonly signature: string;
  readonly sound: Uint8Array;
  parse(bytes: Uint8Array): { readonly units: readonly object[] };
  /** The smallest size that a unit's structure can have. */
  readonly unitBytes: number;
}

const parsers: readonly Parser[] = [
  { signature: 'DMAR', sound: dmarWithTwoUnits(), parse: parseDmar, unitBytes: 16 },
  { signature: 'IVRS', sound: ivrsWithTwoUnits(), parse: parseIvrs, unitBytes: 24 },
];

// Most of these tables are refused, and the stack of an error that nobody looks at costs ten times the parsing.
Error.stackTraceLimit = 0;

/** The answer as text, `malformed` for the one refusal there may be. Anything else is thrown on. */
function answerTo(parser: Parser, bytes: Uint8Array): string {
  try {
    return JSON.stringify(parser.parse(bytes));
  } catch (thrown) {
    if (thrown instanceof VfleetError && thrown.code === 'kernel.malformed') return 'malformed';
    throw thrown;
  }
}

/** The bytes as hex when the answer to them is not sound: an expect for each would take most of the time. */
function unsound(parser: Parser, bytes: Uint8Array, answer: string): readonly string[] {
  if (answer === 'malformed') return [];
  const { units } = JSON.parse(answer) as { units: readonly object[] };
  return bytes.length >= 48 && units.length * parser.unitBytes <= bytes.length - 48
    ? []
    : [Buffer.from(bytes).toString('hex')];
}

describe.each(parsers)('$signature', (parser) => {
  it(`${runs} random tables give values or kernel.malformed`, () => {
    const random = randomizer(seed);
    const culprits: string[] = [];
    let readable = 0;
    for (let run = 0; run < runs; run += 1) {
      const bytes = randomTable(random, parser.signature);
      const answer = answerTo(parser, bytes);
      culprits.push(...unsound(parser, bytes, answer));
      if (answer !== 'malformed') readable += 1;
    }
    expect(culprits).toEqual([]);
    // The rubbish is good enough to get past the first checks.
    expect(readable).toBeGreaterThan(runs / 1000);
  }, 600_000);

  it(`${runs} damaged copies of a sound table give values or kernel.malformed`, () => {
    const random = randomizer(seed + 1);
    const culprits: string[] = [];
    for (let run = 0; run < runs; run += 1) {
      const bytes = damaged(random, parser.sound);
      culprits.push(...unsound(parser, bytes, answerTo(parser, bytes)));
    }
    expect(culprits).toEqual([]);
  }, 600_000);

  it(`nothing past the end of ${runs} random tables is read`, () => {
    const random = randomizer(seed + 2);
    const culprits: string[] = [];
    for (let run = 0; run < runs; run += 1) {
      const bytes = randomTable(random, parser.signature);
      if (answerTo(parser, surrounded(bytes, 0)) !== answerTo(parser, surrounded(bytes, 0xff)))
        culprits.push(Buffer.from(bytes).toString('hex'));
    }
    expect(culprits).toEqual([]);
  }, 600_000);

  it(`nothing past the end of ${runs} damaged tables is read`, () => {
    const random = randomizer(seed + 3);
    const culprits: string[] = [];
    for (let run = 0; run < runs; run += 1) {
      const bytes = damaged(random, parser.sound);
      if (answerTo(parser, surrounded(bytes, 0)) !== answerTo(parser, surrounded(bytes, 0xff)))
        culprits.push(Buffer.from(bytes).toString('hex'));
    }
    expect(culprits).toEqual([]);
  }, 600_000);
});
