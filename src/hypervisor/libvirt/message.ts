// Owns libvirt's messages as bytes: the length field, the header, and finding them in a stream.
// Knows nothing of what a payload means.

import { VfleetError } from '../../base/errors.ts';
import type { Decoded } from './xdr.ts';
import { decodeXdr, encodeXdr } from './xdr.ts';
import { messageHeader, VIR_NET_MESSAGE_MAX } from './remote-protocol.ts';

export type MessageHeader = Decoded<typeof messageHeader>;

/** Header and payload of one message. */
export interface Message {
  readonly header: MessageHeader;
  readonly payload: Buffer;
}

const lengthBytes = 4;
const headerBytes = 24;

/** One message as bytes; the length field counts itself. Throws `internal.bug` when it is too long to be sent. */
export function encodeMessage(header: MessageHeader, payload: Buffer): Buffer {
  const sizeBytes = lengthBytes + headerBytes + payload.length;
  if (sizeBytes - lengthBytes > VIR_NET_MESSAGE_MAX) {
    throw new VfleetError('internal.bug', `a message to libvirt of ${sizeBytes} bytes is too long`);
  }
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(sizeBytes);
  return Buffer.concat([length, encodeXdr(messageHeader, header), payload]);
}

/** Finds messages in a stream, however it is cut. Throws `hypervisor.malformed` for a length that cannot be. */
export class MessageSplitter {
  #chunks: Buffer[] = [];
  #bufferedBytes = 0;

  /** Takes the next bytes and answers the messages that are whole now. */
  push(chunk: Buffer): Message[] {
    this.#chunks.push(chunk);
    this.#bufferedBytes += chunk.length;
    const messages: Message[] = [];
    for (;;) {
      const sizeBytes = this.#nextSizeBytes();
      if (sizeBytes === undefined || this.#bufferedBytes < sizeBytes) return messages;
      const bytes = this.#take(sizeBytes);
      messages.push({
        header: decodeXdr(messageHeader, bytes.subarray(lengthBytes, lengthBytes + headerBytes)),
        payload: bytes.subarray(lengthBytes + headerBytes),
      });
    }
  }

  #nextSizeBytes(): number | undefined {
    if (this.#bufferedBytes < lengthBytes) return undefined;
    const sizeBytes = this.#joinFirst(lengthBytes).readUInt32BE();
    if (sizeBytes < lengthBytes + headerBytes || sizeBytes > lengthBytes + VIR_NET_MESSAGE_MAX) {
      throw new VfleetError('hypervisor.malformed', `libvirt announced a message of ${sizeBytes} bytes`);
    }
    return sizeBytes;
  }

  /** The first chunk, made at least so long: big messages come in many chunks and are joined once, at their end. */
  #joinFirst(sizeBytes: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= sizeBytes) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }

  #take(sizeBytes: number): Buffer {
    const joined = this.#joinFirst(sizeBytes);
    const rest = joined.subarray(sizeBytes);
    this.#chunks.shift();
    if (rest.length > 0) this.#chunks.unshift(rest);
    this.#bufferedBytes -= sizeBytes;
    return joined.subarray(0, sizeBytes);
  }
}
