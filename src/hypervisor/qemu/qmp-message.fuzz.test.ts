import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VfleetError } from '../../base/errors.ts';
import { LineSplitter, parseMessage, renderCommand } from './qmp-message.ts';

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'ok';
  } catch (error) {
    return error instanceof VfleetError ? error.code : `thrown ${String(error)}`;
  }
}

/** Cuts bytes at places that are given as parts of the whole. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => Math.floor(place * bytes.length)), bytes.length].toSorted(
    (a, b) => a - b,
  );
  let start = 0;
  return ends.map((end) => {
    const piece = bytes.subarray(start, end);
    start = end;
    return piece;
  });
}

const place = fc.double({ min: 0, max: 1, noNaN: true });

describe('lines of QMP', () => {
  it('are the same, however the bytes arrive', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue(), { maxLength: 8 }),
        fc.array(place, { maxLength: 12 }),
        fc.constantFrom('\n', '\r\n'),
        (values, places, ending) => {
          const lines = values.map((value) => JSON.stringify(value));
          const bytes = Buffer.from(lines.map((line) => line + ending).join(''));
          const splitter = new LineSplitter();
          expect(cut(bytes, places).flatMap((piece) => splitter.push(piece))).toEqual(lines);
        },
      ),
    );
  });

  it('end at the limit, in one piece or many', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 50 }), (sizeBytes, step) => {
        const splitter = new LineSplitter(20);
        const bytes = Buffer.from(`${'x'.repeat(sizeBytes)}\n`);
        const answer = codeOf(() => {
          for (let at = 0; at < bytes.length; at += step) splitter.push(bytes.subarray(at, at + step));
        });
        expect(answer).toBe(sizeBytes > 20 ? 'hypervisor.malformed' : 'ok');
      }),
    );
  });

  it('can be any bytes: understood, or malformed with one line of words', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const lines = new LineSplitter().push(Buffer.concat([bytes, Buffer.from('\n')]));
        for (const line of lines)
          expect(['ok', 'hypervisor.malformed']).toContain(codeOf(() => parseMessage(line)));
      }),
    );
  });

  it('are shown in one line of words, and not whole', () => {
    expect(() => parseMessage(`\u001b[31m\n${'x'.repeat(1000)}`)).toThrow(
      /^QMP: a line is no JSON: "\\u001b\[31m\\nx{60,80}"$/,
    );
  });

  it('can be any JSON', () => {
    const part = fc.oneof(fc.jsonValue(), fc.constant({ class: 'GenericError', desc: 'no' }));
    const keys = ['QMP', 'event', 'data', 'error', 'return', 'id', '__proto__', 'constructor'] as const;
    const message = fc.dictionary(fc.constantFrom(...keys), part);
    fc.assert(
      fc.property(fc.oneof(message, fc.jsonValue()), (value) => {
        expect(['ok', 'hypervisor.malformed']).toContain(codeOf(() => parseMessage(JSON.stringify(value))));
      }),
    );
  });

  it('can be nested as deep as the limit lets them', () => {
    const depth = 1_000_000;
    expect(codeOf(() => parseMessage('['.repeat(depth)))).toBe('hypervisor.malformed');
    expect(codeOf(() => parseMessage(`{"return":${'['.repeat(depth)}${']'.repeat(depth)}}`))).not.toMatch(
      /^thrown/,
    );
  });
});

describe('a message', () => {
  it('is what QEMU 10.0.2 wrote', () => {
    const parsed = [
      '{"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}, "package": "Debian 1:10.0.2"}, "capabilities": ["oob"]}}',
      '{"return": {"status": "prelaunch", "running": false}, "id": 1}',
      '{"id": 7, "error": {"class": "DeviceNotFound", "desc": "Device \'x\' not found"}}',
      '{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "DEVICE_DELETED", "data": {"device": "n1", "path": "/machine/peripheral/n1"}}',
      '{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "STOP"}',
    ].map(parseMessage);
    expect(parsed).toEqual([
      { kind: 'greeting', version: '10.0.2' },
      { kind: 'return', id: 1, value: { status: 'prelaunch', running: false } },
      { kind: 'error', id: 7, errorClass: 'DeviceNotFound', description: "Device 'x' not found" },
      {
        kind: 'event',
        event: { name: 'DEVICE_DELETED', data: { device: 'n1', path: '/machine/peripheral/n1' } },
      },
      { kind: 'event', event: { name: 'STOP', data: {} } },
    ]);
  });

  it('goes out as one line, whatever its arguments hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1 }), (id, number) => {
        const line = renderCommand(number, 'device_add', { id });
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(JSON.parse(line)).toEqual({ execute: 'device_add', arguments: { id }, id: number });
      }),
    );
  });
});
