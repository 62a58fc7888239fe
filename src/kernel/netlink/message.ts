// Owns the frame of a netlink datagram: headers, acknowledgements, extended acks.
// Pure bytes in and out; knows no protocol and opens nothing.

import { VfleetError } from '../../base/errors.ts';
import { describeErrno, errnoNameOf } from '../errno-table.ts';
import { align4, concatBytes, encodeAttribute, readAttributeHeaders, text, u32 } from './attributes.ts';

/** struct nlmsghdr, include/uapi/linux/netlink.h. */
const headerSizeBytes = 16;

export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSG_OVERRUN = 4;

export const NLM_F_REQUEST = 0x01;
export const NLM_F_ACK = 0x04;
export const NLM_F_DUMP_INTR = 0x10;
/** NLM_F_ROOT | NLM_F_MATCH. */
export const NLM_F_DUMP = 0x300;
/** The ack carries no copy of the request. */
export const NLM_F_CAPPED = 0x100;
/** The ack carries extended-ack attributes. */
export const NLM_F_ACK_TLVS = 0x200;

const NLMSGERR_ATTR_MSG = 1;
const NLMSGERR_ATTR_OFFS = 2;

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly portId: number;
  readonly payload: Uint8Array;
}

/** What an NLMSG_ERROR says. `errno` is positive, 0 for an acknowledgement. */
export interface Acknowledgement {
  readonly errno: number;
  /** The kernel's extended ack, when it gave one. */
  readonly kernelMessage?: string;
  /** Offset of the attribute at fault from the start of the request, when the kernel says so. */
  readonly offset?: number;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A payload that is written straight into the message: for large ones, which should not be copied. Counted in words. */
export interface WrittenPayload {
  readonly maxWords: number;
  /** Writes every word from `start` on, and gives back where the payload ends. The words hold anything before. */
  write(words: Int32Array, start: number): number;
}

type OutgoingMessage = Omit<NetlinkMessage, 'portId' | 'payload'> & {
  readonly portId?: number;
  readonly payload: Uint8Array | WrittenPayload;
};

/** Bytes of one message, header and payload. */
export function encodeMessage(message: OutgoingMessage): Uint8Array {
  const words = new Int32Array(maxWordsOf(message));
  return new Uint8Array(words.buffer, 0, writeMessage(words, 0, message));
}

/** The most that a message takes. */
export function maxWordsOf({ payload }: OutgoingMessage): number {
  const words = payload instanceof Uint8Array ? align4(payload.byteLength) / 4 : payload.maxWords;
  return headerSizeBytes / 4 + words;
}

/** Writes a message at a place in words that may hold anything before, and gives back its length in bytes. */
export function writeMessage(words: Int32Array, start: number, message: OutgoingMessage): number {
  const { payload, type, flags, sequence, portId = 0 } = message;
  const body = start + headerSizeBytes / 4;
  let sizeBytes: number;
  if (payload instanceof Uint8Array) {
    new Uint8Array(words.buffer, words.byteOffset).set(payload, 4 * body);
    sizeBytes = headerSizeBytes + payload.byteLength;
  } else sizeBytes = 4 * (payload.write(words, body) - start);
  words[start] = sizeBytes;
  words[start + 1] = type | (flags << 16);
  words[start + 2] = sequence;
  words[start + 3] = portId;
  return sizeBytes;
}

/** The messages of one datagram. Throws `kernel.malformed` when a length leaves the datagram. */
export function decodeMessages(datagram: Uint8Array): NetlinkMessage[] {
  const view = viewOf(datagram);
  const messages: NetlinkMessage[] = [];
  let offset = 0;
  while (offset + headerSizeBytes <= datagram.byteLength) {
    const length = view.getUint32(offset, true);
    if (length < headerSizeBytes || offset + length > datagram.byteLength) {
      throw new VfleetError(
        'kernel.malformed',
        `a netlink message of ${length} bytes at offset ${offset} does not fit in its datagram of ${datagram.byteLength} bytes`,
      );
    }
    messages.push({
      type: view.getUint16(offset + 4, true),
      flags: view.getUint16(offset + 6, true),
      sequence: view.getUint32(offset + 8, true),
      portId: view.getUint32(offset + 12, true),
      payload: datagram.subarray(offset + headerSizeBytes, offset + length),
    });
    offset += align4(length);
  }
  return messages;
}

/**
 * Reads NLMSG_ERROR, and NLMSG_DONE whose payload begins with an errno as well.
 * The extended ack stands behind the copied request, or behind the bare header with NLM_F_CAPPED
 * (Documentation/userspace-api/netlink/intro.rst, "Ext ACK").
 */
export function decodeAcknowledgement(message: NetlinkMessage): Acknowledgement {
  const { payload } = message;
  if (payload.byteLength < 4) return { errno: 0 };
  const view = viewOf(payload);
  // Not `-x`: an acknowledgement would become -0.
  const errno = 0 - view.getInt32(0, true);
  if ((message.flags & NLM_F_ACK_TLVS) === 0) return { errno };
  let offset = 4;
  if (message.type === NLMSG_ERROR) {
    if (payload.byteLength < 4 + headerSizeBytes) return { errno };
    const capped = (message.flags & NLM_F_CAPPED) !== 0;
    const copied = capped ? headerSizeBytes : view.getUint32(4, true);
    // Compared before it is aligned: align4 works on 32 bits with a sign.
    if (copied > payload.byteLength) return { errno };
    offset += align4(copied);
  }
  if (offset > payload.byteLength) return { errno };
  let kernelMessage: string | undefined;
  let attributeOffset: number | undefined;
  for (const { type, value } of readAttributeHeaders(payload.subarray(offset)).attributes) {
    if (type === NLMSGERR_ATTR_MSG) kernelMessage = text.decode(value);
    if (type === NLMSGERR_ATTR_OFFS && value.byteLength >= 4) attributeOffset = u32.decode(value);
  }
  return {
    errno,
    ...(kernelMessage === undefined ? {} : { kernelMessage }),
    ...(attributeOffset === undefined ? {} : { offset: attributeOffset }),
  };
}

/** Payload of an NLMSG_ERROR as a kernel with extended, capped acks writes it. `request` is the refused message. */
export function encodeAcknowledgement(
  request: NetlinkMessage,
  answer: Acknowledgement,
): { flags: number; payload: Uint8Array } {
  const extended: Uint8Array[] = [];
  if (answer.kernelMessage !== undefined)
    extended.push(encodeAttribute(NLMSGERR_ATTR_MSG, text.encode(answer.kernelMessage)));
  if (answer.offset !== undefined)
    extended.push(encodeAttribute(NLMSGERR_ATTR_OFFS, u32.encode(answer.offset)));
  const fixed = new Uint8Array(4 + headerSizeBytes);
  const view = viewOf(fixed);
  view.setInt32(0, -answer.errno, true);
  fixed.set(encodeMessage({ ...request, payload: new Uint8Array(0) }), 4);
  view.setUint32(4, headerSizeBytes + request.payload.byteLength, true);
  return {
    flags: NLM_F_CAPPED | (extended.length === 0 ? 0 : NLM_F_ACK_TLVS),
    payload: concatBytes([fixed, ...extended]),
  };
}

/** The error for a refused request: operation, errno and the kernel's own words. */
export function refusalOf(operation: string, answer: Acknowledgement): VfleetError {
  const said = answer.kernelMessage === undefined ? '' : ` (${answer.kernelMessage})`;
  return new VfleetError('kernel.refused', `${operation}: ${describeErrno(answer.errno)}${said}`, {
    details: {
      operation,
      errno: errnoNameOf(answer.errno),
      ...(answer.kernelMessage === undefined ? {} : { kernelMessage: answer.kernelMessage }),
    },
  });
}
