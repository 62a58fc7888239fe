import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findEndMarker } from './end-marker.ts';

const end = '0123456789abcdef';

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let start = 0;
  for (const size of [...sizes, bytes.byteLength]) {
    chunks.push(bytes.subarray(start, start + size));
    start += size;
  }
  return chunks;
}

describe('findEndMarker', () => {
  it('gives all content and no byte of the marker, however the stream is cut', () => {
    // Content that likes to begin the marker.
    const content = fc
      .array(fc.oneof(fc.constantFrom('0', '01', '0123456789abcde', '\n', ''), fc.string()))
      .map((parts) => parts.join(''))
      .filter((text) => !text.includes(end));
    fc.assert(
      fc.property(content, fc.array(fc.nat({ max: 20 })), (text, sizes) => {
        const marker = findEndMarker(end);
        const given = cut(Buffer.from(text + end), sizes).map((chunk) => marker.push(chunk));
        expect(Buffer.concat(given).toString()).toBe(text);
        expect(marker.isDone()).toBe(true);
      }),
    );
  });

  it('holds back nothing that cannot be the marker', () => {
    const marker = findEndMarker(end);
    expect(marker.push(Buffer.from('line\n')).toString()).toBe('line\n');
    expect(marker.push(Buffer.from('x01')).toString()).toBe('x');
    expect(marker.push(Buffer.from('y')).toString()).toBe('01y');
    expect(marker.isDone()).toBe(false);
  });
});
