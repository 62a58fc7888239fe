// Owns finding the end of a stream that cannot be closed: a secret that the guest writes after the last byte.
// Keeps every other byte as it is, and holds back only what may be the secret's beginning.

/** Splits what arrives into content and the marker at its end. */
export interface EndMarker {
  /** Takes the next bytes; gives those that are surely content. Nothing may follow once `isDone` is true. */
  readonly push: (chunk: Buffer) => Buffer;
  /** Whether the whole marker has arrived. */
  readonly isDone: () => boolean;
}

/** A finder for a marker, which must be random enough never to be content. */
export function findEndMarker(marker: string): EndMarker {
  const secret = Buffer.from(marker);
  let held: Buffer = Buffer.alloc(0);
  let done = false;
  return {
    push(chunk) {
      const bytes = held.byteLength === 0 ? chunk : Buffer.concat([held, chunk]);
      if (bytes.subarray(-secret.byteLength).equals(secret)) {
        done = true;
        held = Buffer.alloc(0);
        return bytes.subarray(0, -secret.byteLength);
      }
      const contentBytes = bytes.byteLength - beginningAtEnd(bytes, secret);
      held = bytes.subarray(contentBytes);
      return bytes.subarray(0, contentBytes);
    },
    isDone: () => done,
  };
}

/** Length of the longest end of `bytes` that is a beginning of `secret`. */
function beginningAtEnd(bytes: Buffer, secret: Buffer): number {
  for (let length = Math.min(bytes.byteLength, secret.byteLength - 1); length > 0; length -= 1) {
    if (bytes.subarray(-length).equals(secret.subarray(0, length))) return length;
  }
  return 0;
}
