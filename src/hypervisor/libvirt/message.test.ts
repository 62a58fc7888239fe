import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeMessage, MessageSplitter } from './message.ts';
import { outcomeOf } from './outcome.fixture.ts';
import { VIR_NET_MESSAGE_MAX } from './remote-protocol.ts';

const malformed: unknown = expect.objectContaining({ code: 'hypervisor.malformed' });

const header = fc.record({
  program: fc.constantFrom(0x20008086, 0x6b656570),
  version: fc.constant(1),
  procedure: fc.integer({ min: 1, max: 500 }),
  type: fc.integer({ min: 0, max: 5 }),
  serial: fc.integer({ min: 0, max: 0xffff_ffff }),
  status: fc.integer({ min: 0, max: 2 }),
});
const message = fc.record({
  header,
  payload: fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array)),
});

function splitAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...places, bytes.length].map((place, index) => bytes.subarray(places[index - 1] ?? 0, place));
}

describe('messages', () => {
  test('are found again however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 8 }),
        fc.array(fc.nat(2000), { maxLength: 40 }),
        (messages, cuts) => {
          const stream = Buffer.concat(messages.map((each) => encodeMessage(each.header, each.payload)));
          const splitter = new MessageSplitter();
          const found = splitAt(stream, cuts).flatMap((chunk) => splitter.push(chunk));
          expect(found).toEqual(messages);
        },
      ),
    );
  });

  test('byte by byte', () => {
    const bytes = encodeMessage(
      { program: 0x20008086, version: 1, procedure: 14, type: 1, serial: 7, status: 0 },
      Buffer.from('payload!'),
    );
    expect(bytes.subarray(0, 28).toString('hex')).toBe(
      '0000002420008086000000010000000e000000010000000700000000',
    );
    const splitter = new MessageSplitter();
    const found = [...bytes].flatMap((byte) => splitter.push(Buffer.from([byte])));
    expect(found.map(({ payload }) => payload.toString())).toEqual(['payload!']);
  });

  test.each([0, 1, 27, VIR_NET_MESSAGE_MAX + 5, 0xffff_ffff])(
    'of %d bytes are refused at once',
    (sizeBytes) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(sizeBytes);
      expect(() => new MessageSplitter().push(length)).toThrow(malformed);
    },
  );

  test('any bytes are messages, the beginning of one, or malformed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (array) => {
        const { code = 'hypervisor.malformed' } = outcomeOf(() =>
          new MessageSplitter().push(Buffer.from(array)),
        );
        expect(code).toBe('hypervisor.malformed');
      }),
      { numRuns: 500 },
    );
  });

  test('too long to be taken are not sent', () => {
    const header = { program: 1, version: 1, procedure: 1, type: 0, serial: 1, status: 0 };
    expect(() => encodeMessage(header, Buffer.alloc(VIR_NET_MESSAGE_MAX))).toThrow(
      expect.objectContaining({ code: 'internal.bug' }),
    );
  });
});
